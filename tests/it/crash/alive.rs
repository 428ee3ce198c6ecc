//! A process records regularly when it was last alive. After a kill, that time
//! is the last seen time of the users that were online.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use entity::node;
use sea_orm::{DatabaseConnection, EntityTrait};
use tidings::config::DatabaseUrl;
use tokio::process::{Child, Command};

use super::server::Server;
use crate::support::{TestApp, TestSite, TestUser, until};

/// Interval between records; the default of 30 s is too long for a test.
const EVERY: Duration = Duration::from_millis(200);

/// Environment variables with the child's folder and database.
const FOLDER: &str = "TIDINGS_TEST_OF_ALIVE";
const DATABASE: &str = "TIDINGS_TEST_OF_ALIVE_DATABASE";

/// The killed server is a child process of this test, since the binary has no
/// setting for the interval.
#[tokio::test]
async fn last_seen_survives_process_kill() {
    #[expect(
        clippy::disallowed_methods,
        reason = "marks the child process of this test"
    )]
    if let (Ok(folder), Ok(database)) = (std::env::var(FOLDER), std::env::var(DATABASE)) {
        return serve(Path::new(&folder), &database).await;
    }
    // This app only provides the database.
    let mut app = TestApp::spawn().await;
    app.stop().await;
    let database = app.database().url_text();
    let folder = tempfile::tempdir().unwrap();
    let (mut child, site) = start(folder.path(), &database).await;
    let ann = TestUser::register(&site, "ann").await;
    let ben = TestUser::register(&site, "ben").await;
    ann.connect_with(&ben).await;
    let _there = ben.socket("/ws/").await;
    let profile = "/api/users/ben/";
    until("ben to be online", async || {
        let seen = ann.get(profile).await.expect(200);
        (seen["is_online"] == true).then_some(())
    })
    .await;

    let connection = app.database().connection().await;
    let alive_at = until("two intervals", async || {
        let (started, alive) = node_of(&connection).await;
        let two = i64::try_from(2 * EVERY.as_millis()).unwrap();
        (alive >= started + two).then_some(alive)
    })
    .await;
    child.kill().await.unwrap();
    let (_, last) = node_of(&connection).await;
    assert!(last >= alive_at);
    connection.close().await.unwrap();

    let server = Server::start(folder.path(), &database).await;
    let ann = TestUser {
        site: TestSite::at(server.address()),
        ..ann
    };
    let seen = ann.get(profile).await.expect(200);
    assert_eq!(seen["is_online"], false);
    let at: jiff::Timestamp = seen["last_seen"].as_str().unwrap().parse().unwrap();
    assert_eq!(at.as_millisecond(), last);
}

/// Returns when the only node started and when it was last alive, in ms.
async fn node_of(connection: &DatabaseConnection) -> (i64, i64) {
    let node = node::Entity::find().one(connection).await.unwrap();
    let node = node.expect("one serves");
    (node.started_at.0, node.alive_at.0)
}

/// Starts the child process. Returns the process and the server's address.
async fn start(folder: &Path, database: &str) -> (Child, TestSite) {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .args(["--exact", "--include-ignored"])
        .arg("crash::alive::last_seen_survives_process_kill")
        .env_remove("TIDINGS_TEST_DATABASE")
        .env("TMPDIR", folder)
        .env(FOLDER, folder)
        .env(DATABASE, database)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let child = child.spawn().unwrap();
    let address = until("the child to serve", async || {
        let text = std::fs::read_to_string(place_of_address(folder)).ok()?;
        text.parse().ok()
    })
    .await;
    (child, TestSite::at(address))
}

fn place_of_address(folder: &Path) -> std::path::PathBuf {
    folder.join("address")
}

/// Serves until it is killed.
async fn serve(folder: &Path, database: &str) {
    let url = match database.strip_prefix("sqlite:") {
        Some(path) => DatabaseUrl::Sqlite(path.into()),
        None => DatabaseUrl::Postgres(database.to_owned()),
    };
    let data_dir = folder.to_owned();
    let app = TestApp::builder().settings(move |settings| {
        settings.data_dir = data_dir;
        settings.database_url = url;
        settings.timings.node_alive_every = EVERY;
    });
    let app = app.spawn().await;
    // The rename makes the file visible only once it is complete.
    let written = folder.join("written");
    std::fs::write(&written, app.site().address().to_string()).unwrap();
    std::fs::rename(&written, place_of_address(folder)).unwrap();
    until("the end", async || None::<()>).await;
}
