//! What the Hub is asked.

use actix::Message;
use entity::ConversationId;

/// Handle → Hub: start this conversation's Room; commands wait for it.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Start(pub ConversationId);
