//! Pauses: times in which requests of a user to another are not delivered.
//!
//! A pause begins when the recipient declines, or when the requester takes a
//! delivered request back. The requester can't see it: a request in a pause is
//! swallowed, as with a block. So a user gets at most one request of another
//! a day, and one in 30 days if they decline.

use std::time::Duration;

use entity::connection::{self, State};
use entity::{Millis, UserId, request_pause};
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait, ModelTrait, sea_query::OnConflict};

use super::other;
use crate::store::Result;

const DAY: Duration = Duration::from_secs(24 * 3600);
/// After a decline.
pub(in crate::store) const AFTER_DECLINE: Duration = DAY.saturating_mul(30);
/// After a request was taken back.
const AFTER_WITHDRAWAL: Duration = DAY;

/// Whether requests of `requester` are not delivered to `recipient` now.
pub(super) async fn is_paused(
    tx: &impl ConnectionTrait,
    requester: UserId,
    recipient: UserId,
    now: Millis,
) -> Result<bool> {
    let row = request_pause::Entity::find_by_id((requester, recipient))
        .one(tx)
        .await?;
    Ok(row.is_some_and(|row| row.until > now))
}

/// Deletes a declined request. The user who declines may ask at any time.
pub(super) async fn decline(
    tx: &impl ConnectionTrait,
    row: &connection::Model,
    me: UserId,
    now: Millis,
) -> Result<()> {
    let requester = other(row, me);
    request_pause::Entity::delete_by_id((me, requester))
        .exec(tx)
        .await?;
    pause(tx, (requester, me), now.after(AFTER_DECLINE)).await?;
    row.clone().delete(tx).await?;
    Ok(())
}

/// Deletes a request for the user who made it. A swallowed one reached nobody
/// and starts no pause; one that holds goes on.
pub(in crate::store) async fn withdraw(
    tx: &impl ConnectionTrait,
    row: &connection::Model,
    now: Millis,
) -> Result<()> {
    if row.state == State::Requested {
        let requester = row.requested_by;
        let recipient = other(row, requester);
        pause(tx, (requester, recipient), now.after(AFTER_WITHDRAWAL)).await?;
    }
    row.clone().delete(tx).await?;
    Ok(())
}

/// Ends the pauses between two users who connect.
pub(super) async fn end(tx: &impl ConnectionTrait, row: &connection::Model) -> Result<()> {
    for pair in [(row.low_id, row.high_id), (row.high_id, row.low_id)] {
        request_pause::Entity::delete_by_id(pair).exec(tx).await?;
    }
    Ok(())
}

async fn pause(
    tx: &impl ConnectionTrait,
    (requester, recipient): (UserId, UserId),
    until: Millis,
) -> Result<()> {
    use request_pause::Column::{RecipientId, RequesterId, Until};
    let row = request_pause::ActiveModel {
        requester_id: Set(requester),
        recipient_id: Set(recipient),
        until: Set(until),
    };
    // A pause that holds is never shortened: a request is only delivered, and
    // so declined or withdrawn, outside of one.
    let on_conflict = OnConflict::columns([RequesterId, RecipientId])
        .update_column(Until)
        .to_owned();
    request_pause::Entity::insert(row)
        .on_conflict(on_conflict)
        .exec_without_returning(tx)
        .await?;
    Ok(())
}
