//! The number of groups that each user is in, stored beside the participant
//! rows.

use sea_orm_migration::prelude::*;

use crate::columns::{bigint, integer, references_cascading};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        let mut user = bigint("user_id");
        user.primary_key();
        let table = Table::create()
            .table("group_count")
            .col(user)
            .col(integer("groups"))
            .foreign_key(&mut references_cascading("user_id", "user"))
            .to_owned();
        schema.create_table(table).await?;
        schema
            .get_connection()
            .execute_unprepared(
                "INSERT INTO group_count (user_id, groups) \
                 SELECT p.user_id, COUNT(*) FROM participant p \
                 JOIN conversation c ON c.id = p.conversation_id \
                 WHERE c.kind = 1 AND p.left_seq IS NULL GROUP BY p.user_id",
            )
            .await?;
        Ok(())
    }
}
