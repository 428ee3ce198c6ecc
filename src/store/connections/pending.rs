//! A user's pending requests and unused connections.

use std::collections::{BTreeSet, HashMap};

use entity::connection::{self, Column, ConnectionRowState};
use entity::conversation;
use entity::{ConnectionId, UserId, user};
use sea_orm::{
    ActiveEnum, ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, Iterable,
    QueryFilter, Statement, Value,
    sea_query::{Order, Query, UnionType},
};

use super::ConnectionRepository;
use super::{connection_view, other_user};
use crate::protocol::{Connection, input::direct_key};
use crate::store::db::sql::{pad_to_power_of_two, values_list};
use crate::store::db::{Database, Result};

impl ConnectionRepository<'_> {
    /// Returns a user's pending requests, incoming and outgoing, newest first.
    pub async fn list_pending(self, me: UserId, limit: u64) -> Result<Vec<Connection>> {
        let states = [
            ConnectionRowState::Requested,
            ConnectionRowState::Suppressed,
        ];
        let rows = self.newest_connections(me, &states, None, limit).await?;
        self.connection_views(me, &rows).await
    }

    /// Returns those of the user's newest `limit` connections whose direct
    /// conversation has no messages yet.
    pub async fn list_unused(self, me: UserId, limit: u64) -> Result<Vec<Connection>> {
        let states = [ConnectionRowState::Connected];
        let rows = self.newest_connections(me, &states, None, limit).await?;
        let key = |row: &connection::Model| direct_key(row.low_id, row.high_id);
        let listed = Condition::any()
            .add(conversation::Column::LastSeq.gt(0))
            .add(conversation::Column::OpenedBy.eq(me));
        let spoken: BTreeSet<String> = conversation::Entity::find()
            .filter(conversation::Column::DirectKey.is_in(rows.iter().map(key)))
            .filter(listed)
            .all(self.db.reader())
            .await?
            .into_iter()
            .filter_map(|row| row.direct_key)
            .collect();
        let silent: Vec<connection::Model> = rows
            .into_iter()
            .filter(|row| !spoken.contains(&key(row)))
            .collect();
        self.connection_views(me, &silent).await
    }

    /// Returns a user's newest connections in some states, as far as the user
    /// sees them. For each state and side, an index is read backwards.
    pub(super) async fn newest_connections(
        self,
        me: UserId,
        states: &[ConnectionRowState],
        before: Option<ConnectionId>,
        limit: u64,
    ) -> Result<Vec<connection::Model>> {
        let part = |(side, state): (Column, ConnectionRowState)| {
            let mut page = Query::select();
            page.columns(Column::iter())
                .from(connection::Entity)
                .and_where(side.eq(me))
                .and_where(Column::State.eq(state));
            if state == ConnectionRowState::Suppressed {
                page.and_where(Column::RequestedBy.eq(me));
            }
            if let Some(before) = before {
                page.and_where(Column::Id.lt(before));
            }
            page.order_by(Column::Id, Order::Desc).limit(limit);
            // SQLite accepts ORDER BY and LIMIT of a part of a UNION only in a
            // subquery.
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
        let statement = self.db.backend().build(&newest);
        let rows = connection::Model::find_by_statement(statement);
        Ok(rows.all(self.db.reader()).await?)
    }

    /// Returns a user's view of connections, with the other user of each.
    pub(super) async fn connection_views(
        self,
        me: UserId,
        rows: &[connection::Model],
    ) -> Result<Vec<Connection>> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let others = rows.iter().map(|row| other_user(row, me));
        let users = user::Entity::find()
            .filter(user::Column::Id.is_in(others))
            .all(self.db.reader())
            .await?;
        Ok(rows
            .iter()
            .filter_map(|row| {
                let user = users.iter().find(|user| user.id == other_user(row, me))?;
                Some(connection_view(row, me, user))
            })
            .collect())
    }
}

/// Returns the number of pending requests to each of these users.
pub(super) async fn count_pending(
    db: Database,
    mut users: Vec<UserId>,
) -> Result<HashMap<UserId, i64>> {
    pad_to_power_of_two(&mut users);
    let of = |side: &str| {
        format!(
            "(SELECT COUNT(*) FROM connection c WHERE c.{side} = v.column1 AND c.state = {} \
             AND c.requested_by <> v.column1)",
            ConnectionRowState::Requested.to_value()
        )
    };
    let sql = format!(
        "SELECT v.column1 AS recipient, {} + {} AS requests FROM {} v",
        of("low_id"),
        of("high_id"),
        values_list(db.get_database_backend(), users.len(), 1)
    );
    let users = users.into_iter().map(Value::from);
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, users);
    let mut found = HashMap::new();
    for row in db.query_all_raw(statement).await? {
        found.insert(row.try_get_by("recipient")?, row.try_get_by("requests")?);
    }
    Ok(found)
}
