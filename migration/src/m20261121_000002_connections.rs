//! Connections and blocks.

use sea_orm_migration::prelude::*;

use crate::columns::{
    bigint, enum_column, generated_key, index, references_cascading, unique_index,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        schema.create_table(connection()).await?;
        // One row per pair, in either direction.
        schema
            .create_index(unique_index("connection", &["low_id", "high_id"]))
            .await?;
        schema
            .create_index(index("connection", &["high_id"]))
            .await?;
        schema.create_table(block()).await?;
        schema.create_index(index("block", &["blocked_id"])).await
    }
}

fn connection() -> TableCreateStatement {
    Table::create()
        .table("connection")
        .col(generated_key())
        .col(bigint("low_id"))
        .col(bigint("high_id"))
        .col(bigint("requested_by"))
        .col(enum_column("state"))
        .col(bigint("created_at"))
        .foreign_key(&mut references_cascading("low_id", "user"))
        .foreign_key(&mut references_cascading("high_id", "user"))
        .to_owned()
}

fn block() -> TableCreateStatement {
    Table::create()
        .table("block")
        .col(bigint("blocker_id"))
        .col(bigint("blocked_id"))
        .col(bigint("created_at"))
        .primary_key(Index::create().col("blocker_id").col("blocked_id"))
        .foreign_key(&mut references_cascading("blocker_id", "user"))
        .foreign_key(&mut references_cascading("blocked_id", "user"))
        .to_owned()
}
