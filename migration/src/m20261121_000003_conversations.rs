//! Conversations and their participants.

use sea_orm_migration::prelude::*;

use crate::columns::{
    bigint, enum_column, flag, generated_key, index, integer, nullable_bigint, nullable_text,
    references, references_cascading, unique_index,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        schema.create_table(conversation()).await?;
        // One direct conversation per pair, even if both users open it at once.
        schema
            .create_index(unique_index("conversation", &["direct_key"]))
            .await?;
        schema.create_table(participant()).await?;
        schema
            .create_index(index("participant", &["user_id", "conversation_id"]))
            .await?;
        // For `resume`, which reads markers and settings changed since a
        // version.
        schema
            .create_index(index("participant", &["conversation_id", "version"]))
            .await
    }
}

fn conversation() -> TableCreateStatement {
    Table::create()
        .table("conversation")
        .col(generated_key())
        .col(enum_column("kind"))
        .col(nullable_text("title"))
        .col(nullable_text("direct_key"))
        .col(flag("open"))
        .col(bigint("opened_by"))
        .col(bigint("last_seq"))
        .col(bigint("last_ord"))
        .col(bigint("version"))
        .col(bigint("members_version"))
        .col(integer("participant_count"))
        .col(bigint("delivered_low"))
        .col(bigint("read_low"))
        .col(nullable_bigint("last_message_id"))
        .col(nullable_bigint("last_message_at"))
        .col(bigint("created_at"))
        .foreign_key(&mut references("opened_by", "user"))
        .to_owned()
}

fn participant() -> TableCreateStatement {
    Table::create()
        .table("participant")
        .col(bigint("conversation_id"))
        .col(bigint("user_id"))
        .col(enum_column("role"))
        .col(bigint("joined_seq"))
        .col(bigint("joined_at"))
        .col(nullable_bigint("left_seq"))
        .col(nullable_bigint("left_version"))
        .col(bigint("delivered_seq"))
        .col(bigint("read_seq"))
        .col(bigint("read_ord"))
        .col(bigint("version"))
        .col(nullable_bigint("muted_until"))
        .col(flag("archived"))
        .col(flag("pinned"))
        .primary_key(Index::create().col("conversation_id").col("user_id"))
        .foreign_key(&mut references_cascading("conversation_id", "conversation"))
        .foreign_key(&mut references("user_id", "user"))
        .to_owned()
}
