//! A connection, as one of its two users sees it.

use entity::{ConnectionId, Millis};
use serde::Serialize;

use super::User;

/// The status of a connection for the user who sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ConnectionStatus {
    /// The connection ended: only in a `connection` event.
    None,
    /// The user sent a request that the other user hasn't answered.
    Requested,
    /// The user received a request.
    Incoming,
    /// Both users agreed and may message each other.
    Connected,
}

/// A connection, with the other user as `user`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Connection {
    pub id: ConnectionId,
    pub user: User,
    pub state: ConnectionStatus,
    pub created_at: Millis,
}
