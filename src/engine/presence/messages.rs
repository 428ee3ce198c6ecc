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

/// Engine → Presence: these two know each other from now on. Each is told how
/// the other stands, after what was told them before this; say when that is
/// done.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Introduce(pub (UserId, UserId), pub oneshot::Sender<()>);

/// Engine → Presence: say when what it tells now is told. What is told later
/// follows what the store says by then.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Settle(pub oneshot::Sender<()>);
