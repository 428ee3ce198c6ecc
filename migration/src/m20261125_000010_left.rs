//! Indexes for changes that former members still see. Such a change raises the
//! version of their participant row, so the server looks for members who left
//! after the message. Changed messages are few in a history.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::ConnectionTrait;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// The query builder can't express partial indexes.
const INDEXES: [&str; 2] = [
    "CREATE INDEX participant_left ON participant (conversation_id, left_seq) \
     WHERE left_seq IS NOT NULL",
    "CREATE INDEX message_touched ON message (conversation_id, version) \
     WHERE version > posted_version",
];

/// Changes made before this migration, after a member had left.
const RAISE_VERSIONS: &str = "UPDATE participant SET version = (SELECT MAX(m.version) FROM message m \
     WHERE m.conversation_id = participant.conversation_id AND m.seq > participant.joined_seq \
     AND m.seq <= participant.left_seq) \
     WHERE left_seq IS NOT NULL AND version < (SELECT MAX(m.version) FROM message m \
     WHERE m.conversation_id = participant.conversation_id AND m.seq > participant.joined_seq \
     AND m.seq <= participant.left_seq)";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        let db = schema.get_connection();
        for statement in INDEXES {
            db.execute_unprepared(statement).await?;
        }
        db.execute_unprepared(RAISE_VERSIONS).await?;
        Ok(())
    }
}
