//! Statements that need nothing of each other's answers.
//!
//! SQLite gets them in one go: a trip to its thread and back costs more than
//! most of them do. PostgreSQL takes one at a time where there are values.

use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement, Value};

use crate::store::Result;

/// Statements, in order. On SQLite their values are bare `?`, which are
/// counted through all of them.
pub(super) struct Script {
    backend: DbBackend,
    statements: Vec<(String, Vec<Value>)>,
}

impl Script {
    pub(super) fn on(db: &impl ConnectionTrait) -> Self {
        Self {
            backend: db.get_database_backend(),
            statements: Vec::new(),
        }
    }

    pub(super) fn backend(&self) -> DbBackend {
        self.backend
    }

    pub(super) fn add(&mut self, sql: String, values: impl IntoIterator<Item = Value>) {
        self.statements.push((sql, values.into_iter().collect()));
    }

    /// One that SeaORM has built.
    pub(super) fn add_built(&mut self, statement: Statement) {
        let values = statement.values.map(|values| values.0).unwrap_or_default();
        self.statements.push((statement.sql, values));
    }

    /// Runs them, and begins anew: the rows of all, in order.
    pub(super) async fn run(&mut self, db: &impl ConnectionTrait) -> Result<Vec<QueryResult>> {
        let statements = std::mem::take(&mut self.statements);
        if self.backend == DbBackend::Sqlite {
            let (texts, values): (Vec<_>, Vec<_>) = statements.into_iter().unzip();
            if texts.is_empty() {
                return Ok(Vec::new());
            }
            let (text, values) = (texts.join(";\n"), values.into_iter().flatten());
            let all = Statement::from_sql_and_values(self.backend, text, values);
            return Ok(db.query_all_raw(all).await?);
        }
        let mut rows = Vec::new();
        for (text, values) in statements {
            let one = Statement::from_sql_and_values(self.backend, text, values);
            rows.append(&mut db.query_all_raw(one).await?);
        }
        Ok(rows)
    }
}
