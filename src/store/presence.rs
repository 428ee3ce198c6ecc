//! Presence, as far as it is stored.

mod audience;

use entity::{Millis, NodeId, UserId, node, user_status};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter,
    Statement, Value, sea_query::OnConflict,
};

use crate::store::db::{Db, ROWS_PER_STATEMENT, Result, sql};
pub use audience::PresenceAudience;
pub(super) use audience::share_conversation;

/// Whether a user is online. For an offline user, also the last-seen time, if
/// known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PresenceRecord {
    pub is_online: bool,
    pub last_seen: Option<Millis>,
}

impl PresenceRecord {
    /// The status of users who are online.
    pub const ONLINE: Self = Self {
        is_online: true,
        last_seen: None,
    };

    /// Returns the status of an offline user, last seen at this time.
    #[must_use]
    pub fn offline_since(seen: Millis) -> Self {
        Self {
            is_online: false,
            last_seen: Some(seen),
        }
    }

    /// Creates a status from columns. The row of an online user still has a
    /// last-seen time, which isn't shown.
    pub(super) fn from_columns(is_online: bool, last_seen: Option<Millis>) -> Self {
        Self {
            is_online,
            last_seen: last_seen.filter(|_| !is_online),
        }
    }
}

impl From<user_status::Model> for PresenceRecord {
    fn from(row: user_status::Model) -> Self {
        Self::from_columns(row.is_online, row.last_seen)
    }
}

/// Returns a user's status. A user who was never online has no row.
pub(super) async fn load_status(db: &impl ConnectionTrait, user: UserId) -> Result<PresenceRecord> {
    let row = user_status::Entity::find_by_id(user).one(db).await?;
    Ok(row.map(PresenceRecord::from).unwrap_or_default())
}

/// The stored presence of users, and the users who may see it.
#[derive(Clone, Copy)]
pub struct PresenceRepository<'a> {
    db: &'a Db,
}

impl<'a> PresenceRepository<'a> {
    /// Creates a repository on these connections.
    pub(in crate::store) fn new(db: &'a Db) -> Self {
        Self { db }
    }
}

impl PresenceRepository<'_> {
    /// Registers this process, after setting the users of dead processes
    /// offline. Their last-seen time becomes the `alive_at` of their process,
    /// unless the stored one is later.
    pub async fn register_node(self, now: Millis) -> Result<NodeId> {
        let tx = self.db.begin().await?;
        settle_dead_nodes(&tx).await?;
        let row = node::ActiveModel {
            started_at: Set(now),
            alive_at: Set(now),
            ..Default::default()
        };
        let id = row.insert(&tx).await?.id;
        tx.commit().await?;
        Ok(id)
    }

    /// Sets the users of dead processes offline.
    pub async fn settle_online_users(self) -> Result<()> {
        let tx = self.db.begin().await?;
        settle_dead_nodes(&tx).await?;
        Ok(tx.commit().await?)
    }

    /// Writes that this process is alive.
    pub async fn touch_node(self, id: NodeId, now: Millis) -> Result<()> {
        node::Entity::update_many()
            .col_expr(node::Column::AliveAt, now.into())
            .filter(node::Column::Id.eq(id))
            .exec(self.db.writer())
            .await?;
        Ok(())
    }

    /// Sets these users online in this process.
    pub async fn set_online(self, node: NodeId, users: &[UserId]) -> Result<()> {
        let rows = users.iter().map(|user| user_status::ActiveModel {
            user_id: Set(*user),
            is_online: Set(true),
            node_id: Set(Some(node)),
            last_seen: Set(None),
        });
        let columns = [user_status::Column::IsOnline, user_status::Column::NodeId];
        let rows: Vec<_> = rows.collect();
        for rows in rows.chunks(ROWS_PER_STATEMENT) {
            user_status::Entity::insert_many(rows.to_vec())
                .on_conflict(
                    OnConflict::column(user_status::Column::UserId)
                        .update_columns(columns)
                        .to_owned(),
                )
                .exec_without_returning(self.db.writer())
                .await?;
        }
        Ok(())
    }

    /// Sets these users offline with their last-seen times. Returns the stored
    /// times, which don't go back with the clock.
    pub async fn set_offline(self, gone: &[(UserId, Millis)]) -> Result<Vec<(UserId, Millis)>> {
        let backend = self.db.backend();
        let mut stored = Vec::with_capacity(gone.len());
        for gone in gone.chunks(ROWS_PER_STATEMENT) {
            let sql = format!(
                "INSERT INTO user_status (user_id, is_online, node_id, last_seen) \
                 SELECT v.column1, FALSE, NULL, v.column2 FROM {} v WHERE TRUE \
                 ON CONFLICT (user_id) DO UPDATE SET is_online = FALSE, node_id = NULL, \
                 last_seen = CASE WHEN user_status.last_seen > excluded.last_seen \
                 THEN user_status.last_seen ELSE excluded.last_seen END \
                 RETURNING user_id, last_seen",
                sql::values_list(backend, gone.len(), 2)
            );
            let values = gone.iter();
            let values = values.flat_map(|(user, at)| [Value::from(*user), Value::from(*at)]);
            let statement = Statement::from_sql_and_values(backend, sql, values);
            for row in self.db.writer().query_all_raw(statement).await? {
                stored.push((row.try_get_by("user_id")?, row.try_get_by("last_seen")?));
            }
        }
        Ok(stored)
    }

    /// Returns the statuses of these users, without users who were never
    /// online.
    pub async fn load_statuses(self, users: &[UserId]) -> Result<Vec<(UserId, PresenceRecord)>> {
        let mut found = Vec::new();
        for users in users.chunks(ROWS_PER_STATEMENT) {
            let rows = user_status::Entity::find()
                .filter(user_status::Column::UserId.is_in(users.iter().copied()))
                .all(self.db.reader())
                .await?;
            found.extend(rows.into_iter().map(|row| (row.user_id, row.into())));
        }
        Ok(found)
    }
}

async fn settle_dead_nodes(tx: &impl ConnectionTrait) -> Result<()> {
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
