//! The version that a reaction took: former members see those that were there
//! when they left.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::ConnectionTrait;

use crate::columns::big;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Until now nothing said which version a reaction took. The last change of
/// its message is not before it.
const FILL: &str = "UPDATE reaction SET version = (SELECT m.version FROM message m \
     WHERE m.id = reaction.message_id)";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        let mut column = big("version");
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
