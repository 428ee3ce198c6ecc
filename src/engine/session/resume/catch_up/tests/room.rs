//! A conversation, and what its Room tells one of its people.

use std::collections::VecDeque;

use entity::message::Kind;
use entity::{ConversationId, MessageId, Millis, UserId};

use crate::engine::ports::{Frame, Unread};
use crate::engine::reply::echo;
use crate::engine::session::resume::catch_up::*;
use crate::protocol::event::{Mark, RemovedReason};
use crate::protocol::{Status, User};
use crate::store::Standing;

pub(super) struct Room {
    pub(super) id: ConversationId,
    pub(super) messages: Vec<Message>,
    version: i64,
    /// They see what came after this `seq`, which was as of this version.
    joined: (i64, i64),
    /// Who left knows of it up to this version, and sees up to this `seq`.
    left: Option<(i64, i64)>,
    /// Up to this version they were told of it: until they left, of all.
    told_to: Option<i64>,
    /// What waits for them.
    pub(super) unread: i64,
    /// What each version that isn't told yet brings to them.
    untold: VecDeque<Vec<Deliver>>,
}

impl Room {
    pub(super) fn new(id: ConversationId) -> Self {
        Self {
            id,
            messages: Vec::new(),
            version: 0,
            joined: (0, 0),
            left: None,
            told_to: None,
            unread: 0,
            untold: VecDeque::new(),
        }
    }

    pub(super) fn has_left(&self) -> bool {
        self.left.is_some()
    }

    /// What changed up to here they have been told, or replayed.
    pub(super) fn told_to(&self) -> i64 {
        self.told_to.unwrap_or(self.version)
    }

    pub(super) fn is_told(&self) -> bool {
        self.untold.is_empty()
    }

    /// What comes next.
    pub(super) fn tell(&mut self) -> Vec<Deliver> {
        self.untold.pop_front().unwrap_or_default()
    }

    /// Something took the next version; who has left isn't told.
    fn log(&mut self, frames: Vec<Frame>, unread: Option<Unread>) {
        let delivery = Deliver {
            frames: frames.into(),
            unread,
            bytes: 100,
        };
        let is_told = self.left.is_none();
        self.untold
            .push_back(is_told.then_some(delivery).into_iter().collect());
    }

    fn waits(&self) -> Unread {
        Unread {
            conversation: self.id,
            count: self.unread,
            muted_until: None,
            is_away: self.has_left(),
        }
    }

    fn say(&mut self, kind: Kind, weight: usize) -> Frame {
        self.version += 1;
        let seq = i64::try_from(self.messages.len()).unwrap() + 1;
        let mut message = message(self.id, seq, self.version);
        message.kind = kind;
        message.text = "x".repeat(weight);
        let frame = echo(&message);
        self.messages.push(message);
        frame
    }

    pub(super) fn post(&mut self, weight: usize) {
        let frame = self.say(Kind::Text, weight);
        if self.left.is_none() {
            self.unread += 1;
        }
        let unread = self.waits();
        self.log(vec![frame], Some(unread));
    }

    pub(super) fn touch(&mut self, which: usize) {
        if self.messages.is_empty() {
            return self.post(0);
        }
        self.version += 1;
        let which = which % self.messages.len();
        let message = &mut self.messages[which];
        message.version = self.version;
        message.is_touched = true;
        let (frame, seq) = (echo(message), message.seq);
        let is_seen = seq > self.joined.0;
        // Who left is told nothing, and is replayed what they still see.
        if let Some((known, last)) = &mut self.left
            && is_seen
            && seq <= *last
        {
            *known = self.version;
        }
        self.log(is_seen.then_some(frame).into_iter().collect(), None);
    }

    /// Somebody else's mark, of which they hear every other time.
    pub(super) fn mark(&mut self) {
        self.version += 1;
        let mark = Event::ReadReceipt(Mark {
            conversation_id: self.id,
            message_id: MessageId(1),
            seq: 1,
            user_id: UserId(1),
            username: "ann".to_owned(),
            at: Millis(0),
            version: self.version,
        });
        let frame = Frame::telling((self.id, self.version), &mark);
        let is_theirs = self.version % 2 == 0;
        self.log(is_theirs.then_some(frame).into_iter().collect(), None);
    }

    /// They have seen everything: only the count is told here.
    pub(super) fn see(&mut self) {
        if self.left.is_none() && self.unread > 0 {
            self.version += 1;
            self.unread = 0;
            let unread = self.waits();
            self.log(Vec::new(), Some(unread));
        }
    }

    /// They go, and hear of that alone; or come again, are shown what it is,
    /// and hear what came with them.
    pub(super) fn go_or_come(&mut self) {
        let before = i64::try_from(self.messages.len()).unwrap();
        let frame = self.say(Kind::System, 0);
        if self.left.take().is_none() {
            self.left = Some((self.version, before));
            self.told_to = Some(self.version);
            self.unread = 0;
            let counted = Deliver {
                frames: [].into(),
                unread: Some(self.waits()),
                bytes: 100,
            };
            let event = Event::ConversationRemoved {
                conversation_id: self.id,
                reason: RemovedReason::Left,
            };
            let removed = Deliver {
                frames: [Frame::telling((self.id, 0), &event)].into(),
                unread: None,
                bytes: 100,
            };
            return self.untold.push_back(vec![counted, removed]);
        }
        self.told_to = None;
        self.joined = (before, self.version);
        let mut view = self.view();
        view.version = self.version - 1;
        let conversation = Box::new(view);
        let shown = Event::Conversation { conversation };
        let shown = Frame::telling((self.id, self.version), &shown);
        let [shown, told] =
            [(shown, None), (frame, Some(self.waits()))].map(|(frame, unread)| Deliver {
                frames: [frame].into(),
                unread,
                bytes: 100,
            });
        self.untold.push_back(vec![shown, told]);
    }

    /// What they see of it.
    pub(super) fn seen(&self) -> impl Iterator<Item = &Message> {
        let last = self.left.map_or(i64::MAX, |(_, seq)| seq);
        let messages = self.messages.iter();
        messages.filter(move |it| it.seq > self.joined.0 && it.seq <= last)
    }

    pub(super) fn standing(&self) -> Standing {
        Standing {
            id: self.id,
            version: self.left.map_or(self.version, |(version, _)| version),
            ceiling: self.version,
        }
    }

    /// A short message is said to be so long that a reading takes only two.
    pub(super) fn round(&self, after: i64, looked_at: usize) -> Round {
        let view = self.view();
        let after = after.max(self.joined.1 - 1);
        let looked = self.messages.iter().filter(|it| it.version > after);
        let is_cut = looked.count() > looked_at;
        let changed = self.seen().filter(|it| it.version > after);
        let changed: Vec<Changed> = changed
            .map(|message| Changed {
                seq: message.seq,
                length: if message.text.is_empty() { 30_000 } else { 1 },
            })
            .collect();
        let first = Changed::first_of(changed.iter().copied());
        let messages = self.messages.iter();
        Round {
            ceiling: self.version,
            messages: messages
                .filter(|it| first.contains(&it.seq) && !is_cut)
                .cloned()
                .collect(),
            changed,
            is_cut,
            view,
        }
    }

    pub(super) fn view(&self) -> Conversation {
        Conversation {
            id: self.id,
            kind: entity::conversation::Kind::Group,
            title: None,
            participant_count: 2,
            participants: Vec::new(),
            all_delivered_seq: 0,
            all_read_seq: 0,
            last_message: None,
            last_seq: 0,
            version: self.standing().version,
            unread_count: self.unread,
            muted_until: None,
            archived: false,
            pinned: false,
            left: self.has_left(),
            created_at: Millis(0),
        }
    }
}

fn message(conversation_id: ConversationId, seq: i64, version: i64) -> Message {
    Message {
        id: MessageId(seq),
        conversation_id,
        seq,
        version,
        kind: Kind::Text,
        text: String::new(),
        event: None,
        sender: User {
            id: UserId(1),
            username: "ann".to_owned(),
            display_name: "Ann".to_owned(),
        },
        client_id: None,
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
        own_version: version,
        posted_version: version,
    }
}
