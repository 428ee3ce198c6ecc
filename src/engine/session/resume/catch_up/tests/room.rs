//! A model of a conversation and the events that its Room sends one user.

use std::collections::VecDeque;
use std::sync::Arc;

use entity::message::MessageKind;
use entity::{ConversationId, MessageId, Millis, UserId};

use crate::engine::ports::{EventFrame, UnreadNotice};
use crate::engine::reply::message_frame;
use crate::engine::session::resume::catch_up::*;
use crate::protocol::event::{MarkerEvent, RemovalReason};
use crate::protocol::{MessageStatus, User};
use crate::store::VisibleVersion;

pub(super) struct RoomModel {
    pub(super) id: ConversationId,
    pub(super) messages: Vec<Message>,
    version: i64,
    /// The user sees messages after this `seq`, which had this version.
    joined: (i64, i64),
    /// After leaving, the user has changes up to this version and messages up
    /// to this `seq`.
    left: Option<(i64, i64)>,
    /// The version up to which the user got events before leaving.
    announced_to: Option<i64>,
    /// The user's unread count.
    pub(super) unread: i64,
    /// The user's deliveries of each version that isn't announced yet.
    unannounced: VecDeque<Vec<SessionDelivery>>,
}

impl RoomModel {
    pub(super) fn new(id: ConversationId) -> Self {
        Self {
            id,
            messages: Vec::new(),
            version: 0,
            joined: (0, 0),
            left: None,
            announced_to: None,
            unread: 0,
            unannounced: VecDeque::new(),
        }
    }

    pub(super) fn has_left(&self) -> bool {
        self.left.is_some()
    }

    /// Returns the version up to which the user was sent or replayed changes.
    pub(super) fn announced_to(&self) -> i64 {
        self.announced_to.unwrap_or(self.version)
    }

    pub(super) fn is_announced(&self) -> bool {
        self.unannounced.is_empty()
    }

    /// Takes the deliveries of the next version.
    pub(super) fn take_deliveries(&mut self) -> Vec<SessionDelivery> {
        self.unannounced.pop_front().unwrap_or_default()
    }

    /// Queues a delivery for the current version; a former member gets none.
    fn queue_delivery(&mut self, frames: Vec<EventFrame>, unread: Option<UnreadNotice>) {
        let delivery = SessionDelivery {
            frames: frames.into(),
            unread,
            bytes: 100,
        };
        let is_sent = self.left.is_none();
        self.unannounced
            .push_back(is_sent.then_some(delivery).into_iter().collect());
    }

    fn unread_notice(&self) -> UnreadNotice {
        UnreadNotice {
            conversation: self.id,
            count: self.unread,
            muted_until: None,
            is_excluded: self.has_left(),
        }
    }

    fn write_message(&mut self, kind: MessageKind, weight: usize) -> EventFrame {
        self.version += 1;
        let seq = i64::try_from(self.messages.len()).unwrap() + 1;
        let mut message = message(self.id, seq, self.version);
        message.kind = kind;
        message.text = "x".repeat(weight);
        let frame = message_frame(Arc::new(message.clone()));
        self.messages.push(message);
        frame
    }

    pub(super) fn post(&mut self, weight: usize) {
        let frame = self.write_message(MessageKind::Text, weight);
        if self.left.is_none() {
            self.unread += 1;
        }
        let unread = self.unread_notice();
        self.queue_delivery(vec![frame], Some(unread));
    }

    pub(super) fn edit_message(&mut self, which: usize) {
        if self.messages.is_empty() {
            return self.post(0);
        }
        self.version += 1;
        let which = which % self.messages.len();
        let message = &mut self.messages[which];
        message.version = self.version;
        message.is_changed = true;
        let (frame, seq) = (message_frame(Arc::new(message.clone())), message.seq);
        let is_seen = seq > self.joined.0;
        // A former member gets no events, but a replay includes what they still
        // see.
        if let Some((known, last)) = &mut self.left
            && is_seen
            && seq <= *last
        {
            *known = self.version;
        }
        self.queue_delivery(is_seen.then_some(frame).into_iter().collect(), None);
    }

    /// Moves another user's mark; the user gets the event of every second
    /// version.
    pub(super) fn read_by_other(&mut self) {
        self.version += 1;
        let mark = ServerEvent::ReadReceipt(MarkerEvent {
            conversation_id: self.id,
            message_id: MessageId(1),
            seq: 1,
            user_id: UserId(1),
            username: "ann".to_owned(),
            at: Millis(0),
            version: self.version,
        });
        let frame = EventFrame::for_change(self.id, self.version, &mark);
        let is_theirs = self.version % 2 == 0;
        self.queue_delivery(is_theirs.then_some(frame).into_iter().collect(), None);
    }

    /// The user reads everything: only the unread count is sent here.
    pub(super) fn read_all(&mut self) {
        if self.left.is_none() && self.unread > 0 {
            self.version += 1;
            self.unread = 0;
            let unread = self.unread_notice();
            self.queue_delivery(Vec::new(), Some(unread));
        }
    }

    /// The user leaves, and gets only the removal; or rejoins, and gets the
    /// conversation and their own system message.
    pub(super) fn leave_or_join(&mut self) {
        let before = i64::try_from(self.messages.len()).unwrap();
        let frame = self.write_message(MessageKind::System, 0);
        if self.left.take().is_none() {
            self.left = Some((self.version, before));
            self.announced_to = Some(self.version);
            self.unread = 0;
            let counted = SessionDelivery {
                frames: [].into(),
                unread: Some(self.unread_notice()),
                bytes: 100,
            };
            let event = ServerEvent::ConversationRemoved {
                conversation_id: self.id,
                reason: RemovalReason::Left,
            };
            let removed = SessionDelivery {
                frames: [EventFrame::for_change(self.id, 0, &event)].into(),
                unread: None,
                bytes: 100,
            };
            return self.unannounced.push_back(vec![counted, removed]);
        }
        self.announced_to = None;
        self.joined = (before, self.version);
        let mut view = self.view();
        view.version = self.version - 1;
        let conversation = Box::new(view);
        let shown = ServerEvent::Conversation { conversation };
        let shown = EventFrame::for_change(self.id, self.version, &shown);
        let [shown, own_message] =
            [(shown, None), (frame, Some(self.unread_notice()))].map(|(frame, unread)| {
                SessionDelivery {
                    frames: [frame].into(),
                    unread,
                    bytes: 100,
                }
            });
        self.unannounced.push_back(vec![shown, own_message]);
    }

    /// Returns the messages that the user sees.
    pub(super) fn visible_messages(&self) -> impl Iterator<Item = &Message> {
        let last = self.left.map_or(i64::MAX, |(_, seq)| seq);
        let messages = self.messages.iter();
        messages.filter(move |it| it.seq > self.joined.0 && it.seq <= last)
    }

    pub(super) fn state(&self) -> VisibleVersion {
        VisibleVersion {
            id: self.id,
            version: self.left.map_or(self.version, |(version, _)| version),
            ceiling: self.version,
        }
    }

    /// Returns the result of a read. Empty messages count as long ones, so that
    /// a read takes only two of them.
    pub(super) fn round(&self, after: i64, looked_at: usize) -> ConversationDelta {
        let view = self.view();
        let after = after.max(self.joined.1 - 1);
        let changes = self.messages.iter().filter(|it| it.version > after);
        let is_cut = changes.count() > looked_at;
        let changed = self.visible_messages().filter(|it| it.version > after);
        let changed: Vec<ChangedSeq> = changed
            .map(|message| ChangedSeq {
                seq: message.seq,
                length: if message.text.is_empty() { 30_000 } else { 1 },
            })
            .collect();
        let first = ChangedSeq::first_batch(changed.iter().copied());
        let messages = self.messages.iter();
        ConversationDelta {
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
            kind: entity::conversation::ConversationKind::Group,
            title: None,
            participant_count: 2,
            participants: Vec::new(),
            all_delivered_seq: 0,
            all_read_seq: 0,
            last_message: None,
            last_seq: 0,
            version: self.state().version,
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
        kind: MessageKind::Text,
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
        status: MessageStatus::Sent,
        delivered_at: None,
        is_read: false,
        read_at: None,
        is_changed: false,
        own_version: version,
        posted_version: version,
    }
}
