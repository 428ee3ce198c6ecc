//! Connection requests, and whether they are delivered.

use entity::connection::{self, ConnectionRowState};
use entity::{Millis, UserId, user};
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait, TryInsertResult};

use super::ConnectionRepository;
use super::{
    ConnectionChange, connect, connection_change, connection_view, lock_pair_connection,
    lock_user_pair, ordered, other_user, pauses, set_state,
};
use crate::protocol::{Connection, ErrorCode};
use crate::store::blocked_pairs::is_blocked_by;
use crate::store::db::{Result, StoreError};

/// The result of a request.
#[derive(Clone, Debug)]
pub enum ConnectionRequestOutcome {
    /// The request is new. A suppressed one looks the same to its sender.
    Requested(ConnectionChange),
    /// The other user had sent a request before.
    Connected(ConnectionChange),
    /// The request, or the connection, existed before. If the request is
    /// delivered only now, the second value is the recipient's view.
    Unchanged(Connection, Option<Connection>),
}

impl ConnectionRepository<'_> {
    /// Sends a request to `them`; if they sent one before, the two are
    /// connected.
    ///
    /// # Errors
    /// `conflict` for the user's own account, and for a user that
    /// `me` blocks.
    pub async fn request(
        self,
        me: &user::Model,
        them: &user::Model,
        now: Millis,
    ) -> Result<ConnectionRequestOutcome> {
        if me.id == them.id {
            return Err(StoreError::refused(
                ErrorCode::Conflict,
                "You can't connect with yourself.",
            ));
        }
        let tx = self.db.begin().await?;
        lock_user_pair(&tx, me.id, them.id).await?;
        if is_blocked_by(&tx, me.id, them.id).await? {
            return Err(StoreError::refused(
                ErrorCode::Conflict,
                "You blocked this user.",
            ));
        }
        let is_new = insert_request(&tx, me.id, them.id, now).await?;
        let mut row = lock_pair_connection(&tx, me.id, them.id).await?;
        let outcome = if is_new {
            ConnectionRequestOutcome::Requested(connection_change(&row, me, them))
        } else if row.state == ConnectionRowState::Connected || row.requested_by == me.id {
            let is_delivered = deliver_suppressed(&tx, &mut row, now).await?;
            let theirs = is_delivered.then(|| connection_view(&row, them.id, me));
            ConnectionRequestOutcome::Unchanged(connection_view(&row, me.id, them), theirs)
        } else {
            connect(&tx, &mut row).await?;
            ConnectionRequestOutcome::Connected(connection_change(&row, me, them))
        };
        tx.commit().await?;
        Ok(outcome)
    }
}

/// Delivers a suppressed request that is repeated after the block was removed
/// or the pause ended. Returns whether the request is delivered now.
async fn deliver_suppressed(
    tx: &impl ConnectionTrait,
    row: &mut connection::Model,
    now: Millis,
) -> Result<bool> {
    let requester = row.requested_by;
    if row.state != ConnectionRowState::Suppressed
        || is_suppressed(tx, requester, other_user(row, requester), now).await?
    {
        return Ok(false);
    }
    set_state(tx, row, ConnectionRowState::Requested).await?;
    Ok(true)
}

/// Returns whether a request of `me` must not be delivered to `them`.
async fn is_suppressed(
    tx: &impl ConnectionTrait,
    me: UserId,
    them: UserId,
    now: Millis,
) -> Result<bool> {
    Ok(is_blocked_by(tx, them, me).await? || pauses::is_paused(tx, me, them, now).await?)
}

/// Inserts a request, unless the two users have a row already. Returns whether
/// it was inserted.
async fn insert_request(
    tx: &impl ConnectionTrait,
    me: UserId,
    them: UserId,
    now: Millis,
) -> Result<bool> {
    let state = if is_suppressed(tx, me, them, now).await? {
        ConnectionRowState::Suppressed
    } else {
        ConnectionRowState::Requested
    };
    let (low, high) = ordered(me, them);
    let row = connection::ActiveModel {
        low_id: Set(low),
        high_id: Set(high),
        requested_by: Set(me),
        state: Set(state),
        created_at: Set(now),
        ..Default::default()
    };
    let done = connection::Entity::insert(row)
        .on_conflict_do_nothing_on([connection::Column::LowId, connection::Column::HighId])
        .exec_without_returning(tx)
        .await?;
    Ok(matches!(done, TryInsertResult::Inserted(1..)))
}
