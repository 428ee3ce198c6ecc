//! A user's connections by state, newest first. A page of them, and the count
//! of open requests, read no other rows.

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
        for side in ["low_id", "high_id"] {
            let columns = [side, "state", "id"];
            schema.create_index(index("connection", &columns)).await?;
        }
        let replaced = Index::drop()
            .name("connection_high_id")
            .table("connection")
            .to_owned();
        schema.drop_index(replaced).await
    }
}
