//! Messages, reactions and receipts.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::columns::{
    assigned_key, bigint, enum_column, generated_key, index, integer, nullable_bigint,
    nullable_text, references, references_cascading, text, unique_index,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        schema.create_table(id_block()).await?;
        schema
            .create_table(message(schema.get_database_backend()))
            .await?;
        for index in message_indexes() {
            schema.create_index(index).await?;
        }
        schema.create_table(receipt()).await?;
        schema
            .create_index(index(
                "receipt",
                &["conversation_id", "kind", "user_id", "up_to_seq"],
            ))
            .await?;
        schema.create_table(reaction()).await
    }
}

fn id_block() -> TableCreateStatement {
    Table::create()
        .table("id_block")
        .col(text("name").primary_key())
        .col(bigint("next"))
        .to_owned()
}

fn message(backend: DbBackend) -> TableCreateStatement {
    Table::create()
        .table("message")
        .col(assigned_key(backend))
        .col(bigint("conversation_id"))
        .col(bigint("seq"))
        .col(bigint("ord"))
        .col(bigint("version"))
        .col(bigint("posted_version"))
        .col(bigint("sender_id"))
        .col(nullable_text("client_id"))
        .col(enum_column("kind"))
        .col(text("text"))
        .col(nullable_text("event"))
        .col(nullable_bigint("reply_to"))
        .col(integer("audience"))
        .col(bigint("created_at"))
        .col(nullable_bigint("edited_at"))
        .col(nullable_bigint("deleted_at"))
        .foreign_key(&mut references_cascading("conversation_id", "conversation"))
        .foreign_key(&mut references("sender_id", "user"))
        .foreign_key(&mut references("reply_to", "message"))
        .to_owned()
}

fn message_indexes() -> [IndexCreateStatement; 5] {
    [
        unique_index("message", &["conversation_id", "seq"]),
        // `client_id` first: clients generate UUIDv7 in order of time, which
        // keeps inserts at one end of the index.
        unique_index("message", &["client_id", "sender_id"]),
        index("message", &["conversation_id", "version"]),
        // Deleted messages, which unread counts exclude.
        index("message", &["conversation_id", "ord"])
            .cond_where(Expr::col("deleted_at").is_not_null())
            .to_owned(),
        // A deletion also changes the messages that quote the deleted one.
        index("message", &["reply_to"])
            .cond_where(Expr::col("reply_to").is_not_null())
            .to_owned(),
    ]
}

fn receipt() -> TableCreateStatement {
    Table::create()
        .table("receipt")
        .col(generated_key())
        .col(bigint("conversation_id"))
        .col(nullable_bigint("user_id"))
        .col(enum_column("kind"))
        .col(bigint("up_to_seq"))
        .col(bigint("at"))
        .foreign_key(&mut references_cascading("conversation_id", "conversation"))
        .foreign_key(&mut references("user_id", "user"))
        .to_owned()
}

fn reaction() -> TableCreateStatement {
    Table::create()
        .table("reaction")
        .col(bigint("message_id"))
        .col(text("emoji"))
        .col(bigint("user_id"))
        .col(bigint("created_at"))
        .primary_key(
            Index::create()
                .col("message_id")
                .col("emoji")
                .col("user_id"),
        )
        .foreign_key(&mut references_cascading("message_id", "message"))
        .foreign_key(&mut references("user_id", "user"))
        .to_owned()
}
