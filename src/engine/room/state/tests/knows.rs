//! What each person knows by what they were told: how much waits for them,
//! how far others have come with their messages, and who types.

use std::collections::{HashMap, HashSet};

use entity::message::Kind as MessageKind;

use super::disk::Disk;
use crate::engine::room::effects::{Said, Telling};
use crate::engine::room::state::*;
use crate::protocol::{Event, Message};

#[derive(Default)]
pub(super) struct Knows {
    unread: HashMap<UserId, i64>,
    /// By who knows it, and of whom: up to where they have read.
    read: HashMap<(UserId, UserId), i64>,
    /// The same, and in which version they were told of it last.
    receipts: HashMap<(UserId, UserId), i64>,
    typing: HashSet<(UserId, UserId)>,
}

impl Knows {
    /// At the start everybody knows how it is.
    pub(super) fn new(record: &RoomRecord) -> Self {
        let members = record.members.iter();
        Self {
            unread: members.map(|it| (it.user.id, it.unread)).collect(),
            ..Self::default()
        }
    }

    pub(super) fn told(&mut self, telling: &Telling) {
        for note in &telling.notes {
            for to in note.to.iter().copied() {
                match &note.said {
                    Said::Message(message) => {
                        self.typing.remove(&(to, message.sender.id));
                        self.hears(to, message);
                    }
                    Said::Event(Event::ReadReceipt(mark)) => {
                        let key = (to, named(&mark.username));
                        let last = self.receipts.insert(key, mark.version);
                        assert!(last < Some(mark.version), "each is told once, in order");
                        // What a conversation was shown with may be ahead.
                        let known = self.read.entry(key).or_default();
                        *known = (*known).max(mark.seq);
                    }
                    Said::Event(Event::Typing {
                        username,
                        is_typing,
                        ..
                    }) => self.typing((to, named(username)), *is_typing),
                    Said::Event(_) => {}
                }
            }
        }
        for (user, unread) in &telling.unread {
            let count = if unread.is_away && unread.count == 0 {
                0
            } else {
                unread.count
            };
            self.unread.insert(*user, count);
        }
    }

    /// A client counts a new message by itself, until it is told how many wait.
    fn hears(&mut self, who: UserId, message: &Message) {
        if message.kind == MessageKind::Text && !message.is_touched {
            let count = self.unread.entry(who).or_default();
            *count = if message.sender.id == who {
                0
            } else {
                *count + 1
            };
        }
    }

    /// Told on change only.
    fn typing(&mut self, who: (UserId, UserId), is_typing: bool) {
        assert_ne!(who.0, who.1, "one knows what one does");
        let is_news = match is_typing {
            true => self.typing.insert(who),
            // A message may have ended it already.
            false => {
                self.typing.remove(&who);
                true
            }
        };
        assert!(is_news, "{who:?} was told before");
    }

    /// They see everybody's marks.
    pub(super) fn shown(&mut self, show: &Show, disk: &Disk) {
        for to in &show.to {
            for (user, (_, read)) in &disk.marks {
                self.read.insert((*to, *user), *read);
            }
        }
    }

    pub(super) fn removed(&mut self, user: UserId) {
        self.unread.insert(user, 0);
        self.typing.retain(|(viewer, _)| *viewer != user);
    }

    /// A Room that dies forgets who types; clients end it by themselves.
    pub(super) fn nobody_types(&mut self) {
        self.typing.clear();
    }

    /// Once all has come to rest.
    pub(super) fn check(&self, disk: &Disk) {
        let members = disk.record.members.iter();
        let members: Vec<(UserId, i64)> = members.map(|it| (it.user.id, it.joined_seq)).collect();
        for (user, joined) in &members {
            let known = self.unread.get(user).copied().unwrap_or_default();
            assert_eq!(known, disk.unread(*user), "{user} counts by hand");
            for (other, _) in members.iter().filter(|(other, _)| other != user) {
                let read = disk.marks[other].1.max(disk.joined(*other));
                let mine = disk.messages.iter().filter(|it| it.sender.id == *user);
                let mut seen = mine.filter(|it| it.seq > *joined && it.seq <= read);
                let known = self.read.get(&(*user, *other)).copied();
                // Who came later never had it to read.
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

fn named(username: &str) -> UserId {
    let id = username.strip_prefix("user").and_then(|id| id.parse().ok());
    UserId(id.expect("a model's name"))
}
