//! `tidings user …`: commands that create and change users.

use serde_json::json;

use crate::support::{PASSWORD, TestBinary, TestUser, within};

#[tokio::test]
async fn created_account_can_log_in() {
    let binary = TestBinary::new().await;
    let create = ["user", "create", "Ann", "--display-name", "Ann B."];
    let said = binary.run(&create, &format!("{PASSWORD}\n")).await;
    assert_eq!(said.expect_success().lines().count(), 1);
    let serving = binary.serve(&[]).await;
    let ann = TestUser::log_in(&serving.site, "ann", PASSWORD).await;
    let me = ann.get("/api/me/").await.expect(200);
    assert_eq!(
        (&me["username"], &me["display_name"]),
        (&json!("Ann"), &json!("Ann B."))
    );
    assert_eq!(me["is_admin"], false);
}

#[tokio::test]
async fn admin_rights_are_given_and_removed() {
    let binary = TestBinary::migrated().await;
    let serving = binary.serve(&[]).await;
    let boss = ["user", "create", "boss", "--admin"];
    binary.run(&boss, PASSWORD).await.expect_success();
    let boss = TestUser::log_in(&serving.site, "boss", PASSWORD).await;
    let ann = TestUser::register(&serving.site, "ann").await;
    let is_admin = async |person: &TestUser| {
        let me = person.get("/api/me/").await.expect(200);
        me["is_admin"].as_bool().unwrap()
    };
    assert!(is_admin(&boss).await);
    assert!(!is_admin(&ann).await);
    binary
        .run(&["user", "promote", "ANN"], "")
        .await
        .expect_success();
    binary
        .run(&["user", "demote", "boss"], "")
        .await
        .expect_success();
    // Another process made the change; the server learns of it within a second.
    within("the server to know of it", async {
        while !is_admin(&ann).await || is_admin(&boss).await {}
    })
    .await;
}

#[tokio::test]
async fn deactivated_user_loses_their_sockets() {
    let binary = TestBinary::migrated().await;
    let serving = binary.serve(&[]).await;
    let ann = TestUser::register(&serving.site, "ann").await;
    let mut socket = ann.socket("/ws/").await;
    binary
        .run(&["user", "deactivate", "ann"], "")
        .await
        .expect_success();
    assert_eq!(socket.expect_close().await, 4401);
    ann.get("/api/me/")
        .await
        .expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn reset_password_ends_every_login() {
    let binary = TestBinary::migrated().await;
    let serving = binary.serve(&[]).await;
    let ann = TestUser::register(&serving.site, "ann").await;
    let mut socket = ann.socket("/ws/").await;
    let reset = ["user", "reset-password", "ann"];
    binary
        .run(&reset, "another password\n")
        .await
        .expect_success();
    assert_eq!(socket.expect_close().await, 4401);
    ann.get("/api/me/")
        .await
        .expect_problem(401, "unauthenticated");
    TestUser::log_in(&serving.site, "ann", "another password").await;
}

#[tokio::test]
async fn failed_user_command_prints_one_line() {
    let binary = TestBinary::migrated().await;
    binary
        .run(&["user", "create", "ann"], PASSWORD)
        .await
        .expect_success();
    let said = binary
        .run(&["user", "create", "ANN"], PASSWORD)
        .await
        .expect_failure(1);
    assert_eq!(said, "the account ANN already exists");
    for command in ["promote", "demote", "deactivate", "reset-password"] {
        let said = binary.run(&["user", command, "nobody"], PASSWORD).await;
        assert_eq!(said.expect_failure(1), "the account nobody doesn't exist");
    }
    let said = binary
        .run(&["user", "create", "b"], PASSWORD)
        .await
        .expect_failure(2);
    assert!(said.starts_with("username: "), "{said}");
    for password in ["", "short\n"] {
        let said = binary.run(&["user", "create", "ben"], password).await;
        let said = said.expect_failure(2);
        assert!(said.starts_with("password: "), "{said}");
        let reset = ["user", "reset-password", "ann"];
        let said = binary.run(&reset, password).await.expect_failure(2);
        assert!(said.starts_with("password: "), "{said}");
    }
    let empty = ["user", "create", "ben", "--display-name", " "];
    let said = binary.run(&empty, PASSWORD).await.expect_failure(2);
    assert!(said.starts_with("display_name: "), "{said}");
}

#[tokio::test]
async fn help_lists_commands_and_settings() {
    let binary = TestBinary::new().await;
    let help = binary.run(&["--help"], "").await.expect_success();
    for word in [
        "serve",
        "migrate",
        "user",
        "--listen",
        "TIDINGS_LISTEN",
        "DATABASE_URL",
    ] {
        assert!(help.contains(word), "{word}");
    }
    let help = binary.run(&["user", "--help"], "").await.expect_success();
    for word in [
        "create",
        "promote",
        "demote",
        "deactivate",
        "reset-password",
    ] {
        assert!(help.contains(word), "{word}");
    }
    let version = binary.run(&["--version"], "").await.expect_success();
    assert_eq!(
        version.trim(),
        concat!("tidings ", env!("CARGO_PKG_VERSION"))
    );
}
