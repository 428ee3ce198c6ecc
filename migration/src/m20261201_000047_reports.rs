//! Messages that users reported to the admins.

use sea_orm_migration::prelude::*;

use crate::columns::{belongs_to, big, big_or_none, index, key, text, unique};

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
            .col(key())
            .col(big("message_id"))
            .col(big("reporter_id"))
            .col(big("conversation_id"))
            .col(big("seq"))
            .col(big("sender_id"))
            .col(text("reason"))
            .col(text("text"))
            .col(big("created_at"))
            .col(big_or_none("done_at"))
            .foreign_key(&mut belongs_to("message_id", "message"))
            .foreign_key(&mut belongs_to("reporter_id", "user"))
            .to_owned();
        schema.create_table(table).await?;
        for index in [
            unique("report", &["message_id", "reporter_id"]),
            // The two lists of admins.
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
            // The server deletes reports in time.
            index("report", &["created_at"]),
        ] {
            schema.create_index(index).await?;
        }
        Ok(())
    }
}
