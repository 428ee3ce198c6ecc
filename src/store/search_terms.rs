//! Search terms of users and groups, and the SQL conditions for them.

use std::collections::BTreeSet;

use entity::{ConversationId, conversation_word};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Value};

use crate::protocol::text::search_key;
use crate::store::db::Result;

/// The maximum number of words of a query; further words would hardly reduce
/// its results.
const WORDS_MAX: usize = 8;

/// Returns the search terms of a text: the parts between spaces, and their
/// alphanumeric parts. *Anna-Maria* is found by either half and by the whole.
/// Terms are folded for comparison.
pub(super) fn split_words(text: &str) -> BTreeSet<String> {
    let text = search_key(text);
    let whole = text.split_whitespace();
    let parts = text.split(|sign: char| !sign.is_alphanumeric());
    whole
        .chain(parts)
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// A search query: prefixes of words, all of which must match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchTerms {
    /// The longest first: it matches the fewest words.
    prefixes: Vec<String>,
}

impl SearchTerms {
    /// Parses a user's input; a leading `@` is ignored.
    #[must_use]
    pub fn parse(typed: &str) -> Self {
        let typed = search_key(&typed.replace('\0', ""));
        let typed = typed.trim().trim_start_matches('@');
        let mut prefixes: Vec<String> = typed.split_whitespace().map(str::to_owned).collect();
        prefixes.sort_by_key(|word| std::cmp::Reverse(word.chars().count()));
        prefixes.dedup();
        prefixes.truncate(WORDS_MAX);
        Self { prefixes }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.prefixes.is_empty()
    }

    /// Returns the longest prefix, which the search seeks, and the others,
    /// which filter.
    pub(super) fn split_longest(&self) -> (&str, &[String]) {
        match self.prefixes.split_first() {
            Some((first, others)) => (first, others),
            None => ("", &[]),
        }
    }

    /// Returns the word and the id after which a page begins. A forged cursor
    /// that points before the longest prefix has no effect.
    pub(super) fn page_start(&self, after: Option<WordPosition<'_>>) -> (String, i64) {
        let (first, _) = self.split_longest();
        let after = after.filter(|at| at.word >= first);
        let (word, id) = after.map_or((first, 0), |at| (at.word, at.id));
        (word.to_owned(), id)
    }

    pub(super) fn all(&self) -> &[String] {
        &self.prefixes
    }
}

/// A position in a table of search terms: those before it are on earlier pages.
pub(super) struct WordPosition<'a> {
    pub(super) word: &'a str,
    /// The row that the word belongs to.
    pub(super) id: i64,
}

/// A table of the search terms of rows.
pub(super) struct WordTable {
    pub(super) table: &'static str,
    /// The column with the id of the row that a word belongs to.
    pub(super) owner: &'static str,
    /// The id of the searched row, as SQL.
    searched: &'static str,
}

impl WordTable {
    /// The words of users `u`.
    pub(super) const USERS: Self = Self {
        table: "user_word",
        owner: "user_id",
        searched: "u.id",
    };

    /// The words in the titles of conversations `c`.
    pub(super) const TITLES: Self = Self {
        table: "conversation_word",
        owner: "conversation_id",
        searched: "c.id",
    };
}

/// Returns SQL conditions that each of these prefixes matches a word of the
/// searched row.
pub(super) fn prefix_conditions(
    words: &WordTable,
    beginnings: &[String],
    values: &mut Vec<Value>,
) -> String {
    let WordTable {
        table,
        owner,
        searched,
    } = words;
    let mut sql = String::new();
    for beginning in beginnings {
        values.push(beginning.clone().into());
        values.push(prefix_end(beginning).into());
        let (from, until) = (values.len() - 1, values.len());
        sql += &format!(
            " AND EXISTS (SELECT 1 FROM {table} f WHERE f.{owner} = {searched} \
             AND f.word >= ${from} AND f.word < ${until})"
        );
    }
    sql
}

/// Returns the end of a prefix's range. Words are in byte order, and no
/// character comes after this one.
pub(super) fn prefix_end(beginning: &str) -> String {
    format!("{beginning}\u{10FFFF}")
}

/// Replaces the search terms of a group's title, in a transaction that has
/// locked its row.
pub(super) async fn replace_title_words(
    tx: &impl ConnectionTrait,
    id: ConversationId,
    title: &str,
) -> Result<()> {
    conversation_word::Entity::delete_many()
        .filter(conversation_word::Column::ConversationId.eq(id))
        .exec(tx)
        .await?;
    let rows = split_words(title)
        .into_iter()
        .map(|word| conversation_word::ActiveModel {
            word: Set(word),
            conversation_id: Set(id),
        });
    conversation_word::Entity::insert_many(rows)
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_wholes_and_parts() {
        let listed = |text| Vec::from_iter(split_words(text)).join(" ");
        assert_eq!(listed("Ann"), "ann");
        assert_eq!(
            listed("Anna-Maria d'Été"),
            "anna anna-maria d d'été maria été"
        );
        assert_eq!(listed("ЖАННА  (Ops)"), "(ops) ops жанна");
        assert_eq!(listed("🦀"), "🦀");
    }

    #[test]
    fn longest_word_is_searched() {
        let wanted = SearchTerms::parse("  Éva ÉVA\0 Lindholt x ");
        assert_eq!(
            wanted.split_longest(),
            ("lindholt", &["éva".to_owned(), "x".to_owned()][..])
        );
        assert!(SearchTerms::parse(" \0 ").is_empty());
        assert_eq!(SearchTerms::parse("").split_longest(), ("", &[][..]));
    }
}
