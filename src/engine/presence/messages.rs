//! What Presence is told.

use actix::Message;
use entity::UserId;
use tokio::sync::oneshot;

/// Session → Presence: one more of this user's.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Arrived(pub UserId);

/// Session → Presence, by its guard's `Drop`: one less.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Left(pub UserId);

/// Engine → Presence: everybody leaves; say when that is written.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Stop(pub oneshot::Sender<()>);
