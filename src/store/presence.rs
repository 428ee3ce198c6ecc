//! Who is here, as it outlives a process.

use entity::{Millis, NodeId, UserId, node, user_status};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter,
    Statement, Value, sea_query::OnConflict,
};

use super::append::sql;
use super::{AT_A_TIME, Result, Store};

/// Whether somebody is here, and else when they last were, where that is
/// known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    pub is_online: bool,
    pub last_seen: Option<Millis>,
}

impl Status {
    /// The one status of those who are here.
    pub const ONLINE: Self = Self {
        is_online: true,
        last_seen: None,
    };

    /// Of somebody who was last here then.
    #[must_use]
    pub fn gone(seen: Millis) -> Self {
        Self {
            is_online: false,
            last_seen: Some(seen),
        }
    }

    /// What a row says. Of who is here it keeps the time before, which is
    /// nobody's business as long as they are.
    pub(super) fn shown(is_online: bool, last_seen: Option<Millis>) -> Self {
        Self {
            is_online,
            last_seen: last_seen.filter(|_| !is_online),
        }
    }
}

impl From<user_status::Model> for Status {
    fn from(row: user_status::Model) -> Self {
        Self::shown(row.is_online, row.last_seen)
    }
}

/// How somebody stands; who was never here has no row yet.
pub(super) async fn status_of(db: &impl ConnectionTrait, user: UserId) -> Result<Status> {
    let row = user_status::Entity::find_by_id(user).one(db).await?;
    Ok(row.map(Status::from).unwrap_or_default())
}

impl Store {
    /// Notes that this process serves, after settling what dead ones left
    /// behind: nobody is online through a process that isn't there, and was
    /// last seen when that was last known to be alive, or when they went the
    /// time before, where that was later.
    pub async fn join_as_node(&self, now: Millis) -> Result<NodeId> {
        let tx = self.begin().await?;
        settle(&tx).await?;
        let row = node::ActiveModel {
            started_at: Set(now),
            alive_at: Set(now),
            ..Default::default()
        };
        let id = row.insert(&tx).await?.id;
        tx.commit().await?;
        Ok(id)
    }

    /// Settles what processes left behind that are no more.
    pub async fn leave_nobody_online(&self) -> Result<()> {
        let tx = self.begin().await?;
        settle(&tx).await?;
        Ok(tx.commit().await?)
    }

    /// Notes that this process still serves.
    pub async fn node_alive(&self, id: NodeId, now: Millis) -> Result<()> {
        node::Entity::update_many()
            .col_expr(node::Column::AliveAt, now.into())
            .filter(node::Column::Id.eq(id))
            .exec(&self.writer)
            .await?;
        Ok(())
    }

    /// Notes that these people are here, by this process.
    pub async fn set_online(&self, node: NodeId, users: &[UserId]) -> Result<()> {
        let rows = users.iter().map(|user| user_status::ActiveModel {
            user_id: Set(*user),
            is_online: Set(true),
            node_id: Set(Some(node)),
            last_seen: Set(None),
        });
        let columns = [user_status::Column::IsOnline, user_status::Column::NodeId];
        let rows: Vec<_> = rows.collect();
        for rows in rows.chunks(AT_A_TIME) {
            user_status::Entity::insert_many(rows.to_vec())
                .on_conflict(
                    OnConflict::column(user_status::Column::UserId)
                        .update_columns(columns)
                        .to_owned(),
                )
                .exec_without_returning(&self.writer)
                .await?;
        }
        Ok(())
    }

    /// Notes that these people have gone, and when they were last here. Answers
    /// that as it is stored: it does not go back with a clock.
    pub async fn set_offline(&self, gone: &[(UserId, Millis)]) -> Result<Vec<(UserId, Millis)>> {
        let backend = self.backend();
        let mut stored = Vec::with_capacity(gone.len());
        for gone in gone.chunks(AT_A_TIME) {
            let sql = format!(
                "INSERT INTO user_status (user_id, is_online, node_id, last_seen) \
                 SELECT v.column1, FALSE, NULL, v.column2 FROM {} v WHERE TRUE \
                 ON CONFLICT (user_id) DO UPDATE SET is_online = FALSE, node_id = NULL, \
                 last_seen = CASE WHEN user_status.last_seen > excluded.last_seen \
                 THEN user_status.last_seen ELSE excluded.last_seen END \
                 RETURNING user_id, last_seen",
                sql::values(backend, gone.len(), 2)
            );
            let values = gone.iter();
            let values = values.flat_map(|(user, at)| [Value::from(*user), Value::from(*at)]);
            let statement = Statement::from_sql_and_values(backend, sql, values);
            for row in self.writer.query_all_raw(statement).await? {
                stored.push((row.try_get_by_index(0)?, row.try_get_by_index(1)?));
            }
        }
        Ok(stored)
    }

    /// How these people stand, less those who were never here.
    pub async fn statuses(&self, users: &[UserId]) -> Result<Vec<(UserId, Status)>> {
        let mut found = Vec::new();
        for users in users.chunks(AT_A_TIME) {
            let rows = user_status::Entity::find()
                .filter(user_status::Column::UserId.is_in(users.iter().copied()))
                .all(&self.reader)
                .await?;
            found.extend(rows.into_iter().map(|row| (row.user_id, row.into())));
        }
        Ok(found)
    }
}

async fn settle(tx: &impl ConnectionTrait) -> Result<()> {
    tx.execute_unprepared(
        "UPDATE user_status SET is_online = FALSE, node_id = NULL, last_seen = CASE \
         WHEN last_seen > (SELECT alive_at FROM node WHERE node.id = user_status.node_id) \
         THEN last_seen ELSE COALESCE( \
         (SELECT alive_at FROM node WHERE node.id = user_status.node_id), last_seen) END \
         WHERE is_online",
    )
    .await?;
    node::Entity::delete_many().exec(tx).await?;
    Ok(())
}
