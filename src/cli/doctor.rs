//! `tidings doctor`.

use super::{Failure, copies, of_database};
use crate::config::{DatabaseUrl, Settings};
use crate::store::Store;
use crate::store::copies::log_of;

/// Looks whether all is well with the database, without touching it: a line on
/// stdout for each thing that isn't, and then exit code 1.
pub(super) async fn examine(settings: &Settings) -> Result<(), Failure> {
    let url = &settings.database_url;
    let was_idle = match url {
        DatabaseUrl::Sqlite(path) if !path.exists() => return Err(copies::no_database(path)),
        url => is_idle(url),
    };
    let store = Store::open_to_look(url).await.map_err(of_database(url))?;
    let examined = store.examine().await;
    store.close().await;
    let found = examined.map_err(of_database(url))?;
    if was_idle && !is_idle(url) {
        // What was read may be of several moments.
        return Err(Failure::new(format_args!(
            "somebody began to use {url} meanwhile: look again"
        )));
    }
    for finding in &found {
        println!("{}: {}", finding.about, finding.line);
    }
    if found.is_empty() {
        println!("All is well.");
        return Ok(());
    }
    Err(Failure::new(format_args!(
        "not all is well with {url}: see above"
    )))
}

/// Whether nobody has the embedded database in use.
fn is_idle(url: &DatabaseUrl) -> bool {
    match url {
        DatabaseUrl::Sqlite(path) => !log_of(path).exists(),
        DatabaseUrl::Postgres(_) => false,
    }
}
