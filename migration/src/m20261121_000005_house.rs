//! The audit log.

use sea_orm_migration::prelude::*;

use crate::columns::{
    bigint, generated_key, index, nullable_bigint, nullable_text, references, text,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        schema.create_table(audit()).await?;
        schema.create_index(index("audit", &["at"])).await
    }
}

fn audit() -> TableCreateStatement {
    Table::create()
        .table("audit")
        .col(generated_key())
        .col(bigint("at"))
        .col(nullable_bigint("actor_id"))
        .col(text("action"))
        .col(text("target"))
        .col(text("address"))
        .col(nullable_text("reason"))
        .foreign_key(&mut references("actor_id", "user"))
        .to_owned()
}
