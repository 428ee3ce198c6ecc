//! What admins did.

use sea_orm_migration::prelude::*;

use crate::columns::{big, big_or_none, index, key, names, text, text_or_none};

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
        .col(key())
        .col(big("at"))
        .col(big_or_none("actor_id"))
        .col(text("action"))
        .col(text("target"))
        .col(text("address"))
        .col(text_or_none("reason"))
        .foreign_key(&mut names("actor_id", "user"))
        .to_owned()
}
