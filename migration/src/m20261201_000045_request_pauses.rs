//! Periods in which connection requests of one user to another aren't
//! delivered.

use sea_orm_migration::prelude::*;

use crate::columns::{bigint, index, references_cascading};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("request_pause")
            .col(bigint("requester_id"))
            .col(bigint("recipient_id"))
            .col(bigint("until"))
            .primary_key(Index::create().col("requester_id").col("recipient_id"))
            .foreign_key(&mut references_cascading("requester_id", "user"))
            .foreign_key(&mut references_cascading("recipient_id", "user"))
            .to_owned();
        schema.create_table(table).await?;
        schema
            .create_index(index("request_pause", &["recipient_id"]))
            .await?;
        // The server deletes ended pauses.
        schema
            .create_index(index("request_pause", &["until"]))
            .await
    }
}
