//! The title of a group when a member left, which is the title that the former
//! member sees.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::ConnectionTrait;

use crate::columns::nullable_text;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Until this migration, the title wasn't recorded. Former members saw the
/// current title until now.
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
            .add_column(nullable_text("left_title"))
            .to_owned();
        schema.alter_table(add).await?;
        schema.get_connection().execute_unprepared(FILL).await?;
        Ok(())
    }
}
