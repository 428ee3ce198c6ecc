//! Indexes for the admin pages, and the links for setting a new password.

use std::collections::BTreeSet;

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::columns::{bigint, index, nullable_bigint, nullable_text, references_cascading, text};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Partial indexes, which the query builder can't express. Admins, deactivated
/// and online users are few, so each index holds only those rows.
const PARTIAL_INDEXES: [&str; 3] = [
    r#"CREATE INDEX user_admins ON "user" (username_key) WHERE is_admin"#,
    r#"CREATE INDEX user_switched_off ON "user" (username_key) WHERE deactivated_at IS NOT NULL"#,
    "CREATE INDEX user_status_online ON user_status (user_id) WHERE is_online",
];

/// Sets the current usernames in existing audit entries.
const NAME_INDEXES: [&str; 2] = [
    r#"UPDATE audit SET actor_name = (SELECT u.username FROM "user" u WHERE u.id = audit.actor_id)"#,
    r#"UPDATE audit SET target_name = (SELECT u.username FROM "user" u
       WHERE u.id = CAST(substr(audit.target, 6) AS BIGINT)) WHERE target LIKE 'user:%'"#,
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in [
            // The previous value, or the extent of the action.
            ("audit", nullable_text("detail")),
            // The names of actor and target at the time of the action.
            ("audit", nullable_text("actor_name")),
            ("audit", nullable_text("target_name")),
            // Set when the account was deleted for good: the row then holds no
            // personal data.
            ("user", nullable_bigint("deleted_at")),
        ] {
            let add = Table::alter().table(table).add_column(column).to_owned();
            schema.alter_table(add).await?;
        }
        schema.create_table(password_reset()).await?;
        // The log is read in order of time, then of ids.
        let at = Index::drop().name("audit_at").table("audit").to_owned();
        schema.drop_index(at).await?;
        for index in [
            index("password_reset", &["user_id"]),
            index("password_reset", &["expires_at"]),
            // The deletion of a user voids their invitations.
            index("invite", &["created_by"]),
            index("audit", &["at", "id"]),
            index("audit", &["actor_id", "at", "id"]),
            index("audit", &["action", "at", "id"]),
            index("audit", &["target", "at", "id"]),
            index("user_status", &["last_seen", "user_id"]),
            index("conversation", &["participant_count", "id"]),
            index("conversation", &["last_message_at", "id"]),
        ] {
            schema.create_index(index).await?;
        }
        let db = schema.get_connection();
        for statement in PARTIAL_INDEXES.into_iter().chain(NAME_INDEXES) {
            db.execute_unprepared(statement).await?;
        }
        let backend = schema.get_database_backend();
        for column in ["actor_name", "target_name"] {
            db.execute_unprepared(&name_index(backend, column)).await?;
        }
        schema.create_table(conversation_word(backend)).await?;
        schema
            .create_index(index("conversation_word", &["conversation_id", "word"]))
            .await?;
        fill(schema).await
    }
}

/// Names match case-insensitively. They are ASCII, so lower case in byte order
/// is the same as the server's.
fn name_index(backend: DbBackend, column: &str) -> String {
    let folded = match backend {
        DbBackend::Sqlite => format!("lower({column})"),
        _ => format!("lower({column} COLLATE \"C\")"),
    };
    format!("CREATE INDEX audit_{column} ON audit ({folded}, at, id)")
}

/// Search terms of group titles.
fn conversation_word(backend: DbBackend) -> TableCreateStatement {
    let mut word = text("word");
    if backend == DbBackend::Postgres {
        // Only in byte order is a prefix a range of the index. SQLite uses byte
        // order by default.
        word.extra("COLLATE \"C\"");
    }
    Table::create()
        .table("conversation_word")
        .col(word)
        .col(bigint("conversation_id"))
        .primary_key(Index::create().col("word").col("conversation_id"))
        .foreign_key(&mut references_cascading("conversation_id", "conversation"))
        .to_owned()
}

/// The number of groups that are read at a time.
const BATCH_SIZE: i64 = 500;

/// Inserts the search terms of existing groups.
async fn fill(schema: &SchemaManager<'_>) -> Result<(), DbErr> {
    let db = schema.get_connection();
    let mut last = 0_i64;
    loop {
        let groups = db
            .query_all_raw(Statement::from_sql_and_values(
                db.get_database_backend(),
                "SELECT id, title FROM conversation WHERE id > $1 AND title IS NOT NULL \
                 ORDER BY id LIMIT $2",
                [last.into(), BATCH_SIZE.into()],
            ))
            .await?;
        if groups.is_empty() {
            return Ok(());
        }
        for group in groups {
            last = group.try_get_by_index(0)?;
            let title: String = group.try_get_by_index(1)?;
            // One insert per group: a title may have as many words as letters.
            let mut insert = Query::insert();
            insert
                .into_table("conversation_word")
                .columns(["word", "conversation_id"]);
            for word in words(&title) {
                insert.values_panic([word.into(), last.into()]);
            }
            db.execute(&insert).await?;
        }
    }
}

/// A copy of the store's function at the time of this migration, because a
/// migration never changes.
fn words(title: &str) -> BTreeSet<String> {
    let title = title.to_lowercase();
    let whole = title.split_whitespace();
    let parts = title.split(|sign: char| !sign.is_alphanumeric());
    whole
        .chain(parts)
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

fn password_reset() -> TableCreateStatement {
    let mut key = text("token_hash");
    key.primary_key();
    Table::create()
        .table("password_reset")
        .col(key)
        .col(bigint("user_id"))
        .col(bigint("created_at"))
        .col(bigint("expires_at"))
        .foreign_key(&mut references_cascading("user_id", "user"))
        .to_owned()
}
