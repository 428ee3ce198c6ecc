//! A hostile day: what the server stands on fails. What each fault looks like
//! from outside is in `docs/reliability.md`.

mod busy;
mod clock;
mod commits;
mod disk;
mod postgres;

use std::sync::mpsc;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use tidings::config::Settings;

use crate::support::{Proxy, TestApp};

/// A server that has its database by a way that can be cut; none on SQLite,
/// to which there is no way.
async fn behind_a_proxy(change: impl Fn(&mut Settings) + 'static) -> Option<(TestApp, Proxy)> {
    let (tell, told) = mpsc::channel();
    let app = TestApp::builder().settings(move |settings| {
        change(settings);
        tell.send(Proxy::before(&mut settings.database_url))
            .unwrap();
    });
    let app = app.spawn().await;
    let proxy = told.recv().unwrap()?;
    Some((app, proxy))
}

/// A number that a database past the server answers.
async fn number(database: &DatabaseConnection, sql: &str) -> i64 {
    let row = database.query_one_raw(Statement::from_string(DbBackend::Postgres, sql));
    row.await.unwrap().unwrap().try_get_by_index(0).unwrap()
}
