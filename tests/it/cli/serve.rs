//! `tidings serve`: starting, stopping, and locks against a second server.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::support::{TestBinary, TestUser, run_to_end};

fn mode(path: &Path) -> u32 {
    let found = std::fs::metadata(path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    found.permissions().mode() & 0o777
}

#[tokio::test]
async fn data_files_are_private_to_owner() {
    let binary = TestBinary::migrated().await;
    let folder = binary.folder().join("new");
    let mut serving = {
        let folder = folder.to_str().unwrap();
        binary.serve(&[("TIDINGS_DATA_DIR", folder)]).await
    };
    TestUser::register(&serving.site, "ann").await;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.join("secret")), 0o600);
    if binary.is_sqlite() {
        for file in ["tidings.db", "tidings.db-wal", "tidings.db-shm"] {
            assert_eq!(mode(&binary.folder().join(file)), 0o600, "{file}");
        }
    }
    serving.signal("TERM").await;
    assert!(serving.wait_for_exit().await.success());
}

#[tokio::test]
async fn signal_closes_sockets_and_exits_cleanly() {
    let binary = TestBinary::migrated().await;
    for signal in ["TERM", "INT"] {
        let mut serving = binary.serve(&[]).await;
        let ann = TestUser::register(&serving.site, &format!("ann-{signal}")).await;
        let mut socket = ann.socket("/ws/").await;
        serving.signal(signal).await;
        assert_eq!(socket.expect_close().await, 1001);
        assert_eq!(
            serving.wait_for_exit().await.code(),
            Some(0),
            "{}",
            binary.log()
        );
    }
}

#[tokio::test]
async fn second_server_in_folder_is_refused() {
    let binary = TestBinary::migrated().await;
    let _serving = binary.serve(&[]).await;
    let said = binary.run(&["serve"], "").await.expect_failure(1);
    assert!(said.ends_with("is in use by another server"), "{said}");
    assert!(said.contains(binary.folder().to_str().unwrap()), "{said}");
    // Other commands still work.
    binary.run(&["migrate"], "").await.expect_success();
}

#[tokio::test]
async fn second_server_on_port_is_refused() {
    let (one, two) = (TestBinary::migrated().await, TestBinary::migrated().await);
    let serving = one.serve(&[]).await;
    let address = serving.site.address().to_string();
    let mut command = two.command(&["serve"]);
    command.env("TIDINGS_LISTEN", &address);
    let said = run_to_end(command, "").await.expect_failure(1);
    assert!(
        said.starts_with(&format!("can't listen on {address}: ")),
        "{said}"
    );
}

#[tokio::test]
async fn serve_is_default_command() {
    let binary = TestBinary::migrated().await;
    let _serving = binary.serve(&[]).await;
    let said = binary.run(&[], "").await.expect_failure(1);
    assert!(said.ends_with("is in use by another server"), "{said}");
}

#[tokio::test]
async fn unusable_folder_is_named() {
    let binary = TestBinary::new().await;
    let file = binary.folder().join("file");
    std::fs::write(&file, "").unwrap();
    let inside = file.join("data");
    let mut command = binary.command(&["serve"]);
    command.env("TIDINGS_DATA_DIR", &inside);
    let said = run_to_end(command, "").await.expect_failure(1);
    assert!(said.contains(inside.to_str().unwrap()), "{said}");
}

/// PostgreSQL may be shared, so it is migrated only by command, and an advisory
/// lock keeps a second server away.
#[tokio::test]
async fn postgresql_is_migrated_by_command_only() {
    let binary = TestBinary::new().await;
    if binary.is_sqlite() {
        return;
    }
    let said = binary.run(&["serve"], "").await.expect_failure(1);
    assert!(said.contains("run 'tidings migrate' first"), "{said}");
    binary.run(&["migrate"], "").await.expect_success();
    let _serving = binary.serve(&[]).await;
    let mut command = binary.command(&["serve"]);
    command.env("TIDINGS_DATA_DIR", binary.folder().join("other"));
    let said = run_to_end(command, "").await.expect_failure(1);
    assert!(
        said.contains("Another server is using this database"),
        "{said}"
    );
}
