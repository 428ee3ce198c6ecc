//! Pauses: periods in which requests of a user to another are not delivered.
//!
//! A pause begins when the recipient declines, or when the requester cancels a
//! delivered request. The requester can't see it: a request in a pause is
//! suppressed, as with a block. So a user gets at most one request of another a
//! day, and one in 30 days if they decline.

use std::time::Duration;

use entity::connection::{self, ConnectionRowState};
use entity::{Millis, UserId, request_pause};
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait, ModelTrait, sea_query::OnConflict};

use super::other_user;
use crate::store::db::Result;

const DAY: Duration = Duration::from_secs(24 * 3600);
/// The pause after a decline.
pub(in crate::store) const DECLINE_PAUSE: Duration = DAY.saturating_mul(30);
/// The pause after a cancelled request.
const CANCEL_PAUSE: Duration = DAY;

/// Returns whether requests of `requester` are not delivered to `recipient`
/// now.
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

/// Deletes a declined request. The user who declines may send a request
/// themselves at any time.
pub(super) async fn decline_request(
    tx: &impl ConnectionTrait,
    row: &connection::Model,
    me: UserId,
    now: Millis,
) -> Result<()> {
    let requester = other_user(row, me);
    request_pause::Entity::delete_by_id((me, requester))
        .exec(tx)
        .await?;
    insert_pause(tx, requester, me, now.after(DECLINE_PAUSE)).await?;
    row.clone().delete(tx).await?;
    Ok(())
}

/// Deletes a request for its requester. A suppressed request was not delivered,
/// so it starts no pause; a running pause stays.
pub(in crate::store) async fn cancel_request(
    tx: &impl ConnectionTrait,
    row: &connection::Model,
    now: Millis,
) -> Result<()> {
    if row.state == ConnectionRowState::Requested {
        let requester = row.requested_by;
        let recipient = other_user(row, requester);
        insert_pause(tx, requester, recipient, now.after(CANCEL_PAUSE)).await?;
    }
    row.clone().delete(tx).await?;
    Ok(())
}

/// Deletes the pauses between two users who connect.
pub(super) async fn delete_pauses(
    tx: &impl ConnectionTrait,
    row: &connection::Model,
) -> Result<()> {
    for pair in [(row.low_id, row.high_id), (row.high_id, row.low_id)] {
        request_pause::Entity::delete_by_id(pair).exec(tx).await?;
    }
    Ok(())
}

async fn insert_pause(
    tx: &impl ConnectionTrait,
    requester: UserId,
    recipient: UserId,
    until: Millis,
) -> Result<()> {
    use request_pause::Column::{RecipientId, RequesterId, Until};
    let row = request_pause::ActiveModel {
        requester_id: Set(requester),
        recipient_id: Set(recipient),
        until: Set(until),
    };
    // This never shortens a running pause: a request is delivered, and so
    // declined or cancelled, only outside of one.
    let on_conflict = OnConflict::columns([RequesterId, RecipientId])
        .update_column(Until)
        .to_owned();
    request_pause::Entity::insert(row)
        .on_conflict(on_conflict)
        .exec_without_returning(tx)
        .await?;
    Ok(())
}
