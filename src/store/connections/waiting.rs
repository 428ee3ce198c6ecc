//! What of a person's connections waits for something.

use std::collections::{BTreeSet, HashMap};

use entity::connection::{self, State};
use entity::conversation;
use entity::{UserId, user};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    Statement, Value,
};

use super::{Store, is_of, is_seen_by, other, seen};
use crate::protocol::{Connection, input::direct_key};
use crate::store::Result;
use crate::store::append::sql::{pad, values};
use crate::store::database::Database;

impl Store {
    /// Who asked this person, and whom they asked, newest first: what nobody
    /// has answered yet.
    pub async fn waiting_connections(&self, me: UserId, limit: u64) -> Result<Vec<Connection>> {
        let rows = connection::Entity::find()
            .filter(is_seen_by(me))
            .filter(connection::Column::State.ne(State::Connected))
            .order_by_desc(connection::Column::Id)
            .limit(limit)
            .all(&self.reader)
            .await?;
        self.seen_by(me, &rows).await
    }

    /// Of those `limit` whom this person asked or was asked by last and is
    /// connected with, the ones in whose conversation nothing was said yet.
    pub async fn silent_connections(&self, me: UserId, limit: u64) -> Result<Vec<Connection>> {
        let rows = connection::Entity::find()
            .filter(is_of(me))
            .filter(connection::Column::State.eq(State::Connected))
            .order_by_desc(connection::Column::Id)
            .limit(limit)
            .all(&self.reader)
            .await?;
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
