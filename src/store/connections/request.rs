//! Requests to connect, and whether their recipients learn of them.

use entity::connection::{self, State};
use entity::{Millis, UserId, user};
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait, TryInsertResult};

use super::{
    Change, change, connect, hold_pair, locked_pair, ordered, other, pauses, seen, set_state,
};
use crate::protocol::{Code, Connection};
use crate::store::blocks::blocks;
use crate::store::{Result, Store, StoreError};

/// The result of a request.
#[derive(Clone, Debug)]
pub enum RequestOutcome {
    /// The request is new. A swallowed one looks the same to its sender.
    Requested(Change),
    /// The recipient had asked already.
    Connected(Change),
    /// The request, or the connection, was there before. If it is delivered
    /// only now, this is what the recipient sees.
    Unchanged(Connection, Option<Connection>),
}

impl Store {
    /// Asks `them`; where they had asked already, the two are connected.
    ///
    /// # Errors
    /// `conflict` for the user's own account, and for a user whom the user blocks.
    pub async fn request_connection(
        &self,
        me: &user::Model,
        them: &user::Model,
        now: Millis,
    ) -> Result<RequestOutcome> {
        if me.id == them.id {
            return Err(StoreError::refused(
                Code::Conflict,
                "You can't connect with yourself.",
            ));
        }
        let tx = self.begin().await?;
        hold_pair(&tx, me.id, them.id).await?;
        if blocks(&tx, me.id, them.id).await? {
            return Err(StoreError::refused(
                Code::Conflict,
                "You block this person.",
            ));
        }
        let is_new = insert_request(&tx, me.id, them.id, now).await?;
        let mut row = locked_pair(&tx, me.id, them.id).await?;
        let outcome = if is_new {
            RequestOutcome::Requested(change(&row, me, them))
        } else if row.state == State::Connected || row.requested_by == me.id {
            let is_delivered = deliver(&tx, &mut row, now).await?;
            let theirs = is_delivered.then(|| seen(&row, them.id, me));
            RequestOutcome::Unchanged(seen(&row, me.id, them), theirs)
        } else {
            connect(&tx, &mut row).await?;
            RequestOutcome::Connected(change(&row, me, them))
        };
        tx.commit().await?;
        Ok(outcome)
    }
}

/// Delivers a swallowed request that is repeated after the block was lifted or
/// the pause ended; true if it was such a one.
async fn deliver(
    tx: &impl ConnectionTrait,
    row: &mut connection::Model,
    now: Millis,
) -> Result<bool> {
    let requester = row.requested_by;
    if row.state != State::Swallowed
        || is_swallowed(tx, requester, other(row, requester), now).await?
    {
        return Ok(false);
    }
    set_state(tx, row, State::Requested).await?;
    Ok(true)
}

/// Whether `them` shall not learn of a request of `me`.
async fn is_swallowed(
    tx: &impl ConnectionTrait,
    me: UserId,
    them: UserId,
    now: Millis,
) -> Result<bool> {
    Ok(blocks(tx, them, me).await? || pauses::is_paused(tx, me, them, now).await?)
}

/// True where there was no row for the two yet.
async fn insert_request(
    tx: &impl ConnectionTrait,
    me: UserId,
    them: UserId,
    now: Millis,
) -> Result<bool> {
    let state = if is_swallowed(tx, me, them, now).await? {
        State::Swallowed
    } else {
        State::Requested
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
