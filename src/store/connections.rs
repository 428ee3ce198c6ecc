//! Who may message whom.
//!
//! A connection that comes or goes opens or closes the direct conversation of
//! the two in the same transaction and raises its `members_version`: a send
//! that was judged before is either written before the change, or judged
//! again after it.

mod pauses;
mod request;
mod waiting;

use std::collections::BTreeSet;

use entity::connection::{self, State};
use entity::{ConnectionId, Millis, UserId, conversation, user};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, ModelTrait,
    QueryFilter, QuerySelect,
    sea_query::{Expr, LockType},
};

use super::{Result, Store, StoreError};
use crate::protocol::connection::State as Seen;
use crate::protocol::{Code, Connection, User, input::direct_key};

pub(super) use pauses::{AFTER_DECLINE, withdraw};
pub use request::RequestOutcome;

/// A connection in its new state, as each of the two now sees it.
#[derive(Clone, Debug)]
pub struct Change {
    /// What the one who acted sees.
    pub mine: Connection,
    /// What the other sees; none where they are not to know.
    pub theirs: Option<Connection>,
}

impl Store {
    /// A page of a person's connections, newest first, from `before` on.
    pub async fn connections(
        &self,
        me: UserId,
        before: Option<ConnectionId>,
        limit: u64,
    ) -> Result<Vec<Connection>> {
        let states = [State::Requested, State::Connected, State::Swallowed];
        let rows = self.newest(me, &states, (before, limit)).await?;
        self.seen_by(me, &rows).await
    }

    /// What stands between two, be it a connection or a request.
    pub async fn connection_between(
        &self,
        me: UserId,
        them: UserId,
    ) -> Result<Option<ConnectionId>> {
        let row = pair(me, them).one(&self.reader).await?;
        Ok(row.map(|row| row.id))
    }

    /// How many have asked this person and wait for an answer. Read together
    /// with others who ask at this moment.
    pub async fn pending_connections(&self, me: UserId) -> Result<i64> {
        let db = self.reader.clone();
        let read = move |users| waiting::count(db.clone(), users);
        Ok(self.asked.pending.ask(me, read).await?.unwrap_or_default())
    }

    /// Says yes to who asked.
    ///
    /// # Errors
    /// `not_found`, or `conflict` where it is one's own request.
    pub async fn accept_connection(&self, me: &user::Model, id: ConnectionId) -> Result<Change> {
        let tx = self.begin().await?;
        let (mut row, them) = locked(&tx, me.id, id).await?;
        if row.state != State::Connected {
            // A swallowed request too: it has to look like any other.
            if row.requested_by == me.id {
                return Err(StoreError::refused(
                    Code::Conflict,
                    "Only the one who was asked can accept.",
                ));
            }
            connect(&tx, &mut row).await?;
        }
        tx.commit().await?;
        Ok(change(&row, me, &them))
    }

    /// Declines a request. Another one of that user is not delivered for 30
    /// days.
    ///
    /// # Errors
    /// `not_found`, or `conflict` where nobody is waiting for an answer.
    pub async fn decline_connection(
        &self,
        me: &user::Model,
        id: ConnectionId,
        now: Millis,
    ) -> Result<Change> {
        let tx = self.begin().await?;
        let (row, them) = locked(&tx, me.id, id).await?;
        if row.state != State::Requested || row.requested_by == me.id {
            return Err(StoreError::refused(
                Code::Conflict,
                "There is no request of theirs to decline.",
            ));
        }
        pauses::decline(&tx, &row, me.id, now).await?;
        tx.commit().await?;
        Ok(gone(&row, me, &them))
    }

    /// Ends a connection, or takes a request back.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn remove_connection(
        &self,
        me: &user::Model,
        id: ConnectionId,
        now: Millis,
    ) -> Result<Change> {
        let tx = self.begin().await?;
        let (row, them) = locked(&tx, me.id, id).await?;
        match row.state {
            State::Connected => {
                row.clone().delete(&tx).await?;
                set_open(&tx, &row, false).await?;
            }
            _ if row.requested_by == me.id => withdraw(&tx, &row, now).await?,
            _ => pauses::decline(&tx, &row, me.id, now).await?,
        }
        tx.commit().await?;
        Ok(gone(&row, me, &them))
    }
}

/// Whether the two are connected, as part of a larger change: nobody can
/// change it until that is done.
pub(super) async fn are_connected(
    tx: &impl ConnectionTrait,
    one: UserId,
    two: UserId,
) -> Result<bool> {
    let row = pair(one, two).lock_shared().one(tx).await?;
    Ok(row.is_some_and(|row| row.state == State::Connected))
}

/// Whether a person is connected with all of these; nobody can change it until
/// the transaction is done.
pub(super) async fn all_connected(
    tx: &impl ConnectionTrait,
    me: UserId,
    people: &BTreeSet<UserId>,
) -> Result<bool> {
    let others = || people.iter().copied();
    let held = connection::Entity::find()
        .lock_shared()
        .filter(connection::Column::State.eq(State::Connected))
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

/// Holds what two people are to each other until the transaction ends: who
/// blocks whom, and their connection. Where there are no rows of that yet
/// there is nothing else to hold, so it is the row of one of the two, which
/// everybody chooses alike. It keeps nobody from naming that person in other
/// rows.
pub(super) async fn hold_pair(tx: &impl ConnectionTrait, one: UserId, two: UserId) -> Result<()> {
    let (low, _) = ordered(one, two);
    user::Entity::find_by_id(low)
        .lock(LockType::NoKeyUpdate)
        .one(tx)
        .await?;
    Ok(())
}

async fn connect(tx: &impl ConnectionTrait, row: &mut connection::Model) -> Result<()> {
    pauses::end(tx, row).await?;
    set_state(tx, row, State::Connected).await?;
    set_open(tx, row, true).await
}

pub(super) async fn set_state(
    tx: &impl ConnectionTrait,
    row: &mut connection::Model,
    state: State,
) -> Result<()> {
    row.state = state;
    let mut active = row.clone().into_active_model();
    active.state = Set(state);
    connection::Entity::update(active).exec(tx).await?;
    Ok(())
}

/// Opens or closes the direct conversation of the two, where there is one.
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

pub(super) fn pair(one: UserId, two: UserId) -> sea_orm::Select<connection::Entity> {
    let (low, high) = ordered(one, two);
    connection::Entity::find()
        .filter(connection::Column::LowId.eq(low))
        .filter(connection::Column::HighId.eq(high))
}

fn ordered(one: UserId, two: UserId) -> (UserId, UserId) {
    if one < two { (one, two) } else { (two, one) }
}

async fn locked_pair(
    tx: &impl ConnectionTrait,
    one: UserId,
    two: UserId,
) -> Result<connection::Model> {
    pair(one, two)
        .lock_exclusive()
        .one(tx)
        .await?
        .ok_or_else(StoreError::not_found)
}

async fn locked(
    tx: &impl ConnectionTrait,
    me: UserId,
    id: ConnectionId,
) -> Result<(connection::Model, user::Model)> {
    let row = connection::Entity::find_by_id(id)
        .filter(is_seen_by(me))
        .lock_exclusive()
        .one(tx)
        .await?
        .ok_or_else(StoreError::not_found)?;
    let them = user::Entity::find_by_id(other(&row, me))
        .one(tx)
        .await?
        .ok_or_else(StoreError::not_found)?;
    Ok((row, them))
}

fn is_of(me: UserId) -> Condition {
    Condition::any()
        .add(connection::Column::LowId.eq(me))
        .add(connection::Column::HighId.eq(me))
}

/// A swallowed request exists only for who made it.
fn is_seen_by(me: UserId) -> Condition {
    Condition::all().add(is_of(me)).add(
        Condition::any()
            .add(connection::Column::State.ne(State::Swallowed))
            .add(connection::Column::RequestedBy.eq(me)),
    )
}

/// The one of the two who isn't oneself.
pub(super) fn other(row: &connection::Model, me: UserId) -> UserId {
    if row.low_id == me {
        row.high_id
    } else {
        row.low_id
    }
}

fn seen(row: &connection::Model, me: UserId, them: &user::Model) -> Connection {
    let state = match row.state {
        State::Connected => Seen::Connected,
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

fn change(row: &connection::Model, me: &user::Model, them: &user::Model) -> Change {
    Change {
        mine: seen(row, me.id, them),
        theirs: (row.state != State::Swallowed).then(|| seen(row, them.id, me)),
    }
}

pub(super) fn gone(row: &connection::Model, me: &user::Model, them: &user::Model) -> Change {
    let mut change = change(row, me, them);
    change.mine.state = Seen::None;
    if let Some(theirs) = &mut change.theirs {
        theirs.state = Seen::None;
    }
    change
}
