//! Rebuilds the search terms of users and titles in the folded form that
//! searches compare.

use std::collections::BTreeSet;

use icu_casemap::CaseMapper;
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, Statement};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        for table in [USERS, TITLES] {
            rebuild(schema, &table).await?;
        }
        Ok(())
    }
}

/// The number of rows that are read at a time.
const BATCH_SIZE: i64 = 500;

/// A table of search terms and its owners. `select` reads id, text and, for
/// users, a key that is one more word.
struct WordTable {
    name: &'static str,
    owner: &'static str,
    select: &'static str,
}

const USERS: WordTable = WordTable {
    name: "user_word",
    owner: "user_id",
    select: "SELECT id, display_name, username_key FROM \"user\" WHERE id > $1 \
             ORDER BY id LIMIT $2",
};

const TITLES: WordTable = WordTable {
    name: "conversation_word",
    owner: "conversation_id",
    select: "SELECT id, title, '' FROM conversation WHERE id > $1 AND title IS NOT NULL \
             ORDER BY id LIMIT $2",
};

async fn rebuild(schema: &SchemaManager<'_>, table: &WordTable) -> Result<(), DbErr> {
    let db = schema.get_connection();
    let backend = db.get_database_backend();
    db.execute_unprepared(&format!("DELETE FROM {}", table.name))
        .await?;
    let mut last = 0_i64;
    loop {
        let page = [last.into(), BATCH_SIZE.into()];
        let owners = db
            .query_all_raw(Statement::from_sql_and_values(backend, table.select, page))
            .await?;
        if owners.is_empty() {
            return Ok(());
        }
        for owner in owners {
            last = owner.try_get_by_index(0)?;
            let (text, key): (String, String) =
                (owner.try_get_by_index(1)?, owner.try_get_by_index(2)?);
            let words = words(&text, key);
            if words.is_empty() {
                continue;
            }
            // One insert per owner: a title may have a word for every two
            // letters.
            let mut insert = Query::insert();
            insert.into_table(table.name).columns(["word", table.owner]);
            for word in words {
                insert.values_panic([word.into(), last.into()]);
            }
            db.execute(&insert).await?;
        }
    }
}

/// A copy of the store's function at the time of this migration, because a
/// migration never changes.
fn words(text: &str, key: String) -> BTreeSet<String> {
    let text = search_key(text);
    let whole = text.split_whitespace();
    let parts = text.split(|sign: char| !sign.is_alphanumeric());
    whole
        .chain(parts)
        .map(str::to_owned)
        .chain([key])
        .filter(|word| !word.is_empty())
        .collect()
}

fn search_key(text: &str) -> String {
    let nfkc = ComposingNormalizerBorrowed::new_nfkc();
    let fold = |text: &str| CaseMapper::new().fold_string(text).into_owned();
    let text: String = text.chars().map(plain_quote).collect();
    let text = DecomposingNormalizerBorrowed::new_nfd()
        .normalize(&text)
        .into_owned();
    let folded = fold(&nfkc.normalize(&fold(&text)));
    let mut key = String::with_capacity(folded.len());
    for sign in nfkc.normalize(&folded).chars().map(plain_quote) {
        let is_dot_of_i = sign == '\u{307}' && key.ends_with('i');
        let is_ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(sign);
        if !is_dot_of_i && !is_ignorable {
            key.push(sign);
        }
    }
    key
}

fn plain_quote(sign: char) -> char {
    match sign {
        '\u{2018}'..='\u{201B}' | '\u{2032}' | '\u{2B9}' | '\u{2BC}' | '`' | '\u{B4}' => '\'',
        '\u{201C}'..='\u{201F}' | '\u{2033}' | '«' | '»' => '"',
        sign => sign,
    }
}
