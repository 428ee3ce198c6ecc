//! The routes to the live Rooms: a sharded map through which handles send
//! without a message to the Hub. A handle adds a missing slot and parks its
//! command there; only the Hub attaches and removes Rooms.
//!
//! Commands are sent under the shard's lock. While a Room is being started they
//! are parked, and handed over under the same lock, so none overtakes another.
//! A Room is removed under that lock, and only if it has no unanswered command.
//! No command therefore reaches a Room that is stopping.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use actix::Addr;
use entity::ConversationId;
use parking_lot::Mutex;
use tokio::sync::OwnedSemaphorePermit;

use crate::engine::ports::RoomKey;
use crate::engine::reply::CommandTicket;
use crate::engine::room::messages::RoomCommand;
use crate::engine::room::{NEVER_ANNOUNCED, Room};

const SHARDS: usize = 16;

/// The routes to all Rooms.
pub(super) struct RoomRoutes {
    shards: [Mutex<HashMap<ConversationId, RoomSlot>>; SHARDS],
}

/// A conversation that is in use.
struct RoomSlot {
    room: Option<LiveRoom>,
    /// Commands that wait until the Room is started.
    parked: Vec<RoomCommand>,
    /// The number of commands that the Room hasn't answered.
    unanswered: Arc<AtomicUsize>,
    /// Changes are announced up to this version. The Room writes it, and it
    /// outlives the Room.
    announced_version: Arc<AtomicI64>,
    /// The number of Rooms that died since a change was announced.
    deaths: u32,
    announced_at_death: i64,
}

/// A live Room.
pub(super) struct LiveRoom {
    addr: Addr<Room>,
    generation: u64,
}

/// The number of Rooms and their load at one moment.
#[derive(Default)]
pub(super) struct RoomStats {
    pub(super) live: usize,
    pub(super) starting: usize,
    pub(super) deepest: usize,
}

impl LiveRoom {
    pub(super) fn new(addr: Addr<Room>, generation: u64) -> Self {
        Self { addr, generation }
    }
}

impl Default for RoomSlot {
    fn default() -> Self {
        Self {
            room: None,
            parked: Vec::new(),
            unanswered: Arc::default(),
            announced_version: Arc::new(AtomicI64::new(NEVER_ANNOUNCED)),
            deaths: 0,
            announced_at_death: NEVER_ANNOUNCED,
        }
    }
}

impl Default for RoomRoutes {
    fn default() -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
        }
    }
}

impl RoomRoutes {
    fn shard(&self, conversation: ConversationId) -> &Mutex<HashMap<ConversationId, RoomSlot>> {
        let at = conversation.0.rem_euclid(SHARDS as i64);
        #[expect(clippy::indexing_slicing, reason = "a remainder of the array's length")]
        &self.shards[usize::try_from(at).unwrap_or(0)]
    }

    /// Removes every Room; a Room without senders stops.
    pub(super) fn clear(&self) {
        for shard in &self.shards {
            shard.lock().clear();
        }
    }

    /// Sends a command, or parks it; returns true if the Room has to be
    /// started.
    pub(super) fn send_or_park(
        &self,
        conversation: ConversationId,
        permit: Option<OwnedSemaphorePermit>,
        command: impl FnOnce(CommandTicket) -> RoomCommand,
    ) -> bool {
        let mut shard = self.shard(conversation).lock();
        let slot = shard.entry(conversation).or_default();
        let command = command(CommandTicket::new(&slot.unanswered, permit));
        if let Some(room) = &slot.room {
            room.addr.do_send(command);
            return false;
        }
        slot.parked.push(command);
        slot.parked.len() == 1
    }

    /// Attaches a Room if there is none, and hands it the parked commands.
    pub(super) fn attach_room(
        &self,
        conversation: ConversationId,
        start: impl FnOnce(Arc<AtomicI64>) -> LiveRoom,
    ) {
        let mut shard = self.shard(conversation).lock();
        let Some(slot) = shard.get_mut(&conversation) else {
            return;
        };
        let announced = Arc::clone(&slot.announced_version);
        let room = slot.room.get_or_insert_with(|| start(announced));
        for command in slot.parked.drain(..) {
            room.addr.do_send(command);
        }
    }

    /// Sends a command to a Room if it is live.
    pub(super) fn send_if_live(&self, conversation: ConversationId, command: RoomCommand) {
        let shard = self.shard(conversation).lock();
        let room = shard.get(&conversation).and_then(|slot| slot.room.as_ref());
        if let Some(room) = room {
            room.addr.do_send(command);
        }
    }

    /// Sends a command to every live Room.
    pub(super) fn send_to_all(&self, command: impl Fn() -> RoomCommand) {
        for shard in &self.shards {
            for room in shard.lock().values().filter_map(|slot| slot.room.as_ref()) {
                room.addr.do_send(command());
            }
        }
    }

    /// Counts the Rooms and their unanswered commands.
    pub(super) fn stats(&self) -> RoomStats {
        let mut stats = RoomStats::default();
        for shard in &self.shards {
            for slot in shard.lock().values() {
                stats.live += usize::from(slot.room.is_some());
                stats.starting += usize::from(!slot.parked.is_empty());
                let unanswered = slot.unanswered.load(Ordering::Relaxed);
                stats.deepest = stats.deepest.max(unanswered);
            }
        }
        stats
    }

    /// Removes an idle Room that has no unanswered commands. All its changes
    /// are announced by then, so the announced version needn't be kept.
    pub(super) fn remove_idle(&self, key: RoomKey) -> Option<Addr<Room>> {
        let mut shard = self.shard(key.conversation).lock();
        let slot = shard.get(&key.conversation)?;
        let room = slot.room.as_ref()?;
        if room.generation != key.generation || slot.unanswered.load(Ordering::Acquire) > 0 {
            return None;
        }
        let slot = shard.remove(&key.conversation)?;
        slot.room.map(|room| room.addr)
    }

    /// Detaches a dead Room but keeps its slot. Returns the number of
    /// consecutive deaths, or none if the Room was stopped or replaced before.
    pub(super) fn remove_dead(&self, key: RoomKey) -> Option<u32> {
        let mut shard = self.shard(key.conversation).lock();
        let slot = shard.get_mut(&key.conversation)?;
        slot.room
            .take_if(|room| room.generation == key.generation)?;
        let announced = slot.announced_version.load(Ordering::Acquire);
        slot.deaths = if announced > slot.announced_at_death {
            1
        } else {
            slot.deaths + 1
        };
        slot.announced_at_death = announced;
        Some(slot.deaths)
    }
}

#[cfg(test)]
mod tests;
