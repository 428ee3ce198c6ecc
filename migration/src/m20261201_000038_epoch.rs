//! The epoch of a database's history; a restore begins a new one.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::columns::{bigint, text};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        let mut id = bigint("id");
        id.primary_key();
        let table = Table::create()
            .table("epoch")
            .col(id)
            .col(text("epoch"))
            .col(bigint("mark"))
            .to_owned();
        schema.create_table(table).await?;
        let random = match schema.get_database_backend() {
            DbBackend::Sqlite => "lower(hex(randomblob(16)))",
            _ => "replace(CAST(gen_random_uuid() AS TEXT), '-', '')",
        };
        let insert = format!("INSERT INTO epoch (id, epoch, mark) VALUES (1, {random}, 0)");
        let db = schema.get_connection();
        db.execute_unprepared(&insert).await?;
        Ok(())
    }
}
