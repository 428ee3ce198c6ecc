//! When the names of each user changed last, as a number that rises.

use sea_orm_migration::prelude::*;

use crate::columns::index;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        let mut version = ColumnDef::new("people_version");
        version.big_integer().not_null().default(0);
        let add = Table::alter().table("user").add_column(version).to_owned();
        schema.alter_table(add).await?;
        // What is sent to sessions, and what a resume reads.
        schema
            .create_index(index("user", &["people_version"]))
            .await
    }
}
