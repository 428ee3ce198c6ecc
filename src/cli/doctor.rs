//! `tidings doctor`.

use super::{CliError, backup, database_error};
use crate::config::{DatabaseUrl, Settings};
use crate::store::Store;
use crate::store::backup::wal_path;

/// Checks the database without changing it. Prints a line on stdout for each
/// problem, and fails with exit code 1 if there is any.
pub(super) async fn examine(settings: &Settings) -> Result<(), CliError> {
    let url = &settings.database_url;
    let was_idle = match url {
        DatabaseUrl::Sqlite(path) if !path.exists() => return Err(backup::missing_database(path)),
        url => is_idle(url),
    };
    let store = Store::open_read_only(url)
        .await
        .map_err(database_error(url))?;
    let examined = store.maintenance().run_doctor().await;
    store.close().await;
    let found = examined.map_err(database_error(url))?;
    if was_idle && !is_idle(url) {
        // An idle file is read without locks. If a writer has opened it
        // meanwhile, the reads may be of different moments.
        return Err(CliError::new(format_args!(
            "another process began to use {url} during the check: run doctor again"
        )));
    }
    for finding in &found {
        println!("{}: {}", finding.about, finding.line);
    }
    if found.is_empty() {
        println!("No problems found.");
        return Ok(());
    }
    Err(CliError::new(format_args!("{url} has problems: see above")))
}

/// Returns whether no process has the SQLite database open.
fn is_idle(url: &DatabaseUrl) -> bool {
    match url {
        DatabaseUrl::Sqlite(path) => !wal_path(path).exists(),
        DatabaseUrl::Postgres(_) => false,
    }
}
