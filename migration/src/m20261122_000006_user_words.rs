//! Search terms of users.

use std::collections::BTreeSet;

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::columns::{bigint, index, references_cascading, text};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        schema
            .create_table(user_word(schema.get_database_backend()))
            .await?;
        // A user's own words: to replace them, and to find the first of several
        // that match.
        schema
            .create_index(index("user_word", &["user_id", "word"]))
            .await?;
        fill(schema).await
    }
}

fn user_word(backend: DbBackend) -> TableCreateStatement {
    let mut word = text("word");
    if backend == DbBackend::Postgres {
        // Only in byte order is a prefix a range of the index. SQLite uses byte
        // order by default.
        word.extra("COLLATE \"C\"");
    }
    Table::create()
        .table("user_word")
        .col(word)
        .col(bigint("user_id"))
        .primary_key(Index::create().col("word").col("user_id"))
        .foreign_key(&mut references_cascading("user_id", "user"))
        .to_owned()
}

/// The number of users that are read at a time.
const BATCH_SIZE: i64 = 500;

/// Inserts the search terms of existing accounts.
async fn fill(schema: &SchemaManager<'_>) -> Result<(), DbErr> {
    let db = schema.get_connection();
    let mut last = 0_i64;
    loop {
        let people = db
            .query_all_raw(Statement::from_sql_and_values(
                db.get_database_backend(),
                "SELECT id, username_key, display_name FROM \"user\" WHERE id > $1 \
                 ORDER BY id LIMIT $2",
                [last.into(), BATCH_SIZE.into()],
            ))
            .await?;
        if people.is_empty() {
            return Ok(());
        }
        let mut insert = Query::insert();
        insert.into_table("user_word").columns(["word", "user_id"]);
        for person in people {
            last = person.try_get_by_index(0)?;
            let (key, shown): (String, String) =
                (person.try_get_by_index(1)?, person.try_get_by_index(2)?);
            for word in words(&key, &shown) {
                insert.values_panic([word.into(), last.into()]);
            }
        }
        db.execute(&insert).await?;
    }
}

/// A copy of the store's function at the time of this migration. A migration
/// never changes, so it can't use the store's current function.
fn words(key: &str, shown: &str) -> BTreeSet<String> {
    let shown = shown.to_lowercase();
    let whole = shown.split_whitespace();
    let parts = shown.split(|sign: char| !sign.is_alphanumeric());
    whole
        .chain(parts)
        .chain([key])
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}
