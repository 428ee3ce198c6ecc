//! The way to each live Room: a sharded map by which handles send without
//! asking the Hub. A handle adds a slot where there is none, and parks in it;
//! Rooms come and go in it by the Hub alone.
//!
//! Commands are sent under the shard's lock. While a Room is being started
//! they are parked, and handed over under the same lock, so none overtakes
//! another; and a Room goes only where, under that lock, nothing is asked of
//! it any more, so none is sent to a Room that is going.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use actix::Addr;
use entity::ConversationId;
use parking_lot::Mutex;
use tokio::sync::OwnedSemaphorePermit;

use crate::engine::ports::RoomKey;
use crate::engine::reply::Ticket;
use crate::engine::room::messages::RoomCommand;
use crate::engine::room::{NEVER_TOLD, Room};

const SHARDS: usize = 16;

/// Which Rooms there are.
pub(super) struct Routes {
    shards: [Mutex<HashMap<ConversationId, Slot>>; SHARDS],
}

/// A conversation that is in use.
struct Slot {
    room: Option<Live>,
    /// What waits for the Room to be started.
    parked: Vec<RoomCommand>,
    /// How much is asked of the Room and not yet answered.
    asked: Arc<AtomicUsize>,
    /// Up to which version has been told. The Room writes it, and it outlives
    /// the Room.
    told: Arc<AtomicI64>,
    /// Rooms that died since one told something.
    deaths: u32,
    told_at_death: i64,
}

/// A live Room.
pub(super) struct Live {
    addr: Addr<Room>,
    generation: u64,
}

/// The Rooms at a moment.
#[derive(Default)]
pub(super) struct Census {
    pub(super) live: usize,
    pub(super) starting: usize,
    pub(super) deepest: usize,
}

impl Live {
    pub(super) fn new(addr: Addr<Room>, generation: u64) -> Self {
        Self { addr, generation }
    }
}

impl Default for Slot {
    fn default() -> Self {
        Self {
            room: None,
            parked: Vec::new(),
            asked: Arc::default(),
            told: Arc::new(AtomicI64::new(NEVER_TOLD)),
            deaths: 0,
            told_at_death: NEVER_TOLD,
        }
    }
}

impl Default for Routes {
    fn default() -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
        }
    }
}

impl Routes {
    fn shard(&self, conversation: ConversationId) -> &Mutex<HashMap<ConversationId, Slot>> {
        let at = conversation.0.rem_euclid(SHARDS as i64);
        #[expect(clippy::indexing_slicing, reason = "a remainder of the array's length")]
        &self.shards[usize::try_from(at).unwrap_or(0)]
    }

    /// Forgets every Room: those that nobody asks anything any more go.
    pub(super) fn forget(&self) {
        for shard in &self.shards {
            shard.lock().clear();
        }
    }

    /// Sends a command, or parks it; true where the Room has to be started.
    pub(super) fn send(
        &self,
        conversation: ConversationId,
        permit: Option<OwnedSemaphorePermit>,
        command: impl FnOnce(Ticket) -> RoomCommand,
    ) -> bool {
        let mut shard = self.shard(conversation).lock();
        let slot = shard.entry(conversation).or_default();
        let command = command(Ticket::new(&slot.asked, permit));
        if let Some(room) = &slot.room {
            room.addr.do_send(command);
            return false;
        }
        slot.parked.push(command);
        slot.parked.len() == 1
    }

    /// Puts a Room where there is none, and hands it what waited.
    pub(super) fn open(
        &self,
        conversation: ConversationId,
        start: impl FnOnce(Arc<AtomicI64>) -> Live,
    ) {
        let mut shard = self.shard(conversation).lock();
        let Some(slot) = shard.get_mut(&conversation) else {
            return;
        };
        let told = Arc::clone(&slot.told);
        let room = slot.room.get_or_insert_with(|| start(told));
        for command in slot.parked.drain(..) {
            room.addr.do_send(command);
        }
    }

    /// Sends something to a Room, where it is live.
    pub(super) fn tell_live(&self, conversation: ConversationId, command: RoomCommand) {
        let shard = self.shard(conversation).lock();
        let room = shard.get(&conversation).and_then(|slot| slot.room.as_ref());
        if let Some(room) = room {
            room.addr.do_send(command);
        }
    }

    /// Sends something to every live Room.
    pub(super) fn tell_all(&self, command: impl Fn() -> RoomCommand) {
        for shard in &self.shards {
            for room in shard.lock().values().filter_map(|slot| slot.room.as_ref()) {
                room.addr.do_send(command());
            }
        }
    }

    /// How many Rooms there are, and what is asked of them.
    pub(super) fn census(&self) -> Census {
        let mut census = Census::default();
        for shard in &self.shards {
            for slot in shard.lock().values() {
                census.live += usize::from(slot.room.is_some());
                census.starting += usize::from(!slot.parked.is_empty());
                let asked = slot.asked.load(Ordering::Relaxed);
                census.deepest = census.deepest.max(asked);
            }
        }
        census
    }

    /// Takes an idle Room off the map, where nothing is asked of it. Nothing
    /// is left untold then, so that what was told needs no remembering.
    pub(super) fn close_idle(&self, key: RoomKey) -> Option<Addr<Room>> {
        let mut shard = self.shard(key.conversation).lock();
        let slot = shard.get(&key.conversation)?;
        let room = slot.room.as_ref()?;
        if room.generation != key.generation || slot.asked.load(Ordering::Acquire) > 0 {
            return None;
        }
        let slot = shard.remove(&key.conversation)?;
        slot.room.map(|room| room.addr)
    }

    /// Takes a dead Room off its slot, and keeps the slot: answers how many
    /// died there in a row. None where it was let go, or replaced already.
    pub(super) fn bury(&self, key: RoomKey) -> Option<u32> {
        let mut shard = self.shard(key.conversation).lock();
        let slot = shard.get_mut(&key.conversation)?;
        slot.room
            .take_if(|room| room.generation == key.generation)?;
        let told = slot.told.load(Ordering::Acquire);
        slot.deaths = if told > slot.told_at_death {
            1
        } else {
            slot.deaths + 1
        };
        slot.told_at_death = told;
        Some(slot.deaths)
    }
}

#[cfg(test)]
mod tests;
