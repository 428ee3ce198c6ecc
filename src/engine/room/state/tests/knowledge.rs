//! The state of each user's client, from the events it got: unread count,
//! others' read marks, and typing indicators.

use std::collections::{HashMap, HashSet};

use entity::message::MessageKind;

use super::disk::DiskModel;
use crate::engine::ports::UnreadNotice;
use crate::engine::room::effects::AddressedEvent;
use crate::engine::room::state::*;
use crate::protocol::{Message, ServerEvent};

#[derive(Default)]
pub(super) struct ClientKnowledge {
    unread: HashMap<UserId, i64>,
    /// By viewer and reader: the reader's mark as the viewer knows it.
    read: HashMap<(UserId, UserId), i64>,
    /// By viewer and reader: the version of the last receipt.
    receipts: HashMap<(UserId, UserId), i64>,
    typing: HashSet<(UserId, UserId)>,
}

impl ClientKnowledge {
    /// Initially every client is up to date.
    pub(super) fn new(record: &RoomRecord) -> Self {
        let members = record.members.iter();
        Self {
            unread: members.map(|it| (it.user.id, it.unread)).collect(),
            ..Self::default()
        }
    }

    pub(super) fn apply_delivery(
        &mut self,
        events: &[AddressedEvent],
        unread: &[(UserId, UnreadNotice)],
    ) {
        for note in events {
            for to in note.recipients.iter().copied() {
                match &note.event {
                    ServerEvent::Message { message, .. }
                    | ServerEvent::MessageUpdated { message, .. } => {
                        self.typing.remove(&(to, message.sender.id));
                        self.count_message(to, message);
                    }
                    ServerEvent::ReadReceipt(mark) => {
                        let key = (to, user_of_name(&mark.username));
                        let last = self.receipts.insert(key, mark.version);
                        assert!(
                            last < Some(mark.version),
                            "each receipt comes once, in order"
                        );
                        // The conversation as it was shown may be ahead of the
                        // receipts.
                        let known = self.read.entry(key).or_default();
                        *known = (*known).max(mark.seq);
                    }
                    ServerEvent::Typing {
                        username,
                        is_typing,
                        ..
                    } => self.apply_typing(to, user_of_name(username), *is_typing),
                    _ => {}
                }
            }
        }
        for (user, unread) in unread {
            let count = if unread.is_excluded && unread.count == 0 {
                0
            } else {
                unread.count
            };
            self.unread.insert(*user, count);
        }
    }

    /// A client counts a new message itself, until it is sent an unread count.
    fn count_message(&mut self, viewer: UserId, message: &Message) {
        if message.kind == MessageKind::Text && !message.is_changed {
            let count = self.unread.entry(viewer).or_default();
            *count = if message.sender.id == viewer {
                0
            } else {
                *count + 1
            };
        }
    }

    /// Applies a typing event, which must be a change.
    fn apply_typing(&mut self, viewer: UserId, typist: UserId, is_typing: bool) {
        assert_ne!(viewer, typist, "users get no own typing events");
        let pair = (viewer, typist);
        let is_news = if is_typing {
            self.typing.insert(pair)
        } else {
            // A message may have ended it already.
            self.typing.remove(&pair);
            true
        };
        assert!(is_news, "{pair:?} already has this state");
    }

    /// Applies a shown conversation, which has all marks.
    pub(super) fn apply_view(&mut self, show: &ShowConversation, disk: &DiskModel) {
        for to in &show.recipients {
            for (user, marks) in &disk.marks {
                self.read.insert((*to, *user), marks.read);
            }
        }
    }

    pub(super) fn apply_removal(&mut self, user: UserId) {
        self.unread.insert(user, 0);
        self.typing.retain(|(viewer, _)| *viewer != user);
    }

    /// A Room that dies loses its typing state; clients let it expire.
    pub(super) fn clear_typing(&mut self) {
        self.typing.clear();
    }

    /// Checks the state after everything has settled.
    pub(super) fn check(&self, disk: &DiskModel) {
        let members = disk.record.members.iter();
        let members: Vec<(UserId, i64)> = members.map(|it| (it.user.id, it.joined_seq)).collect();
        for (user, joined) in &members {
            let known = self.unread.get(user).copied().unwrap_or_default();
            assert_eq!(known, disk.unread(*user), "unread count of {user}");
            for (other, _) in members.iter().filter(|(other, _)| other != user) {
                let read = disk.marks[other].read.max(disk.joined(*other));
                let mine = disk.messages.iter().filter(|it| it.sender.id == *user);
                let mut seen = mine.filter(|it| it.seq > *joined && it.seq <= read);
                let known = self.read.get(&(*user, *other)).copied();
                // A member who joined later never had that message to read.
                let last = seen.rfind(|it| it.seq > disk.joined(*other));
                assert!(
                    last.is_none_or(|it| known >= Some(it.seq)),
                    "{user} knows of {other}: {known:?}, not {last:?}"
                );
            }
        }
        assert!(self.typing.is_empty(), "{:?} for ever", self.typing);
    }
}

fn user_of_name(username: &str) -> UserId {
    let id = username.strip_prefix("user").and_then(|id| id.parse().ok());
    UserId(id.expect("a model's name"))
}
