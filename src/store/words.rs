//! The words by which people and groups are found, and what is asked by them.

use std::collections::BTreeSet;

use entity::{ConversationId, conversation_word};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Value};

use super::Result;
use crate::protocol::text::search_key;

/// More words than these narrow nothing down.
const WORDS_MAX: usize = 8;

/// What stands between spaces, as people write it, and its parts: *Anna-Maria*
/// is found by either half, and by the whole. In the form that searches compare.
pub(super) fn words(text: &str) -> BTreeSet<String> {
    let text = search_key(text);
    let whole = text.split_whitespace();
    let parts = text.split(|sign: char| !sign.is_alphanumeric());
    whole
        .chain(parts)
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// What is asked for: the beginnings of words, all of which have to be there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The longest first: it fits the fewest.
    beginnings: Vec<String>,
}

impl Wanted {
    /// The words that a user typed; an `@` before them is ignored.
    #[must_use]
    pub fn of(typed: &str) -> Self {
        let typed = search_key(&typed.replace('\0', ""));
        let typed = typed.trim().trim_start_matches('@');
        let mut beginnings: Vec<String> = typed.split_whitespace().map(str::to_owned).collect();
        beginnings.sort_by_key(|word| std::cmp::Reverse(word.chars().count()));
        beginnings.dedup();
        beginnings.truncate(WORDS_MAX);
        Self { beginnings }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.beginnings.is_empty()
    }

    /// The one to look for, and the others, which narrow that down.
    pub(super) fn split(&self) -> (&str, &[String]) {
        match self.beginnings.split_first() {
            Some((first, others)) => (first, others),
            None => ("", &[]),
        }
    }

    pub(super) fn all(&self) -> &[String] {
        &self.beginnings
    }
}

/// Conditions that words with these beginnings are there. `theirs` is the
/// table of words, and the condition by which its rows `f` are of that row.
pub(super) fn conditions(
    (table, theirs): (&str, &str),
    beginnings: &[String],
    values: &mut Vec<Value>,
) -> String {
    let mut sql = String::new();
    for beginning in beginnings {
        values.push(beginning.clone().into());
        values.push(end_of(beginning).into());
        let (from, until) = (values.len() - 1, values.len());
        sql += &format!(
            " AND EXISTS (SELECT 1 FROM {table} f WHERE {theirs} \
             AND f.word >= ${from} AND f.word < ${until})"
        );
    }
    sql
}

/// Words are ordered by their bytes, and no sign comes after this one.
pub(super) fn end_of(beginning: &str) -> String {
    format!("{beginning}\u{10FFFF}")
}

/// Notes the words of a group's title, in place of those it had, as part of a
/// larger change that holds its row.
pub(super) async fn replace(
    tx: &impl ConnectionTrait,
    id: ConversationId,
    title: &str,
) -> Result<()> {
    conversation_word::Entity::delete_many()
        .filter(conversation_word::Column::ConversationId.eq(id))
        .exec(tx)
        .await?;
    let rows = words(title)
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
    fn words_are_what_stands_between_spaces_and_its_parts() {
        let listed = |text| Vec::from_iter(words(text)).join(" ");
        assert_eq!(listed("Ann"), "ann");
        assert_eq!(
            listed("Anna-Maria d'Été"),
            "anna anna-maria d d'été maria été"
        );
        assert_eq!(listed("ЖАННА  (Ops)"), "(ops) ops жанна");
        assert_eq!(listed("🦀"), "🦀");
    }

    #[test]
    fn the_longest_word_is_looked_for() {
        let wanted = Wanted::of("  Éva ÉVA\0 Lindholt x ");
        assert_eq!(
            wanted.split(),
            ("lindholt", &["éva".to_owned(), "x".to_owned()][..])
        );
        assert!(Wanted::of(" \0 ").is_empty());
        assert_eq!(Wanted::of("").split(), ("", &[][..]));
    }
}
