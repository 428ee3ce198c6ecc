//! Messages that users reported to the admins.

use sea_orm_migration::prelude::*;

use crate::columns::{
    bigint, generated_key, index, nullable_bigint, references_cascading, text, unique_index,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("report")
            .col(generated_key())
            .col(bigint("message_id"))
            .col(bigint("reporter_id"))
            .col(bigint("conversation_id"))
            .col(bigint("seq"))
            .col(bigint("sender_id"))
            .col(text("reason"))
            .col(text("text"))
            .col(bigint("created_at"))
            .col(nullable_bigint("done_at"))
            .foreign_key(&mut references_cascading("message_id", "message"))
            .foreign_key(&mut references_cascading("reporter_id", "user"))
            .to_owned();
        schema.create_table(table).await?;
        for index in [
            unique_index("report", &["message_id", "reporter_id"]),
            // The admins' lists of open and of resolved reports.
            Index::create()
                .name("report_open")
                .table("report")
                .col("id")
                .cond_where(Expr::col("done_at").is_null())
                .to_owned(),
            Index::create()
                .name("report_done")
                .table("report")
                .col("id")
                .cond_where(Expr::col("done_at").is_not_null())
                .to_owned(),
            // The server deletes reports after 90 days.
            index("report", &["created_at"]),
        ] {
            schema.create_index(index).await?;
        }
        Ok(())
    }
}
