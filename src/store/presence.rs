//! Who is here, as it outlives a process.

use entity::{Millis, NodeId, UserId, node, user_status};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter,
    sea_query::OnConflict,
};

use super::{Result, Store};

impl Store {
    /// Notes that this process serves, after settling what dead ones left
    /// behind: nobody is online through a process that isn't there, and was
    /// last seen when that was last known to be alive.
    pub async fn join_as_node(&self, now: Millis) -> Result<NodeId> {
        let tx = self.begin().await?;
        tx.execute_unprepared(
            "UPDATE user_status SET is_online = FALSE, node_id = NULL, last_seen = COALESCE( \
             (SELECT alive_at FROM node WHERE node.id = user_status.node_id), last_seen) \
             WHERE is_online",
        )
        .await?;
        node::Entity::delete_many().exec(&tx).await?;
        let row = node::ActiveModel {
            started_at: Set(now),
            alive_at: Set(now),
            ..Default::default()
        };
        let id = row.insert(&tx).await?.id;
        tx.commit().await?;
        Ok(id)
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
        self.upsert(rows, &columns).await
    }

    /// Notes that these people have gone, and when they were last here.
    pub async fn set_offline(&self, gone: &[(UserId, Millis)]) -> Result<()> {
        let rows = gone.iter().map(|(user, at)| user_status::ActiveModel {
            user_id: Set(*user),
            is_online: Set(false),
            node_id: Set(None),
            last_seen: Set(Some(*at)),
        });
        let columns = [
            user_status::Column::IsOnline,
            user_status::Column::NodeId,
            user_status::Column::LastSeen,
        ];
        self.upsert(rows, &columns).await
    }

    async fn upsert(
        &self,
        rows: impl Iterator<Item = user_status::ActiveModel>,
        columns: &[user_status::Column],
    ) -> Result<()> {
        let rows: Vec<_> = rows.collect();
        // As many as their bind parameters allow, however many came or went.
        for rows in rows.chunks(500) {
            user_status::Entity::insert_many(rows.to_vec())
                .on_conflict(
                    OnConflict::column(user_status::Column::UserId)
                        .update_columns(columns.iter().copied())
                        .to_owned(),
                )
                .exec_without_returning(&self.writer)
                .await?;
        }
        Ok(())
    }
}
