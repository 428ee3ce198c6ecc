//! The database around a Room, as a model.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use entity::participant::Role;
use entity::{ConversationId, MessageId, Millis};

use super::super::*;
use crate::protocol::{ClientId, MessageText, Status, User};
use crate::store::append::Post;

const HERE: ConversationId = ConversationId(7);

/// One conversation, as it is on disk.
pub(super) struct Disk {
    pub(super) record: RoomRecord,
    pub(super) messages: Vec<Arc<Message>>,
    /// Which request wrote the message of a `seq`.
    pub(super) writers: HashMap<i64, usize>,
}

impl Disk {
    pub(super) fn new(direct: bool) -> Self {
        let record = RoomRecord {
            id: HERE,
            kind: if direct { Kind::Direct } else { Kind::Group },
            open: true,
            version: 0,
            members_version: 0,
            members: (1..=2).map(member).collect(),
            has_archived: false,
        };
        Self {
            record,
            messages: Vec::new(),
            writers: HashMap::new(),
        }
    }

    /// Lock, look, assign, write; and whether it was rightly judged.
    pub(super) fn append(&mut self, append: &Append) -> Outcome {
        if append.members_version != self.record.members_version {
            return Outcome::Stale;
        }
        let post = asked(append);
        let sender = append.actor.id;
        let name = post.client_id.as_ref();
        if let Some(first) = name.and_then(|name| self.known(sender, name.as_str())) {
            return Outcome::Known(first);
        }
        let is_in = self
            .record
            .members
            .iter()
            .any(|member| member.user.id == sender);
        assert_eq!(append.verdict.is_ok(), is_in && self.record.open);
        assert_eq!(append.audience as usize, self.record.members.len() - 1);
        match &append.verdict {
            Err(problem) => Outcome::Refused(problem.clone()),
            Ok(()) => {
                let message = self.write(sender, post);
                self.writers.insert(message.seq, number(post));
                let returned = Vec::new();
                Outcome::Posted { message, returned }
            }
        }
    }

    pub(super) fn write(&mut self, sender: UserId, post: &Post) -> Arc<Message> {
        self.record.version += 1;
        let seq = self.messages.len() as i64 + 1;
        let message = Arc::new(Message {
            id: MessageId(seq),
            conversation_id: HERE,
            seq,
            version: self.record.version,
            kind: entity::message::Kind::Text,
            text: post.text.as_str().to_owned(),
            event: None,
            sender: user(sender.0),
            client_id: post.client_id.as_ref().map(|name| name.as_str().to_owned()),
            reply_to: None,
            reactions: Vec::new(),
            created_at: Millis(0),
            edited_at: None,
            deleted: false,
            status: Status::Sent,
            delivered_at: None,
            is_read: false,
            read_at: None,
            is_touched: false,
        });
        self.messages.push(Arc::clone(&message));
        message
    }

    pub(super) fn known(&self, sender: UserId, name: &str) -> Option<Arc<Message>> {
        let mut messages = self.messages.iter();
        let is_it = |message: &&Arc<Message>| {
            message.sender.id == sender && message.client_id.as_deref() == Some(name)
        };
        messages.find(is_it).cloned()
    }

    pub(super) fn changed(&self, Missing { after, up_to }: Missing) -> Vec<Arc<Message>> {
        let messages = self.messages.iter();
        let missing = messages.filter(|it| it.version > after && it.version <= up_to);
        missing.cloned().collect()
    }

    pub(super) fn join_or_leave(&mut self, user: i64) {
        self.record.members_version += 1;
        let mut members: BTreeSet<i64> = self
            .record
            .members
            .iter()
            .map(|member| member.user.id.0)
            .collect();
        if members.len() == 1 || !members.remove(&user) {
            members.insert(user);
        }
        self.record.members = members.into_iter().map(member).collect();
    }
}

/// What is asked for here.
pub(super) fn asked(append: &Append) -> &Post {
    match &append.what {
        What::Post(post) => post,
        _ => panic!("nobody asked for anything else"),
    }
}

/// The number of the request that a post came with.
pub(super) fn number(post: &Post) -> usize {
    let number = post.text.as_str().strip_prefix("request ");
    number.expect("of a request").parse().unwrap()
}

pub(super) fn post(name: Option<u8>, text: &str) -> Post {
    Post {
        text: MessageText::parse(text).unwrap(),
        client_id: name.map(|name| ClientId::parse(&format!("name-{name}")).unwrap()),
        reply_to: None,
    }
}

fn user(id: i64) -> User {
    User {
        id: UserId(id),
        username: format!("user{id}"),
        display_name: format!("User {id}"),
    }
}

fn member(id: i64) -> RoomMember {
    RoomMember {
        user: user(id),
        role: Role::Member,
        joined_at: Millis(0),
        is_deactivated: false,
    }
}
