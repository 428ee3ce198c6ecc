//! Failing disks, clocks, databases and threads. `docs/reliability.md`
//! describes how clients see each fault.

mod busy;
mod clock;
mod commits;
mod disk;
mod postgres;

use std::sync::mpsc;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use tidings::config::Settings;

use crate::support::{DatabaseProxy, TestApp};

/// Starts a server whose database connections pass through a proxy, which can
/// cut them. Returns `None` on SQLite, which has no connection to cut.
async fn behind_a_proxy(
    change: impl Fn(&mut Settings) + 'static,
) -> Option<(TestApp, DatabaseProxy)> {
    let (tell, told) = mpsc::channel();
    let app = TestApp::builder().settings(move |settings| {
        change(settings);
        tell.send(DatabaseProxy::in_front_of(&mut settings.database_url))
            .unwrap();
    });
    let app = app.spawn().await;
    let proxy = told.recv().unwrap()?;
    Some((app, proxy))
}

/// Runs a query on the database directly, without the server, and returns the
/// number in its first column.
async fn number(database: &DatabaseConnection, sql: &str) -> i64 {
    let row = database.query_one_raw(Statement::from_string(DbBackend::Postgres, sql));
    row.await.unwrap().unwrap().try_get_by_index(0).unwrap()
}
