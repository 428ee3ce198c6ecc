//! The messages that Presence receives.

use actix::Message;
use entity::UserId;
use tokio::sync::oneshot;

/// Session → Presence: one more session of this user.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct SessionArrived(pub UserId);

/// Session → Presence, sent by its guard's `Drop`: one session less.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct SessionLeft(pub UserId);

/// Engine → Presence: take every user offline; reply once that is stored.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct StopPresence(pub oneshot::Sender<()>);

/// Engine → Presence: these two users know each other from now on. Send each
/// the other's status, after all earlier statuses; reply once that is done.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct ExchangeStatuses(pub (UserId, UserId), pub oneshot::Sender<()>);

/// Engine → Presence: reply once the flush under way is done. Later flushes
/// read their recipients from the store anew.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct SettlePresence(pub oneshot::Sender<()>);
