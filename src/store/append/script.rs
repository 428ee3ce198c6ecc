//! Statements that need nothing of each other's answers.
//!
//! SQLite gets them in one go: a trip to its thread and back costs more than
//! most of them do. PostgreSQL takes one at a time where there are values.

use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement, Value};

use crate::store::database::Transaction;
use crate::store::{Result, StoreError};

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
        if self.backend == DbBackend::Sqlite {
            return Ok(match self.whole() {
                Some(all) => db.query_all_raw(all).await?,
                None => Vec::new(),
            });
        }
        let mut rows = Vec::new();
        for (text, values) in std::mem::take(&mut self.statements) {
            let one = Statement::from_sql_and_values(self.backend, text, values);
            rows.append(&mut db.query_all_raw(one).await?);
        }
        Ok(rows)
    }

    /// The same, and commits: on SQLite that goes along with them.
    pub(super) async fn commit(mut self, tx: Transaction) -> Result<Vec<QueryResult>> {
        if self.backend == DbBackend::Sqlite
            && let Some(all) = self.whole()
        {
            let rows = tx.commit_after(all).await;
            return rows.map_err(StoreError::of_commit);
        }
        let rows = self.run(&tx).await?;
        tx.commit().await.map_err(StoreError::of_commit)?;
        Ok(rows)
    }

    /// All in one, where there are any.
    fn whole(&mut self) -> Option<Statement> {
        let statements = std::mem::take(&mut self.statements).into_iter();
        let (texts, values): (Vec<_>, Vec<_>) = statements.unzip();
        let (text, values) = (texts.join(";\n"), values.into_iter().flatten());
        let all = Statement::from_sql_and_values(self.backend, text, values);
        (!all.sql.is_empty()).then_some(all)
    }
}
