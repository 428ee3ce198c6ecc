//! Notices about events of an account, stored in its row.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        let mut notices = ColumnDef::new("notices");
        notices.text().not_null().default("[]");
        let add = Table::alter().table("user").add_column(notices).to_owned();
        schema.alter_table(add).await
    }
}
