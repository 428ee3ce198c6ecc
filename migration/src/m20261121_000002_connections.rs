//! Who may message whom.

use sea_orm_migration::prelude::*;

use crate::columns::{belongs_to, big, choice, index, key, unique};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        schema.create_table(connection()).await?;
        // One row per pair, whoever asked first.
        schema
            .create_index(unique("connection", &["low_id", "high_id"]))
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
        .col(key())
        .col(big("low_id"))
        .col(big("high_id"))
        .col(big("requested_by"))
        .col(choice("state"))
        .col(big("created_at"))
        .foreign_key(&mut belongs_to("low_id", "user"))
        .foreign_key(&mut belongs_to("high_id", "user"))
        .to_owned()
}

fn block() -> TableCreateStatement {
    Table::create()
        .table("block")
        .col(big("blocker_id"))
        .col(big("blocked_id"))
        .col(big("created_at"))
        .primary_key(Index::create().col("blocker_id").col("blocked_id"))
        .foreign_key(&mut belongs_to("blocker_id", "user"))
        .foreign_key(&mut belongs_to("blocked_id", "user"))
        .to_owned()
}
