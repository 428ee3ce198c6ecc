//! A process says now and then that it is alive, so that it is known when
//! those were last seen whom it left online when it was killed.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use entity::node;
use sea_orm::{DatabaseConnection, EntityTrait};
use tidings::config::DatabaseUrl;
use tokio::process::{Child, Command};

use super::server::Server;
use crate::support::{Person, Site, TestApp, until};

/// In the half of a minute that is usual, no test has the patience to look.
const EVERY: Duration = Duration::from_millis(200);

/// Where the child finds its folder and database.
const FOLDER: &str = "TIDINGS_TEST_OF_ALIVE";
const DATABASE: &str = "TIDINGS_TEST_OF_ALIVE_DATABASE";

/// The server that is killed is a second process of this very test, since no
/// setting of the binary's says how often it writes that it is alive.
#[tokio::test]
async fn whom_a_killed_process_left_online_was_seen_while_it_was_alive() {
    #[expect(
        clippy::disallowed_methods,
        reason = "how a test is told that it is the child"
    )]
    if let (Ok(folder), Ok(database)) = (std::env::var(FOLDER), std::env::var(DATABASE)) {
        return serve(Path::new(&folder), &database).await;
    }
    // Only for its database.
    let mut app = TestApp::spawn().await;
    app.stop().await;
    let database = app.database().text();
    let folder = tempfile::tempdir().unwrap();
    let (mut child, site) = start(folder.path(), &database).await;
    let ann = Person::register(&site, "ann").await;
    let ben = Person::register(&site, "ben").await;
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
    let ann = Person {
        site: Site::at(server.address()),
        ..ann
    };
    let seen = ann.get(profile).await.expect(200);
    assert_eq!(seen["is_online"], false);
    let at: jiff::Timestamp = seen["last_seen"].as_str().unwrap().parse().unwrap();
    assert_eq!(at.as_millisecond(), last);
}

/// When the one process that there is started, and was last alive.
async fn node_of(connection: &DatabaseConnection) -> (i64, i64) {
    let node = node::Entity::find().one(connection).await.unwrap();
    let node = node.expect("one serves");
    (node.started_at.0, node.alive_at.0)
}

/// The child, and where it serves.
async fn start(folder: &Path, database: &str) -> (Child, Site) {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .args(["--exact", "--include-ignored"])
        .arg("crash::alive::whom_a_killed_process_left_online_was_seen_while_it_was_alive")
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
    (child, Site::at(address))
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
    // Whole when it has its name.
    let written = folder.join("written");
    std::fs::write(&written, app.site().address().to_string()).unwrap();
    std::fs::rename(&written, place_of_address(folder)).unwrap();
    until("the end", async || None::<()>).await;
}
