//! A batch of statements that don't depend on each other's results.
//!
//! SQLite runs them in one call, because a switch to its thread and back costs
//! more than most statements. PostgreSQL runs statements with values one at a
//! time.

use std::marker::PhantomData;

use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement, Value};
use serde::de::DeserializeOwned;

use crate::store::db::database::StoreTransaction;
use crate::store::db::error::{Result, StoreError};
use crate::store::db::json_rows::{self, JsonColumns};

/// Statements in order. On SQLite their values are bare `?`, numbered through
/// the whole batch.
pub(in crate::store) struct StatementBatch {
    backend: DbBackend,
    statements: Vec<(String, Vec<Value>)>,
    /// The number of queries so far, also of those that have run.
    queries: usize,
    answers: StatementAnswers,
}

/// A query of a batch, with which its rows are read from the answers.
#[derive(Debug)]
pub(in crate::store) struct QueuedQuery<T> {
    place: usize,
    row: PhantomData<fn() -> T>,
}

/// The answers of the queries that have run, in order. Each is one row, with
/// the query's rows as one JSON text. Other statements have no answer.
#[derive(Debug, Default)]
pub(in crate::store) struct StatementAnswers(Vec<QueryResult>);

impl StatementAnswers {
    /// Returns the rows of a query that has run.
    pub(in crate::store) fn rows<T: DeserializeOwned>(
        &self,
        query: &QueuedQuery<T>,
    ) -> Result<Vec<T>> {
        let missing = || DbErr::RecordNotFound("the query has not run".to_owned());
        json_rows::parse_row(self.0.get(query.place).ok_or_else(missing)?)
    }
}

impl StatementBatch {
    pub(in crate::store) fn new(db: &impl ConnectionTrait) -> Self {
        Self {
            backend: db.get_database_backend(),
            statements: Vec::new(),
            queries: 0,
            answers: StatementAnswers::default(),
        }
    }

    pub(in crate::store) fn backend(&self) -> DbBackend {
        self.backend
    }

    /// Adds a query. `rest` follows the columns in the `SELECT`.
    pub(in crate::store) fn query<C: JsonColumns>(
        &mut self,
        columns: &C,
        rest: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> QueuedQuery<C::Row> {
        let place = self.queries;
        self.queries += 1;
        self.execute(json_rows::sql(self.backend, &columns.list(), rest), values);
        QueuedQuery {
            place,
            row: PhantomData,
        }
    }

    /// Adds a statement without an answer.
    pub(in crate::store) fn execute(
        &mut self,
        sql: String,
        values: impl IntoIterator<Item = Value>,
    ) {
        self.statements.push((sql, values.into_iter().collect()));
    }

    /// Adds a statement without an answer that SeaORM built.
    pub(in crate::store) fn execute_built(&mut self, statement: Statement) {
        let values = statement.values.map(|values| values.0).unwrap_or_default();
        self.statements.push((statement.sql, values));
    }

    /// Returns the answers of the queries that have run.
    pub(in crate::store) fn answers(&self) -> &StatementAnswers {
        &self.answers
    }

    /// Runs and clears the statements, and keeps their answers.
    pub(in crate::store) async fn run(&mut self, db: &impl ConnectionTrait) -> Result<()> {
        let answers = &mut self.answers.0;
        if self.backend == DbBackend::Sqlite {
            if let Some(all) = join_statements(self.backend, &mut self.statements) {
                answers.append(&mut db.query_all_raw(all).await?);
            }
            return Ok(());
        }
        for (text, values) in std::mem::take(&mut self.statements) {
            let one = Statement::from_sql_and_values(self.backend, text, values);
            answers.append(&mut db.query_all_raw(one).await?);
        }
        Ok(())
    }

    /// Runs the statements and commits. On SQLite that is one call.
    pub(in crate::store) async fn commit(
        mut self,
        tx: StoreTransaction,
    ) -> Result<StatementAnswers> {
        if self.backend == DbBackend::Sqlite
            && let Some(all) = join_statements(self.backend, &mut self.statements)
        {
            let rows = tx.commit_after(all).await;
            let mut rows = rows.map_err(StoreError::from_commit)?;
            self.answers.0.append(&mut rows);
            return Ok(self.answers);
        }
        self.run(&tx).await?;
        tx.commit().await.map_err(StoreError::from_commit)?;
        Ok(self.answers)
    }
}

/// Takes the statements and joins them into one; none if there are none.
fn join_statements(
    backend: DbBackend,
    statements: &mut Vec<(String, Vec<Value>)>,
) -> Option<Statement> {
    let (texts, values): (Vec<_>, Vec<_>) = std::mem::take(statements).into_iter().unzip();
    let (text, values) = (texts.join(";\n"), values.into_iter().flatten());
    let all = Statement::from_sql_and_values(backend, text, values);
    (!all.sql.is_empty()).then_some(all)
}
