//! The title of a group when a former member left: they see that one.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::ConnectionTrait;

use crate::columns::text_or_none;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Until now nothing said what it was: the present one is what they saw.
const FILL: &str = "UPDATE participant SET left_title = (SELECT c.title FROM conversation c \
     WHERE c.id = participant.conversation_id) WHERE left_seq IS NOT NULL";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        let add = Table::alter()
            .table("participant")
            .add_column(text_or_none("left_title"))
            .to_owned();
        schema.alter_table(add).await?;
        schema.get_connection().execute_unprepared(FILL).await?;
        Ok(())
    }
}
