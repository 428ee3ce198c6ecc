//! The messages that the Journal receives.

use actix::{Message, Recipient};

use crate::engine::ports::{OrphanNotice, RoomKey};
use crate::store::append::{AppendEntry, BatchCommit};

/// Recipients of an append's outcome: the Room, or the Hub once the Room is
/// gone.
#[derive(Clone, Debug)]
pub struct RoomPort {
    pub key: RoomKey,
    pub committed: Recipient<BatchCommit>,
    pub orphaned: Recipient<OrphanNotice>,
}

/// Room → Journal: write this, after all earlier appends.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct AppendCommand {
    pub append: AppendEntry,
    pub room: RoomPort,
}
