//! Keeps live deliveries away from a session while it catches up.
//!
//! While a conversation is *closed*, its lasting changes are dropped, and only
//! the newest version is recorded. A busy room therefore takes no memory of the
//! session, and can't evict it. While the session reads a closed conversation
//! from the database, the conversation is *held*: the gate keeps its
//! deliveries, and hands them over when the conversation opens. Deliveries
//! beyond the session's budget are dropped, and the session reads once more.
//!
//! Closing and opening hold the lock that deliveries go through. A delivery
//! that passed an open gate was therefore on disk before the gate closed, and
//! every later read includes it.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};

use entity::ConversationId;
use parking_lot::Mutex;

use crate::engine::ports::{SessionDelivery, UnreadNotice};

/// The conversations that are closed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ClosedConversations {
    /// No conversation.
    #[default]
    Nothing,
    /// One conversation.
    One(ConversationId),
    /// Every conversation except these.
    AllExcept(HashSet<ConversationId>),
}

impl ClosedConversations {
    fn covers(&self, id: ConversationId) -> bool {
        match self {
            Self::Nothing => false,
            Self::One(shut) => *shut == id,
            Self::AllExcept(open) => !open.contains(&id),
        }
    }
}

/// A session's gate.
#[derive(Debug, Default)]
pub struct DeliveryGate {
    /// Checked first without the lock, since most sessions have nothing closed.
    is_closed: AtomicBool,
    state: Mutex<GateState>,
}

#[derive(Debug, Default)]
struct GateState {
    closed: ClosedConversations,
    held: Option<HeldDeliveries>,
    dropped: HashMap<ConversationId, DroppedUpdates>,
}

/// The deliveries kept for conversations that are being read.
#[derive(Debug)]
struct HeldDeliveries {
    conversations: Vec<ConversationId>,
    deliveries: Vec<SessionDelivery>,
    bytes: usize,
    /// The budget was exceeded: nothing more is kept.
    is_exceeded: bool,
    /// The newest unread counts from deliveries beyond the budget.
    later: HashMap<ConversationId, UnreadNotice>,
}

/// The newest version and unread count of the deliveries dropped for a
/// conversation.
#[derive(Debug, Default)]
struct DroppedUpdates {
    version: i64,
    unread: Option<UnreadNotice>,
}

impl DeliveryGate {
    /// Closes these conversations, and forgets all previous state.
    pub fn close(&self, shut: ClosedConversations) {
        self.with_state(|state| {
            *state = GateState {
                closed: shut,
                ..GateState::default()
            }
        });
    }

    /// Returns the delivery if it may go on to the mailbox; otherwise the gate
    /// records or keeps it. At most `budget` bytes are kept, or a single larger
    /// delivery. A delivery without a lasting change is never dropped.
    #[must_use]
    pub fn admit(&self, delivery: SessionDelivery, budget: usize) -> Option<SessionDelivery> {
        if !self.is_closed.load(Ordering::SeqCst) {
            return Some(delivery);
        }
        let Some((conversation, version)) = lasting_change(&delivery) else {
            return Some(delivery);
        };
        let mut state = self.state.lock();
        if !state.closed.covers(conversation) {
            return Some(delivery);
        }
        let mut held = state.held.as_mut();
        if let Some(held) = held.take_if(|held| held.accepts(conversation)) {
            if held.deliveries.is_empty() || held.bytes + delivery.bytes <= budget {
                held.bytes += delivery.bytes;
                held.deliveries.push(delivery);
                return None;
            }
            held.is_exceeded = true;
        }
        if version == 0 && !delivery.frames.is_empty() {
            return Some(delivery);
        }
        if let (Some(held), Some(unread)) = (&mut state.held, delivery.unread) {
            held.later.insert(conversation, unread);
        }
        state.record_dropped(conversation, version, delivery.unread);
        None
    }

    /// Keeps the deliveries of these conversations from now on.
    pub fn hold(&self, conversations: Vec<ConversationId>) {
        self.with_state(|state| {
            state.held = Some(HeldDeliveries {
                conversations,
                deliveries: Vec::new(),
                bytes: 0,
                is_exceeded: false,
                later: HashMap::new(),
            });
        });
    }

    /// Stops keeping deliveries, and drops those that were kept. Returns the
    /// kept deliveries without a lasting change, which are to be passed on.
    #[must_use]
    pub fn release_held(&self) -> Vec<SessionDelivery> {
        self.with_state(GateState::release_held)
    }

    /// Opens the gate for the held conversations. Returns their newest unread
    /// counts from before the hold, then the kept deliveries.
    ///
    /// # Errors
    /// The result of [`DeliveryGate::release_held`] if the budget was exceeded:
    /// the gate stays closed.
    pub fn open_held(&self) -> Result<Vec<SessionDelivery>, Vec<SessionDelivery>> {
        self.with_state(|state| {
            let Some(held) = state.held.take_if(|held| !held.is_exceeded) else {
                return Err(state.release_held());
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

    /// Opens the gate for a conversation. Returns the kept deliveries without a
    /// lasting change, then the newest unread count.
    #[must_use]
    pub fn open(&self, conversation: ConversationId) -> Vec<SessionDelivery> {
        self.with_state(|state| {
            let passing = state.release_held();
            passing
                .into_iter()
                .chain(state.open(conversation))
                .collect()
        })
    }

    /// Opens the gate for all conversations, if none has a change newer than
    /// the client's version in `brought`. Returns the newest unread counts.
    ///
    /// # Errors
    /// The conversations with newer changes, in order.
    pub fn open_all(
        &self,
        brought: &HashMap<ConversationId, i64>,
    ) -> Result<Vec<SessionDelivery>, Vec<ConversationId>> {
        self.with_state(|state| {
            let noted = state.dropped.iter();
            let is_newer = |(id, noted): &(&ConversationId, &DroppedUpdates)| {
                brought.get(id).is_none_or(|known| noted.version > *known)
            };
            let mut newer: Vec<_> = noted.filter(is_newer).map(|(id, _)| *id).collect();
            if !newer.is_empty() {
                newer.sort_unstable();
                return Err(newer);
            }
            let noted = std::mem::take(state).dropped.into_values();
            Ok(noted
                .filter_map(|noted| noted.unread.map(unread_delivery))
                .collect())
        })
    }

    fn with_state<T>(&self, change: impl FnOnce(&mut GateState) -> T) -> T {
        let mut state = self.state.lock();
        let done = change(&mut state);
        let is_shut = state.closed != ClosedConversations::Nothing;
        self.is_closed.store(is_shut, Ordering::SeqCst);
        done
    }
}

impl HeldDeliveries {
    fn accepts(&self, id: ConversationId) -> bool {
        !self.is_exceeded && self.conversations.contains(&id)
    }
}

impl GateState {
    fn record_dropped(&mut self, id: ConversationId, version: i64, unread: Option<UnreadNotice>) {
        let noted = self.dropped.entry(id).or_default();
        noted.version = noted.version.max(version);
        noted.unread = unread.or(noted.unread);
    }

    fn release_held(&mut self) -> Vec<SessionDelivery> {
        let mut passing = Vec::new();
        let Some(held) = self.held.take() else {
            return passing;
        };
        for delivery in held.deliveries {
            match lasting_change(&delivery) {
                Some((id, version)) if version > 0 || delivery.frames.is_empty() => {
                    self.record_dropped(id, version, delivery.unread);
                }
                _ => passing.push(delivery),
            }
        }
        // An unread count that came after the budget was exceeded is newer than
        // the kept ones.
        for (id, unread) in held.later {
            self.record_dropped(id, 0, Some(unread));
        }
        passing
    }

    fn open(&mut self, id: ConversationId) -> Option<SessionDelivery> {
        match &mut self.closed {
            ClosedConversations::Nothing => {}
            ClosedConversations::One(shut) if *shut != id => {}
            ClosedConversations::One(_) => self.closed = ClosedConversations::Nothing,
            ClosedConversations::AllExcept(open) => {
                open.insert(id);
            }
        }
        self.dropped.remove(&id)?.unread.map(unread_delivery)
    }
}

/// Returns a delivery with only an unread count.
fn unread_delivery(unread: UnreadNotice) -> SessionDelivery {
    SessionDelivery {
        frames: [].into(),
        unread: Some(unread),
        bytes: 0,
    }
}

/// Returns a delivery's conversation and newest version; version 0 if the
/// delivery changes nothing lasting. A delivery is about one conversation only.
fn lasting_change(delivery: &SessionDelivery) -> Option<(ConversationId, i64)> {
    let about = delivery.frames.iter();
    let about = about.filter_map(|frame| Some((frame.conversation?, frame.version)));
    let counted = delivery.unread.map(|unread| (unread.conversation, 0));
    about.chain(counted).max_by_key(|(_, version)| *version)
}

#[cfg(test)]
mod tests;
