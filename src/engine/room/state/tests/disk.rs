//! The database around a Room, as a model.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use entity::message::Kind as MessageKind;
use entity::participant::Role;
use entity::{ConversationId, MessageId, Millis};

use crate::engine::room::state::*;
use crate::protocol::{ClientId, Message, MessageText, Status, User};
use crate::store::Leaver;
use crate::store::append::{Change, MemberMove, Post, Settings};

const HERE: ConversationId = ConversationId(7);

/// One conversation, as it is on disk.
pub(super) struct Disk {
    pub(super) record: RoomRecord,
    pub(super) messages: Vec<Arc<Message>>,
    /// Which request wrote the message of a `seq`.
    pub(super) writers: HashMap<i64, usize>,
    /// Who was in as of each version, this included.
    pub(super) people: Vec<(i64, BTreeSet<UserId>)>,
    leavers: HashMap<UserId, Leaver>,
    /// How far each has come: delivered and read.
    pub(super) marks: HashMap<UserId, (i64, i64)>,
    /// What moved since it was last asked for.
    pub(super) moved: append::Marks,
}

impl Disk {
    pub(super) fn new(direct: bool) -> Self {
        let roles: &[Role] = if direct {
            &[Role::Member, Role::Member]
        } else {
            &[Role::Owner, Role::Admin, Role::Member]
        };
        let record = RoomRecord {
            id: HERE,
            kind: if direct { Kind::Direct } else { Kind::Group },
            open: true,
            opened_by: UserId(1),
            last_seq: 0,
            version: 0,
            members_version: 0,
            members: (1..)
                .zip(roles)
                .map(|(id, role)| member(id, *role))
                .collect(),
        };
        Self {
            record,
            messages: Vec::new(),
            writers: HashMap::new(),
            people: Vec::new(),
            leavers: HashMap::new(),
            marks: (1..=3).map(|id| (UserId(id), (0, 0))).collect(),
            moved: append::Marks::default(),
        }
    }

    /// Lock, look, assign, write; and whether it was rightly judged.
    pub(super) fn append(&mut self, append: &Append) -> Outcome {
        if append.members_version != self.record.members_version {
            return Outcome::Stale;
        }
        let actor = append.actor.id;
        if let What::Post(post) = &append.what
            && let Some(name) = &post.client_id
            && let Some(first) = self.known(actor, name.as_str())
        {
            return Outcome::Known(first);
        }
        if let What::Settings(settings) = append.what {
            return self.set(actor, settings);
        }
        if let Err(problem) = &append.verdict {
            return Outcome::Refused(problem.clone());
        }
        assert!(self.role(actor).is_some(), "{append:?}");
        if let What::Mark(marks) = &append.what {
            return self.mark(actor, marks);
        }
        assert!(self.record.open, "{append:?}");
        assert_eq!(append.has_others, self.record.members.len() > 1);
        match &append.what {
            What::Change(change) => {
                self.check_rights(actor, change);
                let message = self.change(actor, change);
                let change = Arc::clone(change);
                Outcome::Changed { message, change }
            }
            What::Post(post) => {
                let message = self.write(actor, post);
                let writer = number(post).expect("of a request");
                self.writers.insert(message.seq, writer);
                let returned = Vec::new();
                Outcome::Posted { message, returned }
            }
            What::Settings(_) | What::Mark(_) => unreachable!("dealt with"),
            What::FindSent(_) | What::Touch(_) => panic!("nobody asks for that here"),
        }
    }

    fn set(&mut self, user: UserId, settings: Settings) -> Outcome {
        self.record.version += 1;
        self.note();
        let mut members = self.record.members.iter_mut();
        if let Some(member) = members.find(|member| member.user.id == user) {
            member.archived = settings.archived.unwrap_or(member.archived);
        }
        Outcome::Set {
            user,
            version: self.record.version,
            settings,
        }
    }

    pub(super) fn joined(&self, user: UserId) -> i64 {
        let mut members = self.record.members.iter();
        let member = members.find(|member| member.user.id == user);
        member.map_or(0, |member| member.joined_seq)
    }

    /// As it is read, with what waits for each.
    pub(super) fn record(&self) -> RoomRecord {
        let mut record = self.record.clone();
        record.last_seq = self.messages.len() as i64;
        for member in &mut record.members {
            member.unread = self.unread(member.user.id);
        }
        record
    }

    /// Who may do what, said once more and in other words.
    fn check_rights(&self, actor: UserId, change: &Change) {
        assert_eq!(self.record.kind, Kind::Group);
        let me = self.role(actor).expect("in");
        assert!(change.title.is_none() || me >= Role::Admin);
        let goes = change.moves.contains(&MemberMove::Leave(actor));
        for moved in &change.moves {
            match moved {
                MemberMove::Join(user) => {
                    assert!(me >= Role::Admin && self.role(user.id).is_none());
                }
                MemberMove::Leave(user) => {
                    let them = self.role(*user).expect("in");
                    assert!(*user == actor || me > them);
                }
                MemberMove::Become(user, _) => {
                    assert!(me == Role::Owner && self.role(*user).is_some());
                    assert!(!goes || *user != actor);
                }
            }
        }
    }

    /// Who was in before anything happened.
    pub(super) fn started_with(&self, user: UserId) -> bool {
        let people = if self.record.kind == Kind::Direct {
            2
        } else {
            3
        };
        (1..=people).contains(&user.0)
    }

    fn role(&self, user: UserId) -> Option<Role> {
        let mut members = self.record.members.iter();
        let member = members.find(|member| member.user.id == user);
        member.map(|member| member.role)
    }

    pub(super) fn write(&mut self, sender: UserId, post: &Post) -> Arc<Message> {
        let text = post.text.as_str();
        let name = post.client_id.as_ref().map(|name| name.as_str().to_owned());
        let message = self.put((sender, MessageKind::Text), text, name);
        self.note();
        if let Some(before) = self.marks.get(&sender).copied() {
            self.tell_move(sender, before, (message.seq, message.seq));
        }
        message
    }

    /// Writes a change, whoever made it.
    pub(super) fn change(&mut self, actor: UserId, change: &Change) -> Arc<Message> {
        let message = self.put((actor, MessageKind::System), "a change", None);
        let members = &mut self.record.members;
        for moved in &change.moves {
            match moved {
                MemberMove::Join(user) => {
                    members.push(RoomMember {
                        joined_at: message.created_at,
                        joined_seq: message.seq - 1,
                        ..member(user.id.0, Role::Member)
                    });
                    members.sort_by_key(|member| member.user.id);
                    self.leavers.remove(&user.id);
                    self.marks.insert(user.id, (message.seq, message.seq));
                }
                MemberMove::Leave(user) => {
                    let at = members.iter().position(|member| member.user.id == *user);
                    let gone = members.remove(at.expect("in"));
                    let leaver = Leaver {
                        user: *user,
                        first: gone.joined_seq,
                        last: message.seq - 1,
                        version: message.version,
                    };
                    self.leavers.insert(*user, leaver);
                }
                MemberMove::Become(user, role) => {
                    let mut members = members.iter_mut();
                    let them = members.find(|member| member.user.id == *user);
                    them.expect("in").role = *role;
                }
            }
        }
        if !change.moves.is_empty() {
            self.record.members_version += 1;
        }
        let members = self.record.members.iter();
        let owners = members.filter(|member| member.role == Role::Owner);
        let expected = usize::from(!self.record.members.is_empty());
        assert_eq!(owners.count(), expected, "one, while anybody is in");
        self.note();
        message
    }

    pub(super) fn note(&mut self) {
        let members = self.record.members.iter();
        let people = members.map(|member| member.user.id).collect();
        self.people.push((self.record.version, people));
    }

    fn put(
        &mut self,
        (sender, kind): (UserId, MessageKind),
        text: &str,
        client_id: Option<String>,
    ) -> Arc<Message> {
        self.record.version += 1;
        let seq = self.messages.len() as i64 + 1;
        let message = Arc::new(Message {
            id: MessageId(seq),
            conversation_id: HERE,
            seq,
            version: self.record.version,
            kind,
            text: text.to_owned(),
            event: None,
            sender: user(sender.0),
            client_id,
            reply_to: None,
            reactions: Vec::new(),
            created_at: Millis(seq),
            edited_at: None,
            deleted: false,
            status: Status::Sent,
            delivered_at: None,
            is_read: false,
            read_at: None,
            is_touched: false,
            own_version: self.record.version,
            posted_version: self.record.version,
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

    pub(super) fn missed(&self, after: i64) -> Missed {
        let messages = self.messages.iter().filter(|it| it.version > after);
        let leavers = self.leavers.values().filter(|it| it.version > after);
        Missed {
            messages: messages.map(|message| Message::clone(message)).collect(),
            has_more: false,
            record: self.record(),
            leavers: leavers.copied().collect(),
        }
    }

    /// Another node does it.
    pub(super) fn join_or_leave(&mut self, user_id: i64) {
        let id = UserId(user_id);
        let moves = match (self.role(id), self.record.members.len()) {
            (None, _) => vec![MemberMove::Join(user(user_id))],
            (Some(Role::Owner), _) | (_, 1) => return,
            (Some(_), _) => vec![MemberMove::Leave(id)],
        };
        let change = Change {
            moves,
            ..Change::default()
        };
        // Nobody comes to two, and an empty group stays empty.
        if self.record.kind == Kind::Group && !self.record.members.is_empty() {
            self.change(UserId(9), &change);
        }
    }
}

/// The number of the request that a post came with.
fn number(post: &Post) -> Option<usize> {
    post.text.as_str().strip_prefix("request ")?.parse().ok()
}

pub(super) fn post(name: Option<u8>, text: &str) -> Post {
    Post {
        text: MessageText::parse(text).unwrap(),
        client_id: name.map(|name| ClientId::parse(&format!("name-{name}")).unwrap()),
        reply_to: None,
    }
}

pub(super) fn user(id: i64) -> User {
    User {
        id: UserId(id),
        username: format!("user{id}"),
        display_name: format!("User {id}"),
    }
}

fn member(id: i64, role: Role) -> RoomMember {
    RoomMember {
        user: user(id),
        role,
        joined_at: Millis(0),
        joined_seq: 0,
        is_deactivated: false,
        unread: 0,
        muted_until: None,
        archived: false,
    }
}
