//! What keeps live news away from a session while it catches up.
//!
//! While a conversation is *shut*, the lasting changes that are told of it are
//! dropped, and only how far they went is noted: a busy room costs whoever
//! catches up nothing, and never lets them go. While it is read, it is *held*:
//! what is told meanwhile is kept here, up to the session's budget, and handed
//! over when it opens. Where that is too much, it is dropped like the rest, and
//! the session reads once more.
//!
//! Shutting and opening are under the lock that deliveries go through. So
//! whatever passed an open gate was on disk before it was shut, and is in
//! everything that is read after that.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};

use entity::ConversationId;
use parking_lot::Mutex;

use crate::engine::ports::{Deliver, Unread};

/// What is shut.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Shut {
    /// Nothing.
    #[default]
    Nothing,
    /// One conversation.
    One(ConversationId),
    /// Every conversation but these.
    AllBut(HashSet<ConversationId>),
}

impl Shut {
    fn covers(&self, id: ConversationId) -> bool {
        match self {
            Self::Nothing => false,
            Self::One(shut) => *shut == id,
            Self::AllBut(open) => !open.contains(&id),
        }
    }
}

/// A session's gate.
#[derive(Debug, Default)]
pub struct Gate {
    /// Looked at first, since most sessions catch up with nothing.
    is_shut: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    shut: Shut,
    held: Option<Held>,
    noted: HashMap<ConversationId, Noted>,
}

/// What is kept of conversations that are being read.
#[derive(Debug)]
struct Held {
    conversations: Vec<ConversationId>,
    deliveries: Vec<Deliver>,
    bytes: usize,
    /// It became too much: nothing more is kept.
    is_over: bool,
    /// The newest counts that were told of what isn't kept.
    later: HashMap<ConversationId, Unread>,
}

/// What is known of what was dropped.
#[derive(Debug, Default)]
struct Noted {
    version: i64,
    unread: Option<Unread>,
}

impl Gate {
    /// Shuts; what was shut or kept before is forgotten.
    pub fn shut(&self, shut: Shut) {
        self.change(|state| {
            *state = State {
                shut,
                ..State::default()
            }
        });
    }

    /// Whether a delivery goes on to the mailbox; else it is noted or kept.
    /// At most `budget` bytes are kept, but for a single delivery. What
    /// changes nothing lasting is never dropped.
    #[must_use]
    pub fn admit(&self, delivery: Deliver, budget: usize) -> Option<Deliver> {
        if !self.is_shut.load(Ordering::SeqCst) {
            return Some(delivery);
        }
        let Some((conversation, version)) = told_in(&delivery) else {
            return Some(delivery);
        };
        let mut state = self.state.lock();
        if !state.shut.covers(conversation) {
            return Some(delivery);
        }
        let mut held = state.held.as_mut();
        if let Some(held) = held.take_if(|held| held.takes(conversation)) {
            if held.deliveries.is_empty() || held.bytes + delivery.bytes <= budget {
                held.bytes += delivery.bytes;
                held.deliveries.push(delivery);
                return None;
            }
            held.is_over = true;
        }
        if version == 0 && !delivery.frames.is_empty() {
            return Some(delivery);
        }
        if let (Some(held), Some(unread)) = (&mut state.held, delivery.unread) {
            held.later.insert(conversation, unread);
        }
        state.note(conversation, version, delivery.unread);
        None
    }

    /// From now on, what is told of these conversations is kept.
    pub fn hold(&self, conversations: Vec<ConversationId>) {
        self.change(|state| {
            state.held = Some(Held {
                conversations,
                deliveries: Vec::new(),
                bytes: 0,
                is_over: false,
                later: HashMap::new(),
            });
        });
    }

    /// Drops what was kept, and what comes from now on: what of it changes
    /// nothing lasting, to be passed on all the same.
    #[must_use]
    pub fn let_go(&self) -> Vec<Deliver> {
        self.change(State::let_go)
    }

    /// Opens it for the conversations that were held: what was told of them
    /// since then, after the newest counts that were told before.
    ///
    /// # Errors
    /// As [`Gate::let_go`], where that was too much: it stays shut.
    pub fn open_held(&self) -> Result<Vec<Deliver>, Vec<Deliver>> {
        self.change(|state| {
            let Some(held) = state.held.take_if(|held| !held.is_over) else {
                return Err(state.let_go());
            };
            let conversations = held.conversations.into_iter();
            let counts = conversations.filter_map(|id| state.open(id));
            Ok(counts
                .collect::<Vec<_>>()
                .into_iter()
                .chain(held.deliveries)
                .collect())
        })
    }

    /// Opens it for a conversation, without the lasting changes that were
    /// told of it since it was shut: the rest of that, and the newest count.
    #[must_use]
    pub fn open(&self, conversation: ConversationId) -> Vec<Deliver> {
        self.change(|state| {
            let passing = state.let_go();
            passing
                .into_iter()
                .chain(state.open(conversation))
                .collect()
        })
    }

    /// Opens it for good, where nothing newer was told of any conversation
    /// than its client was brought to: the newest counts that were told.
    ///
    /// # Errors
    /// The conversations, in order, of which something newer was told.
    pub fn finish(
        &self,
        brought: &HashMap<ConversationId, i64>,
    ) -> Result<Vec<Deliver>, Vec<ConversationId>> {
        self.change(|state| {
            let noted = state.noted.iter();
            let is_newer = |(id, noted): &(&ConversationId, &Noted)| {
                brought.get(id).is_none_or(|known| noted.version > *known)
            };
            let mut newer: Vec<_> = noted.filter(is_newer).map(|(id, _)| *id).collect();
            if !newer.is_empty() {
                newer.sort_unstable();
                return Err(newer);
            }
            let noted = std::mem::take(state).noted.into_values();
            Ok(noted.filter_map(|noted| noted.unread.map(count)).collect())
        })
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock();
        let done = change(&mut state);
        let is_shut = state.shut != Shut::Nothing;
        self.is_shut.store(is_shut, Ordering::SeqCst);
        done
    }
}

impl Held {
    fn takes(&self, id: ConversationId) -> bool {
        !self.is_over && self.conversations.contains(&id)
    }
}

impl State {
    fn note(&mut self, id: ConversationId, version: i64, unread: Option<Unread>) {
        let noted = self.noted.entry(id).or_default();
        noted.version = noted.version.max(version);
        noted.unread = unread.or(noted.unread);
    }

    fn let_go(&mut self) -> Vec<Deliver> {
        let mut passing = Vec::new();
        let Some(held) = self.held.take() else {
            return passing;
        };
        for delivery in held.deliveries {
            match told_in(&delivery) {
                Some((id, version)) if version > 0 || delivery.frames.is_empty() => {
                    self.note(id, version, delivery.unread);
                }
                _ => passing.push(delivery),
            }
        }
        // What came after it had become too much is newer than what was kept.
        for (id, unread) in held.later {
            self.note(id, 0, Some(unread));
        }
        passing
    }

    fn open(&mut self, id: ConversationId) -> Option<Deliver> {
        match &mut self.shut {
            Shut::Nothing => {}
            Shut::One(shut) if *shut != id => {}
            Shut::One(_) => self.shut = Shut::Nothing,
            Shut::AllBut(open) => {
                open.insert(id);
            }
        }
        self.noted.remove(&id)?.unread.map(count)
    }
}

/// A count alone.
fn count(unread: Unread) -> Deliver {
    Deliver {
        frames: [].into(),
        unread: Some(unread),
        bytes: 0,
    }
}

/// The conversation that a delivery is about, and up to which version it tells
/// of it; 0 where it changes nothing lasting. All of one delivery is about one
/// conversation.
fn told_in(delivery: &Deliver) -> Option<(ConversationId, i64)> {
    let about = delivery.frames.iter();
    let about = about.filter_map(|frame| Some((frame.conversation?, frame.version)));
    let counted = delivery.unread.map(|unread| (unread.conversation, 0));
    about.chain(counted).max_by_key(|(_, version)| *version)
}

#[cfg(test)]
mod tests;
