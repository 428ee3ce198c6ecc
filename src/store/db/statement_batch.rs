//! A batch of statements that don't depend on each other's results.
//!
//! SQLite runs them in one call, because a switch to its thread and back costs
//! more than most statements. PostgreSQL runs statements with values one at a
//! time.

use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement, Value};

use crate::store::db::database::StoreTransaction;
use crate::store::db::error::{Result, StoreError};

/// Statements in order. On SQLite their values are bare `?`, numbered through
/// the whole batch.
pub(in crate::store) struct StatementBatch {
    backend: DbBackend,
    statements: Vec<(String, Vec<Value>)>,
}

impl StatementBatch {
    pub(in crate::store) fn new(db: &impl ConnectionTrait) -> Self {
        Self {
            backend: db.get_database_backend(),
            statements: Vec::new(),
        }
    }

    pub(in crate::store) fn backend(&self) -> DbBackend {
        self.backend
    }

    pub(in crate::store) fn add(&mut self, sql: String, values: impl IntoIterator<Item = Value>) {
        self.statements.push((sql, values.into_iter().collect()));
    }

    /// Adds a statement that SeaORM built.
    pub(in crate::store) fn add_statement(&mut self, statement: Statement) {
        let values = statement.values.map(|values| values.0).unwrap_or_default();
        self.statements.push((statement.sql, values));
    }

    /// Runs and clears the statements. Returns the rows of all, in order.
    pub(in crate::store) async fn run(
        &mut self,
        db: &impl ConnectionTrait,
    ) -> Result<Vec<QueryResult>> {
        if self.backend == DbBackend::Sqlite {
            return Ok(match self.join_statements() {
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

    /// Runs the statements and commits. On SQLite that is one call.
    pub(in crate::store) async fn commit(
        mut self,
        tx: StoreTransaction,
    ) -> Result<Vec<QueryResult>> {
        if self.backend == DbBackend::Sqlite
            && let Some(all) = self.join_statements()
        {
            let rows = tx.commit_after(all).await;
            return rows.map_err(StoreError::from_commit);
        }
        let rows = self.run(&tx).await?;
        tx.commit().await.map_err(StoreError::from_commit)?;
        Ok(rows)
    }

    /// Joins the statements into one; none if there are none.
    fn join_statements(&mut self) -> Option<Statement> {
        let statements = std::mem::take(&mut self.statements).into_iter();
        let (texts, values): (Vec<_>, Vec<_>) = statements.unzip();
        let (text, values) = (texts.join(";\n"), values.into_iter().flatten());
        let all = Statement::from_sql_and_values(self.backend, text, values);
        (!all.sql.is_empty()).then_some(all)
    }
}
