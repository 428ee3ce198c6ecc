//! The messages that the Hub receives.

use actix::Message;
use entity::ConversationId;

/// Handle → Hub: start this conversation's Room; commands wait for it.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct StartRoom(pub ConversationId);
