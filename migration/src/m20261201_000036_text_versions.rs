//! The version in which the text of a message last changed. A reply quotes that
//! text, so its own row doesn't change when the original does.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::ConnectionTrait;

use crate::columns::bigint;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Until this migration, the version of a text change wasn't recorded. The
/// message's last change is the text change or a later one.
const FILL: &str = "UPDATE message SET text_version = version \
     WHERE (edited_at IS NOT NULL OR deleted_at IS NOT NULL) AND version > posted_version";

/// Indexes of the changed texts of a conversation, and of the replies to a
/// message in the order of the history.
const INDEXES: [&str; 3] = [
    "CREATE INDEX message_text_changed ON message (conversation_id, text_version) \
     WHERE text_version > 0",
    "DROP INDEX message_reply_to",
    "CREATE INDEX message_reply_to_seq ON message (reply_to, seq) WHERE reply_to IS NOT NULL",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        let mut column = bigint("text_version");
        column.default(0);
        let add = Table::alter()
            .table("message")
            .add_column(column)
            .to_owned();
        schema.alter_table(add).await?;
        let db = schema.get_connection();
        db.execute_unprepared(FILL).await?;
        for statement in INDEXES {
            db.execute_unprepared(statement).await?;
        }
        Ok(())
    }
}
