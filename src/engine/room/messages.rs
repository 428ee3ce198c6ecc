//! What a Room is asked, all of it through the Hub's handle.

use std::sync::Arc;

use actix::Message;

use crate::engine::reply::{Reply, Ticket};
use crate::store::append::Post;

/// One thing asked of a Room; those of one asker are judged in the order they
/// were asked.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub enum RoomCommand {
    /// Session or web → Room: send this.
    Post { post: Arc<Post>, reply: Reply },
    /// Hub → Room: tell what another one left untold.
    CatchUp(Ticket),
}

/// Hub → Room: nothing will be asked of you any more.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Retire;
