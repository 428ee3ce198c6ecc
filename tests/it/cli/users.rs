//! `tidings user …`.

use serde_json::json;

use crate::support::{Binary, PASSWORD, Person, within};

#[tokio::test]
async fn an_account_is_made_and_logged_in_with() {
    let binary = Binary::new().await;
    let create = ["user", "create", "Ann", "--display-name", "Ann B."];
    let said = binary.run(&create, &format!("{PASSWORD}\n")).await;
    assert_eq!(said.succeeded().lines().count(), 1);
    let serving = binary.serve(&[]).await;
    let ann = Person::log_in(&serving.site, "ann", PASSWORD).await;
    let me = ann.get("/api/me/").await.expect(200);
    assert_eq!(
        (&me["username"], &me["display_name"]),
        (&json!("Ann"), &json!("Ann B."))
    );
    assert_eq!(me["is_admin"], false);
}

#[tokio::test]
async fn an_admin_is_made_and_unmade() {
    let binary = Binary::migrated().await;
    let serving = binary.serve(&[]).await;
    let boss = ["user", "create", "boss", "--admin"];
    binary.run(&boss, PASSWORD).await.succeeded();
    let boss = Person::log_in(&serving.site, "boss", PASSWORD).await;
    let ann = Person::register(&serving.site, "ann").await;
    let is_admin = async |person: &Person| {
        let me = person.get("/api/me/").await.expect(200);
        me["is_admin"].as_bool().unwrap()
    };
    assert!(is_admin(&boss).await);
    assert!(!is_admin(&ann).await);
    binary
        .run(&["user", "promote", "ANN"], "")
        .await
        .succeeded();
    binary
        .run(&["user", "demote", "boss"], "")
        .await
        .succeeded();
    // Another process did it: that is known here within a second.
    within("the server to know of it", async {
        while !is_admin(&ann).await || is_admin(&boss).await {}
    })
    .await;
}

#[tokio::test]
async fn who_is_deactivated_while_a_server_runs_loses_their_sockets() {
    let binary = Binary::migrated().await;
    let serving = binary.serve(&[]).await;
    let ann = Person::register(&serving.site, "ann").await;
    let mut socket = ann.socket("/ws/").await;
    binary
        .run(&["user", "deactivate", "ann"], "")
        .await
        .succeeded();
    assert_eq!(socket.expect_close().await, 4401);
    ann.get("/api/me/").await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn a_new_password_ends_every_login() {
    let binary = Binary::migrated().await;
    let serving = binary.serve(&[]).await;
    let ann = Person::register(&serving.site, "ann").await;
    let mut socket = ann.socket("/ws/").await;
    let reset = ["user", "reset-password", "ann"];
    binary.run(&reset, "another password\n").await.succeeded();
    assert_eq!(socket.expect_close().await, 4401);
    ann.get("/api/me/").await.refused(401, "unauthenticated");
    Person::log_in(&serving.site, "ann", "another password").await;
}

#[tokio::test]
async fn what_can_not_be_done_is_said_in_one_line() {
    let binary = Binary::migrated().await;
    binary
        .run(&["user", "create", "ann"], PASSWORD)
        .await
        .succeeded();
    let said = binary
        .run(&["user", "create", "ANN"], PASSWORD)
        .await
        .failed(1);
    assert_eq!(said, "ANN has an account already.");
    for command in ["promote", "demote", "deactivate", "reset-password"] {
        let said = binary.run(&["user", command, "nobody"], PASSWORD).await;
        assert_eq!(said.failed(1), "there is no account named nobody");
    }
    let said = binary
        .run(&["user", "create", "b"], PASSWORD)
        .await
        .failed(2);
    assert!(said.starts_with("username: "), "{said}");
    for password in ["", "short\n"] {
        let said = binary.run(&["user", "create", "ben"], password).await;
        let said = said.failed(2);
        assert!(said.starts_with("password: "), "{said}");
        let reset = ["user", "reset-password", "ann"];
        let said = binary.run(&reset, password).await.failed(2);
        assert!(said.starts_with("password: "), "{said}");
    }
    let empty = ["user", "create", "ben", "--display-name", " "];
    let said = binary.run(&empty, PASSWORD).await.failed(2);
    assert!(said.starts_with("display_name: "), "{said}");
}

#[tokio::test]
async fn the_help_reads_well() {
    let binary = Binary::new().await;
    let help = binary.run(&["--help"], "").await.succeeded();
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
    let help = binary.run(&["user", "--help"], "").await.succeeded();
    for word in [
        "create",
        "promote",
        "demote",
        "deactivate",
        "reset-password",
    ] {
        assert!(help.contains(word), "{word}");
    }
    let version = binary.run(&["--version"], "").await.succeeded();
    assert_eq!(
        version.trim(),
        concat!("tidings ", env!("CARGO_PKG_VERSION"))
    );
}
