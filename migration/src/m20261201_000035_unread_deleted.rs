//! The number of deleted messages after a read marker. An unread count
//! subtracts it and reads no message.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::ConnectionTrait;

use crate::columns::bigint;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// A former member counts up to the last message of their membership.
const FILL: &str = "UPDATE participant SET unread_deleted = (SELECT COUNT(*) FROM message w \
     WHERE w.conversation_id = participant.conversation_id AND w.ord > participant.read_ord \
     AND w.deleted_at IS NOT NULL \
     AND (participant.left_seq IS NULL OR w.seq <= participant.left_seq))";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        let mut column = bigint("unread_deleted");
        column.default(0);
        let add = Table::alter()
            .table("participant")
            .add_column(column)
            .to_owned();
        schema.alter_table(add).await?;
        schema.get_connection().execute_unprepared(FILL).await?;
        Ok(())
    }
}
