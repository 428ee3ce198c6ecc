//! Messages, what people make of them, and where their marks stand.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::columns::{
    belongs_to, big, big_or_none, choice, count, given_key, index, key, names, text, text_or_none,
    unique,
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
        .col(big("next"))
        .to_owned()
}

fn message(backend: DbBackend) -> TableCreateStatement {
    Table::create()
        .table("message")
        .col(given_key(backend))
        .col(big("conversation_id"))
        .col(big("seq"))
        .col(big("ord"))
        .col(big("version"))
        .col(big("posted_version"))
        .col(big("sender_id"))
        .col(text_or_none("client_id"))
        .col(choice("kind"))
        .col(text("text"))
        .col(text_or_none("event"))
        .col(big_or_none("reply_to"))
        .col(count("audience"))
        .col(big("created_at"))
        .col(big_or_none("edited_at"))
        .col(big_or_none("deleted_at"))
        .foreign_key(&mut belongs_to("conversation_id", "conversation"))
        .foreign_key(&mut names("sender_id", "user"))
        .foreign_key(&mut names("reply_to", "message"))
        .to_owned()
}

fn message_indexes() -> [IndexCreateStatement; 5] {
    [
        unique("message", &["conversation_id", "seq"]),
        // `client_id` first: clients count theirs up in time (UUIDv7), which
        // keeps inserts at one end of the index.
        unique("message", &["client_id", "sender_id"]),
        index("message", &["conversation_id", "version"]),
        // What unread counts leave out.
        index("message", &["conversation_id", "ord"])
            .cond_where(Expr::col("deleted_at").is_not_null())
            .to_owned(),
        // What a withdrawal has to change beside the message itself.
        index("message", &["reply_to"])
            .cond_where(Expr::col("reply_to").is_not_null())
            .to_owned(),
    ]
}

fn receipt() -> TableCreateStatement {
    Table::create()
        .table("receipt")
        .col(key())
        .col(big("conversation_id"))
        .col(big_or_none("user_id"))
        .col(choice("kind"))
        .col(big("up_to_seq"))
        .col(big("at"))
        .foreign_key(&mut belongs_to("conversation_id", "conversation"))
        .foreign_key(&mut names("user_id", "user"))
        .to_owned()
}

fn reaction() -> TableCreateStatement {
    Table::create()
        .table("reaction")
        .col(big("message_id"))
        .col(text("emoji"))
        .col(big("user_id"))
        .col(big("created_at"))
        .primary_key(
            Index::create()
                .col("message_id")
                .col("emoji")
                .col("user_id"),
        )
        .foreign_key(&mut belongs_to("message_id", "message"))
        .foreign_key(&mut names("user_id", "user"))
        .to_owned()
}
