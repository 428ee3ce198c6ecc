//! Connections between users.
//!
//! A change of a connection opens or closes their direct conversation in the
//! same transaction and raises its `members_version`. A send with an older
//! verdict is either written before the change, or checked again after it.

mod pauses;
mod pending;
mod request;

use std::collections::BTreeSet;

use entity::connection::{self, ConnectionRowState};
use entity::{ConnectionId, Millis, UserId, conversation, user};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, ModelTrait,
    QueryFilter, QuerySelect,
    sea_query::{Expr, LockType},
};

use crate::protocol::connection::ConnectionStatus as Seen;
use crate::protocol::{Connection, ErrorCode, User, input::direct_key};
use crate::store::db::{BatchLoader, Db, Result, StoreError};

pub(super) use pauses::{DECLINE_PAUSE, cancel_request};
pub use request::ConnectionRequestOutcome;

/// A connection in its new state, as each side sees it.
#[derive(Clone, Debug)]
pub struct ConnectionChange {
    /// The view of the user who acted.
    pub caller_view: Connection,
    /// The view of the other user; none if they must not notice.
    pub other_view: Option<Connection>,
}

/// Counts of pending requests, which concurrent callers share.
pub(super) type PendingCountLoader = BatchLoader<UserId, i64>;

/// The connections and requests of users.
#[derive(Clone, Copy)]
pub struct ConnectionRepository<'a> {
    db: &'a Db,
    pending_counts: &'a PendingCountLoader,
}

impl<'a> ConnectionRepository<'a> {
    /// Creates a repository on these connections to the database. Concurrent
    /// callers share the loader.
    pub(in crate::store) fn new(db: &'a Db, pending_counts: &'a PendingCountLoader) -> Self {
        Self { db, pending_counts }
    }
}

impl ConnectionRepository<'_> {
    /// Returns a page of a user's connections, newest first, older than
    /// `before`.
    pub async fn list(
        self,
        me: UserId,
        before: Option<ConnectionId>,
        limit: u64,
    ) -> Result<Vec<Connection>> {
        let states = [
            ConnectionRowState::Requested,
            ConnectionRowState::Connected,
            ConnectionRowState::Suppressed,
        ];
        let rows = self.newest_connections(me, &states, before, limit).await?;
        self.connection_views(me, &rows).await
    }

    /// Returns the connection or request between two users.
    pub async fn find(self, me: UserId, them: UserId) -> Result<Option<ConnectionId>> {
        let row = select_pair(me, them).one(self.db.reader()).await?;
        Ok(row.map(|row| row.id))
    }

    /// Returns the number of pending requests to this user. Concurrent callers
    /// share one read.
    pub async fn count_pending(self, me: UserId) -> Result<i64> {
        let db = self.db.reader().clone();
        let read = move |users| pending::count_pending(db.clone(), users);
        Ok(self
            .pending_counts
            .load(me, read)
            .await?
            .unwrap_or_default())
    }

    /// Accepts a request.
    ///
    /// # Errors
    /// `not_found`; `conflict` for the user's own request.
    pub async fn accept(self, me: &user::Model, id: ConnectionId) -> Result<ConnectionChange> {
        let tx = self.db.begin().await?;
        let (mut row, them) = lock_connection(&tx, me.id, id).await?;
        if row.state != ConnectionRowState::Connected {
            // A suppressed request must look like any other.
            if row.requested_by == me.id {
                return Err(StoreError::refused(
                    ErrorCode::Conflict,
                    "Only the recipient of a request can accept it.",
                ));
            }
            connect(&tx, &mut row).await?;
        }
        tx.commit().await?;
        Ok(connection_change(&row, me, &them))
    }

    /// Declines a request. Another request of that user is not delivered for 30
    /// days.
    ///
    /// # Errors
    /// `not_found`; `conflict` if there is no pending request of the other
    /// user.
    pub async fn decline(
        self,
        me: &user::Model,
        id: ConnectionId,
        now: Millis,
    ) -> Result<ConnectionChange> {
        let tx = self.db.begin().await?;
        let (row, them) = lock_connection(&tx, me.id, id).await?;
        if row.state != ConnectionRowState::Requested || row.requested_by == me.id {
            return Err(StoreError::refused(
                ErrorCode::Conflict,
                "There is no request from this user to decline.",
            ));
        }
        pauses::decline_request(&tx, &row, me.id, now).await?;
        tx.commit().await?;
        Ok(removed_connection_change(&row, me, &them))
    }

    /// Ends a connection, cancels the user's own request, or declines the
    /// other's.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn remove(
        self,
        me: &user::Model,
        id: ConnectionId,
        now: Millis,
    ) -> Result<ConnectionChange> {
        let tx = self.db.begin().await?;
        let (row, them) = lock_connection(&tx, me.id, id).await?;
        match row.state {
            ConnectionRowState::Connected => {
                row.clone().delete(&tx).await?;
                set_open(&tx, &row, false).await?;
            }
            _ if row.requested_by == me.id => cancel_request(&tx, &row, now).await?,
            _ => pauses::decline_request(&tx, &row, me.id, now).await?,
        }
        tx.commit().await?;
        Ok(removed_connection_change(&row, me, &them))
    }
}

/// Returns whether two users are connected, and locks that until the
/// transaction ends.
pub(super) async fn are_connected(
    tx: &impl ConnectionTrait,
    one: UserId,
    two: UserId,
) -> Result<bool> {
    let row = select_pair(one, two).lock_shared().one(tx).await?;
    Ok(row.is_some_and(|row| row.state == ConnectionRowState::Connected))
}

/// Returns whether a user is connected with all of these, and locks that until
/// the transaction ends.
pub(super) async fn all_connected(
    tx: &impl ConnectionTrait,
    me: UserId,
    people: &BTreeSet<UserId>,
) -> Result<bool> {
    let others = || people.iter().copied();
    let held = connection::Entity::find()
        .lock_shared()
        .filter(connection::Column::State.eq(ConnectionRowState::Connected))
        .filter(
            Condition::any()
                .add(
                    connection::Column::LowId
                        .eq(me)
                        .and(connection::Column::HighId.is_in(others())),
                )
                .add(
                    connection::Column::HighId
                        .eq(me)
                        .and(connection::Column::LowId.is_in(others())),
                ),
        )
        .all(tx)
        .await?;
    Ok(held.len() == people.len())
}

/// Locks blocks and connection of two users until the transaction ends. These
/// rows may not exist yet, so the lock is on the row of the user with the lower
/// id. The lock mode doesn't delay inserts that reference that user.
pub(super) async fn lock_user_pair(
    tx: &impl ConnectionTrait,
    one: UserId,
    two: UserId,
) -> Result<()> {
    let (low, _) = ordered(one, two);
    user::Entity::find_by_id(low)
        .lock(LockType::NoKeyUpdate)
        .one(tx)
        .await?;
    Ok(())
}

async fn connect(tx: &impl ConnectionTrait, row: &mut connection::Model) -> Result<()> {
    pauses::delete_pauses(tx, row).await?;
    set_state(tx, row, ConnectionRowState::Connected).await?;
    set_open(tx, row, true).await
}

pub(super) async fn set_state(
    tx: &impl ConnectionTrait,
    row: &mut connection::Model,
    state: ConnectionRowState,
) -> Result<()> {
    row.state = state;
    let mut active = row.clone().into_active_model();
    active.state = Set(state);
    connection::Entity::update(active).exec(tx).await?;
    Ok(())
}

/// Opens or closes the direct conversation of the two, if it exists.
pub(super) async fn set_open(
    tx: &impl ConnectionTrait,
    row: &connection::Model,
    open: bool,
) -> Result<()> {
    let raised = Expr::col(conversation::Column::MembersVersion).add(1);
    conversation::Entity::update_many()
        .col_expr(conversation::Column::Open, open.into())
        .col_expr(conversation::Column::MembersVersion, raised)
        .filter(conversation::Column::DirectKey.eq(direct_key(row.low_id, row.high_id)))
        .exec(tx)
        .await?;
    Ok(())
}

pub(super) fn select_pair(one: UserId, two: UserId) -> sea_orm::Select<connection::Entity> {
    let (low, high) = ordered(one, two);
    connection::Entity::find()
        .filter(connection::Column::LowId.eq(low))
        .filter(connection::Column::HighId.eq(high))
}

fn ordered(one: UserId, two: UserId) -> (UserId, UserId) {
    if one < two { (one, two) } else { (two, one) }
}

async fn lock_pair_connection(
    tx: &impl ConnectionTrait,
    one: UserId,
    two: UserId,
) -> Result<connection::Model> {
    select_pair(one, two)
        .lock_exclusive()
        .one(tx)
        .await?
        .ok_or_else(StoreError::not_found)
}

async fn lock_connection(
    tx: &impl ConnectionTrait,
    me: UserId,
    id: ConnectionId,
) -> Result<(connection::Model, user::Model)> {
    let row = connection::Entity::find_by_id(id)
        .filter(is_visible_to(me))
        .lock_exclusive()
        .one(tx)
        .await?
        .ok_or_else(StoreError::not_found)?;
    let them = user::Entity::find_by_id(other_user(&row, me))
        .one(tx)
        .await?
        .ok_or_else(StoreError::not_found)?;
    Ok((row, them))
}

fn involves_user(me: UserId) -> Condition {
    Condition::any()
        .add(connection::Column::LowId.eq(me))
        .add(connection::Column::HighId.eq(me))
}

/// A suppressed request is visible only to its requester.
fn is_visible_to(me: UserId) -> Condition {
    Condition::all().add(involves_user(me)).add(
        Condition::any()
            .add(connection::Column::State.ne(ConnectionRowState::Suppressed))
            .add(connection::Column::RequestedBy.eq(me)),
    )
}

/// Returns the other user of a connection.
pub(super) fn other_user(row: &connection::Model, me: UserId) -> UserId {
    if row.low_id == me {
        row.high_id
    } else {
        row.low_id
    }
}

fn connection_view(row: &connection::Model, me: UserId, them: &user::Model) -> Connection {
    let state = match row.state {
        ConnectionRowState::Connected => Seen::Connected,
        _ if row.requested_by == me => Seen::Requested,
        _ => Seen::Incoming,
    };
    Connection {
        id: row.id,
        user: User::from(them),
        state,
        created_at: row.created_at,
    }
}

fn connection_change(
    row: &connection::Model,
    me: &user::Model,
    them: &user::Model,
) -> ConnectionChange {
    ConnectionChange {
        caller_view: connection_view(row, me.id, them),
        other_view: (row.state != ConnectionRowState::Suppressed)
            .then(|| connection_view(row, them.id, me)),
    }
}

pub(super) fn removed_connection_change(
    row: &connection::Model,
    me: &user::Model,
    them: &user::Model,
) -> ConnectionChange {
    let mut change = connection_change(row, me, them);
    change.caller_view.state = Seen::None;
    if let Some(theirs) = &mut change.other_view {
        theirs.state = Seen::None;
    }
    change
}
