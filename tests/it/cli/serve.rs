//! `tidings serve`: starting, stopping, and what keeps a second one away.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::support::{Binary, Person, finish};

fn mode(path: &Path) -> u32 {
    let found = std::fs::metadata(path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    found.permissions().mode() & 0o777
}

#[tokio::test]
async fn what_is_secret_is_for_its_owner_alone() {
    let binary = Binary::migrated().await;
    let folder = binary.folder().join("new");
    let mut serving = {
        let folder = folder.to_str().unwrap();
        binary.serve(&[("TIDINGS_DATA_DIR", folder)]).await
    };
    Person::register(&serving.site, "ann").await;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.join("secret")), 0o600);
    if binary.is_sqlite() {
        for file in ["tidings.db", "tidings.db-wal", "tidings.db-shm"] {
            assert_eq!(mode(&binary.folder().join(file)), 0o600, "{file}");
        }
    }
    serving.signal("TERM").await;
    assert!(serving.ended().await.success());
}

#[tokio::test]
async fn told_to_stop_it_closes_its_sockets_and_exits_with_0() {
    let binary = Binary::migrated().await;
    for signal in ["TERM", "INT"] {
        let mut serving = binary.serve(&[]).await;
        let ann = Person::register(&serving.site, &format!("ann-{signal}")).await;
        let mut socket = ann.socket("/ws/").await;
        serving.signal(signal).await;
        assert_eq!(socket.expect_close().await, 1001);
        assert_eq!(serving.ended().await.code(), Some(0), "{}", binary.log());
    }
}

#[tokio::test]
async fn a_second_server_on_the_same_folder_is_refused() {
    let binary = Binary::migrated().await;
    let _serving = binary.serve(&[]).await;
    let said = binary.run(&["serve"], "").await.failed(1);
    assert!(said.ends_with("is in use by another server"), "{said}");
    assert!(said.contains(binary.folder().to_str().unwrap()), "{said}");
    // Commands are no servers.
    binary.run(&["migrate"], "").await.succeeded();
}

#[tokio::test]
async fn a_second_server_on_the_same_port_is_refused() {
    let (one, two) = (Binary::migrated().await, Binary::migrated().await);
    let serving = one.serve(&[]).await;
    let address = serving.site.address().to_string();
    let mut command = two.command(&["serve"]);
    command.env("TIDINGS_LISTEN", &address);
    let said = finish(command, "").await.failed(1);
    assert!(
        said.starts_with(&format!("can't listen on {address}: ")),
        "{said}"
    );
}

/// Guards the commands' default: without one, it serves.
#[tokio::test]
async fn without_a_command_it_serves() {
    let binary = Binary::migrated().await;
    let _serving = binary.serve(&[]).await;
    let said = binary.run(&[], "").await.failed(1);
    assert!(said.ends_with("is in use by another server"), "{said}");
}

#[tokio::test]
async fn a_folder_that_can_not_be_used_is_one_clear_line() {
    let binary = Binary::new().await;
    let file = binary.folder().join("file");
    std::fs::write(&file, "").unwrap();
    let inside = file.join("data");
    let mut command = binary.command(&["serve"]);
    command.env("TIDINGS_DATA_DIR", &inside);
    let said = finish(command, "").await.failed(1);
    assert!(said.contains(inside.to_str().unwrap()), "{said}");
}

/// PostgreSQL may be shared, so it is migrated when somebody says so, and
/// kept from a second server by a lock there.
#[tokio::test]
async fn a_postgresql_database_is_migrated_when_told_and_served_by_one() {
    let binary = Binary::new().await;
    if binary.is_sqlite() {
        return;
    }
    let said = binary.run(&["serve"], "").await.failed(1);
    assert!(said.contains("run 'tidings migrate' first"), "{said}");
    binary.run(&["migrate"], "").await.succeeded();
    let _serving = binary.serve(&[]).await;
    let mut command = binary.command(&["serve"]);
    command.env("TIDINGS_DATA_DIR", binary.folder().join("other"));
    let said = finish(command, "").await.failed(1);
    assert!(
        said.contains("Another server is using this database"),
        "{said}"
    );
}
