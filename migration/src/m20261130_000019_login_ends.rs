//! Indexes for counting the live logins of an account, and for finding rows
//! that ended long ago.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::ConnectionTrait;

use crate::columns::index;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Partial indexes, which the query builder can't express. Live logins are few
/// among all.
const PARTIAL_INDEXES: [&str; 3] = [
    "CREATE INDEX login_open ON login (user_id, expires_at) WHERE ended_at IS NULL",
    "CREATE INDEX login_expired ON login (expires_at) WHERE ended_at IS NULL",
    "CREATE INDEX invite_used_up ON invite (created_at) WHERE uses_left <= 0",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        let by_user = Index::drop()
            .name("login_user_id")
            .table("login")
            .to_owned();
        schema.drop_index(by_user).await?;
        schema
            .create_index(index("login", &["user_id", "id"]))
            .await?;
        schema
            .create_index(index("invite", &["expires_at"]))
            .await?;
        for statement in PARTIAL_INDEXES {
            schema
                .get_connection()
                .execute_unprepared(statement)
                .await?;
        }
        Ok(())
    }
}
