//! What admins look through, and the links by which people choose a password.

use std::collections::BTreeSet;

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::columns::{belongs_to, big, big_or_none, index, text, text_or_none};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// What no builder has words for. Who is an admin, switched off or here are
/// few of many: an index of just those.
const PARTIAL: [&str; 3] = [
    r#"CREATE INDEX user_admins ON "user" (username_key) WHERE is_admin"#,
    r#"CREATE INDEX user_switched_off ON "user" (username_key) WHERE deactivated_at IS NOT NULL"#,
    "CREATE INDEX user_status_online ON user_status (user_id) WHERE is_online",
];

/// Lines that are there already get the names as they are now.
const NAMES: [&str; 2] = [
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
            // What stood there before, or how much of it.
            ("audit", text_or_none("detail")),
            // Who it was and to whom, as they were called then.
            ("audit", text_or_none("actor_name")),
            ("audit", text_or_none("target_name")),
            // Gone for good: nothing of the person is left in the row.
            ("user", big_or_none("deleted_at")),
        ] {
            let add = Table::alter().table(table).add_column(column).to_owned();
            schema.alter_table(add).await?;
        }
        schema.create_table(password_reset()).await?;
        // Lines are read in order of time, and of one moment in that of ids.
        let at = Index::drop().name("audit_at").table("audit").to_owned();
        schema.drop_index(at).await?;
        for index in [
            index("password_reset", &["user_id"]),
            index("password_reset", &["expires_at"]),
            // Those of who is deleted are void.
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
        for statement in PARTIAL.into_iter().chain(NAMES) {
            db.execute_unprepared(statement).await?;
        }
        let backend = schema.get_database_backend();
        for column in ["actor_name", "target_name"] {
            db.execute_unprepared(&by_name(backend, column)).await?;
        }
        schema.create_table(conversation_word(backend)).await?;
        schema
            .create_index(index("conversation_word", &["conversation_id", "word"]))
            .await?;
        fill(schema).await
    }
}

/// Names are found however they are written. They are ASCII: the order of
/// bytes has no other letters in lower case than we have.
fn by_name(backend: DbBackend, column: &str) -> String {
    let folded = match backend {
        DbBackend::Sqlite => format!("lower({column})"),
        _ => format!("lower({column} COLLATE \"C\")"),
    };
    format!("CREATE INDEX audit_{column} ON audit ({folded}, at, id)")
}

/// The words by which a group is found.
fn conversation_word(backend: DbBackend) -> TableCreateStatement {
    let mut word = text("word");
    if backend == DbBackend::Postgres {
        // A prefix is a range of the index only in the order of bytes, which
        // is what SQLite has anyway.
        word.extra("COLLATE \"C\"");
    }
    Table::create()
        .table("conversation_word")
        .col(word)
        .col(big("conversation_id"))
        .primary_key(Index::create().col("word").col("conversation_id"))
        .foreign_key(&mut belongs_to("conversation_id", "conversation"))
        .to_owned()
}

/// How many groups are read at a time.
const AT_A_TIME: i64 = 500;

/// Gives the groups that are there already their words.
async fn fill(schema: &SchemaManager<'_>) -> Result<(), DbErr> {
    let db = schema.get_connection();
    let mut last = 0_i64;
    loop {
        let groups = db
            .query_all_raw(Statement::from_sql_and_values(
                db.get_database_backend(),
                "SELECT id, title FROM conversation WHERE id > $1 AND title IS NOT NULL \
                 ORDER BY id LIMIT $2",
                [last.into(), AT_A_TIME.into()],
            ))
            .await?;
        if groups.is_empty() {
            return Ok(());
        }
        for group in groups {
            last = group.try_get_by_index(0)?;
            let title: String = group.try_get_by_index(1)?;
            // One by one: a title may have as many words as it has letters.
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

/// As the store had it when this step was written: a step never changes.
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
        .col(big("user_id"))
        .col(big("created_at"))
        .col(big("expires_at"))
        .foreign_key(&mut belongs_to("user_id", "user"))
        .to_owned()
}
