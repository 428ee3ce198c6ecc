//! The conversation's version in which a reaction was added. Former members see
//! the reactions from before they left.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::ConnectionTrait;

use crate::columns::bigint;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Until this migration, the version of a reaction wasn't recorded. The
/// message's last change is the reaction or a later change.
const FILL: &str = "UPDATE reaction SET version = (SELECT m.version FROM message m \
     WHERE m.id = reaction.message_id)";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        let mut column = bigint("version");
        column.default(0);
        let add = Table::alter()
            .table("reaction")
            .add_column(column)
            .to_owned();
        schema.alter_table(add).await?;
        schema.get_connection().execute_unprepared(FILL).await?;
        Ok(())
    }
}
