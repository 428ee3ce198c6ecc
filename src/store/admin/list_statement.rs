//! The SQL of lists in pages.

use sea_orm::{DbBackend, Statement, Value};

use super::AdminListCursor;
use crate::store::db::limit_value;
use crate::store::search_terms::{
    SearchTerms, WordPosition, WordTable, prefix_conditions, prefix_end,
};

/// The query of a list, without its limit.
pub(super) struct ListStatement {
    /// Queries whose rows are combined by `UNION ALL`.
    parts: Vec<String>,
    order: String,
    values: Vec<Value>,
}

impl ListStatement {
    pub(super) fn new(
        select: impl Into<String>,
        order: impl Into<String>,
        values: Vec<Value>,
    ) -> Self {
        Self::union_all([select.into()], order, values)
    }

    pub(super) fn union_all(
        parts: impl Into<Vec<String>>,
        order: impl Into<String>,
        values: Vec<Value>,
    ) -> Self {
        Self {
            parts: parts.into(),
            order: order.into(),
            values,
        }
    }

    /// Returns a query for rows whose words begin with all prefixes, in the
    /// order of the word that matches the longest one. Of several such words of
    /// a row, only the first counts. `tables` joins the row of a word `w`.
    pub(super) fn search(
        columns: &str,
        tables: &str,
        words: &WordTable,
        wanted: &SearchTerms,
        after: Option<&AdminListCursor>,
    ) -> Self {
        let (first, others) = wanted.split_longest();
        let (key, id) = wanted.page_start(after.map(|at| WordPosition {
            word: &at.key,
            id: at.id,
        }));
        let mut values = vec![
            first.into(),
            prefix_end(first).into(),
            key.into(),
            id.into(),
        ];
        let fitting = prefix_conditions(words, others, &mut values);
        let WordTable { table, owner, .. } = words;
        let select = format!(
            "SELECT {columns}, w.word AS key FROM {table} w {tables} \
             WHERE (w.word, w.{owner}) > ($3, $4) AND w.word < $2 \
             AND NOT EXISTS (SELECT 1 FROM {table} f WHERE f.{owner} = w.{owner} \
             AND f.word >= $1 AND f.word < w.word){fitting}"
        );
        Self::new(select, format!("w.word, w.{owner}"), values)
    }

    /// Adds a limit to the rows. On PostgreSQL each part of a `UNION ALL` has an
    /// order and a limit of its own. Without them PostgreSQL doesn't use the
    /// index for that part.
    pub(super) fn with_limit(mut self, backend: DbBackend, limit: u64) -> Statement {
        self.values.push(limit_value(limit));
        let end = format!("ORDER BY {} LIMIT ${}", self.order, self.values.len());
        if backend != DbBackend::Sqlite && self.parts.len() > 1 {
            for part in &mut self.parts {
                *part = format!("({part} {end})");
            }
        }
        let sql = format!("{} {end}", self.parts.join(" UNION ALL "));
        Statement::from_sql_and_values(backend, sql, self.values)
    }
}
