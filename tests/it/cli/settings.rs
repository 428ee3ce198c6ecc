//! Settings that are wrong: one clear line, and exit 2.

use crate::support::{Binary, finish};

/// What is said of one that is wrong.
async fn refused(binary: &Binary, name: &str, value: &str) -> String {
    let mut command = binary.command(&["serve"]);
    command.env(name, value);
    finish(command, "").await.failed(2)
}

#[tokio::test]
async fn a_wrong_setting_is_named_with_what_would_be_right() {
    let binary = Binary::new().await;
    for (name, value) in [
        ("TIDINGS_LISTEN", "localhost"),
        ("TIDINGS_TOKEN_TTL", "0"),
        ("TIDINGS_TOKEN_TTL", "a week"),
        ("TIDINGS_SESSION_BUFFER", "1"),
        ("TIDINGS_LOG", "tidings=loud"),
        ("TIDINGS_LOG_FORMAT", "xml"),
        ("TIDINGS_PUBLIC_URL", "here"),
    ] {
        let said = refused(&binary, name, value).await;
        assert!(said.contains(name) && said.contains(value), "{said}");
    }
    let said = refused(&binary, "DATABASE_URL", "mysql://ann:secret@host/db").await;
    assert!(
        said.contains("DATABASE_URL") && !said.contains("secret"),
        "{said}"
    );
    let said = refused(&binary, "TIDINGS_CONFIG", "nowhere.toml").await;
    assert!(said.contains("nowhere.toml"), "{said}");
}

#[tokio::test]
async fn a_bus_that_is_not_built_is_refused() {
    let binary = Binary::new().await;
    let said = refused(&binary, "NATS_URL", "nats://127.0.0.1:4222").await;
    assert!(
        said.contains("NATS") && said.contains("not built yet"),
        "{said}"
    );
}

#[tokio::test]
async fn flags_go_before_the_environment_and_that_before_the_file() {
    let binary = Binary::new().await;
    let file = binary.folder().join("tidings.toml");
    std::fs::write(&file, "token_ttl = 0\nlog_format = 'xml'\n").unwrap();
    let said = binary.run(&["serve"], "").await.failed(2);
    assert!(said.contains("token_ttl in ./tidings.toml"), "{said}");
    let mut command = binary.command(&["serve"]);
    command.env("TIDINGS_TOKEN_TTL", "60");
    let said = finish(command, "").await.failed(2);
    assert!(said.contains("log_format in ./tidings.toml"), "{said}");
    let mut command = binary.command(&["serve", "--token-ttl", "-"]);
    command.env("TIDINGS_TOKEN_TTL", "60");
    let said = finish(command, "").await.failed(2);
    assert!(said.contains("--token-ttl"), "{said}");
}
