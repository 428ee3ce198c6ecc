//! What of a person's connections waits for something.

use std::collections::{BTreeSet, HashMap};

use entity::connection::{self, Column, State};
use entity::conversation;
use entity::{ConnectionId, UserId, user};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, Iterable, QueryFilter,
    Statement, Value,
    sea_query::{Order, Query, UnionType},
};

use super::{Store, other, seen};
use crate::protocol::{Connection, input::direct_key};
use crate::store::Result;
use crate::store::append::sql::{pad, values};
use crate::store::database::Database;

impl Store {
    /// Who asked this person, and whom they asked, newest first: what nobody
    /// has answered yet.
    pub async fn waiting_connections(&self, me: UserId, limit: u64) -> Result<Vec<Connection>> {
        let states = [State::Requested, State::Swallowed];
        let rows = self.newest(me, &states, (None, limit)).await?;
        self.seen_by(me, &rows).await
    }

    /// Of those `limit` whom this person asked or was asked by last and is
    /// connected with, the ones in whose conversation nothing was said yet.
    pub async fn silent_connections(&self, me: UserId, limit: u64) -> Result<Vec<Connection>> {
        let states = [State::Connected];
        let rows = self.newest(me, &states, (None, limit)).await?;
        let key = |row: &connection::Model| direct_key(row.low_id, row.high_id);
        let listed = Condition::any()
            .add(conversation::Column::LastSeq.gt(0))
            .add(conversation::Column::OpenedBy.eq(me));
        let spoken: BTreeSet<String> = conversation::Entity::find()
            .filter(conversation::Column::DirectKey.is_in(rows.iter().map(key)))
            .filter(listed)
            .all(&self.reader)
            .await?
            .into_iter()
            .filter_map(|row| row.direct_key)
            .collect();
        let silent: Vec<connection::Model> = rows
            .into_iter()
            .filter(|row| !spoken.contains(&key(row)))
            .collect();
        self.seen_by(me, &silent).await
    }

    /// The newest connections of a user in some states, as far as the user sees
    /// them. Of each state and side, an index is read from its end on.
    pub(super) async fn newest(
        &self,
        me: UserId,
        states: &[State],
        (before, limit): (Option<ConnectionId>, u64),
    ) -> Result<Vec<connection::Model>> {
        let part = |(side, state): (Column, State)| {
            let mut page = Query::select();
            page.columns(Column::iter())
                .from(connection::Entity)
                .and_where(side.eq(me))
                .and_where(Column::State.eq(state));
            if state == State::Swallowed {
                page.and_where(Column::RequestedBy.eq(me));
            }
            if let Some(before) = before {
                page.and_where(Column::Id.lt(before));
            }
            page.order_by(Column::Id, Order::Desc).limit(limit);
            // SQLite takes the order and the limit of a part only in a subquery.
            let mut part = Query::select();
            part.columns(Column::iter()).from_subquery(page, "page");
            part
        };
        let sides = [Column::LowId, Column::HighId].into_iter();
        let mut parts = sides.flat_map(|side| states.iter().map(move |state| part((side, *state))));
        let mut all = parts.next().unwrap_or_default();
        for other in parts {
            all.union(UnionType::All, other);
        }
        let mut newest = Query::select();
        newest
            .columns(Column::iter())
            .from_subquery(all, "page")
            .order_by(Column::Id, Order::Desc)
            .limit(limit);
        let statement = self.backend().build(&newest);
        let rows = connection::Model::find_by_statement(statement);
        Ok(rows.all(&self.reader).await?)
    }

    /// Connections with the other of each.
    pub(super) async fn seen_by(
        &self,
        me: UserId,
        rows: &[connection::Model],
    ) -> Result<Vec<Connection>> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let others = rows.iter().map(|row| other(row, me));
        let users = user::Entity::find()
            .filter(user::Column::Id.is_in(others))
            .all(&self.reader)
            .await?;
        Ok(rows
            .iter()
            .filter_map(|row| {
                let user = users.iter().find(|user| user.id == other(row, me))?;
                Some(seen(row, me, user))
            })
            .collect())
    }
}

/// How many have asked each of these people and wait for an answer.
pub(super) async fn count(db: Database, mut users: Vec<UserId>) -> Result<HashMap<UserId, i64>> {
    pad(&mut users);
    let of = |side: &str| {
        format!(
            "(SELECT COUNT(*) FROM connection c WHERE c.{side} = v.column1 AND c.state = {} \
             AND c.requested_by <> v.column1)",
            State::Requested as i16
        )
    };
    let sql = format!(
        "SELECT v.column1, {} + {} FROM {} v",
        of("low_id"),
        of("high_id"),
        values(db.get_database_backend(), users.len(), 1)
    );
    let users = users.into_iter().map(Value::from);
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, users);
    let mut found = HashMap::new();
    for row in db.query_all_raw(statement).await? {
        found.insert(row.try_get_by_index(0)?, row.try_get_by_index(1)?);
    }
    Ok(found)
}
