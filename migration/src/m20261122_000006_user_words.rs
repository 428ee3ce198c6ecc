//! The words by which people are found.

use std::collections::BTreeSet;

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::columns::{belongs_to, big, index, text};

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
        // A person's own words: to replace them, and to tell which of several
        // that fit comes first.
        schema
            .create_index(index("user_word", &["user_id", "word"]))
            .await?;
        fill(schema).await
    }
}

fn user_word(backend: DbBackend) -> TableCreateStatement {
    let mut word = text("word");
    if backend == DbBackend::Postgres {
        // A prefix is a range of the index only in the order of bytes, which
        // is what SQLite has anyway.
        word.extra("COLLATE \"C\"");
    }
    Table::create()
        .table("user_word")
        .col(word)
        .col(big("user_id"))
        .primary_key(Index::create().col("word").col("user_id"))
        .foreign_key(&mut belongs_to("user_id", "user"))
        .to_owned()
}

/// How many people are read at a time.
const AT_A_TIME: i64 = 500;

/// Gives those who have an account already their words.
async fn fill(schema: &SchemaManager<'_>) -> Result<(), DbErr> {
    let db = schema.get_connection();
    let mut last = 0_i64;
    loop {
        let people = db
            .query_all_raw(Statement::from_sql_and_values(
                db.get_database_backend(),
                "SELECT id, username_key, display_name FROM \"user\" WHERE id > $1 \
                 ORDER BY id LIMIT $2",
                [last.into(), AT_A_TIME.into()],
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

/// As the store had it when this step was written: a step never changes, so
/// it can't use what the store may have now.
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
