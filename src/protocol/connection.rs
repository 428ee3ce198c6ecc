//! A connection as one of its two sees it.

use entity::{ConnectionId, Millis};
use serde::Serialize;

use super::User;

/// How far it has come, from the one's side who looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Gone: only ever told in a `connection` event.
    None,
    /// They asked, and wait.
    Requested,
    /// They were asked.
    Incoming,
    /// Both agreed: they may message each other.
    Connected,
}

/// A connection, with the *other* as `user`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Connection {
    pub id: ConnectionId,
    pub user: User,
    pub state: State,
    pub created_at: Millis,
}
