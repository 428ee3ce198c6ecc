//! Conversations and who takes part in them.

use sea_orm_migration::prelude::*;

use crate::columns::{
    belongs_to, big, big_or_none, choice, count, flag, index, key, names, text_or_none, unique,
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
        // One direct conversation per pair, also when both ask at once.
        schema
            .create_index(unique("conversation", &["direct_key"]))
            .await?;
        schema.create_table(participant()).await?;
        schema
            .create_index(index("participant", &["user_id", "conversation_id"]))
            .await?;
        // What `resume` reads: marks and settings changed since a version.
        schema
            .create_index(index("participant", &["conversation_id", "version"]))
            .await
    }
}

fn conversation() -> TableCreateStatement {
    Table::create()
        .table("conversation")
        .col(key())
        .col(choice("kind"))
        .col(text_or_none("title"))
        .col(text_or_none("direct_key"))
        .col(flag("open"))
        .col(big("opened_by"))
        .col(big("last_seq"))
        .col(big("last_ord"))
        .col(big("version"))
        .col(big("members_version"))
        .col(count("participant_count"))
        .col(big("delivered_low"))
        .col(big("read_low"))
        .col(big_or_none("last_message_id"))
        .col(big_or_none("last_message_at"))
        .col(big("created_at"))
        .foreign_key(&mut names("opened_by", "user"))
        .to_owned()
}

fn participant() -> TableCreateStatement {
    Table::create()
        .table("participant")
        .col(big("conversation_id"))
        .col(big("user_id"))
        .col(choice("role"))
        .col(big("joined_seq"))
        .col(big("joined_at"))
        .col(big_or_none("left_seq"))
        .col(big_or_none("left_version"))
        .col(big("delivered_seq"))
        .col(big("read_seq"))
        .col(big("read_ord"))
        .col(big("version"))
        .col(big_or_none("muted_until"))
        .col(flag("archived"))
        .col(flag("pinned"))
        .primary_key(Index::create().col("conversation_id").col("user_id"))
        .foreign_key(&mut belongs_to("conversation_id", "conversation"))
        .foreign_key(&mut names("user_id", "user"))
        .to_owned()
}
