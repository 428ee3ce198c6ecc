//! What the Journal is asked.

use actix::{Message, Recipient};

use crate::engine::ports::{Committed, Orphaned, RoomKey};
use crate::store::append::Append;

/// Where a Room hears of its appends, and who hears instead once it is no
/// more.
#[derive(Clone, Debug)]
pub struct RoomPort {
    pub key: RoomKey,
    pub committed: Recipient<Committed>,
    pub orphaned: Recipient<Orphaned>,
}

/// Room → Journal: put this on disk, after everything asked before.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Write {
    pub append: Append,
    pub room: RoomPort,
}
