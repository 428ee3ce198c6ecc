//! Invalid settings: one clear line, and exit code 2.

use crate::support::{TestBinary, run_to_end};

/// Runs `serve` with an invalid setting and returns the error line.
async fn refused(binary: &TestBinary, name: &str, value: &str) -> String {
    let mut command = binary.command(&["serve"]);
    command.env(name, value);
    run_to_end(command, "").await.expect_failure(2)
}

#[tokio::test]
async fn invalid_setting_is_named_with_value() {
    let binary = TestBinary::new().await;
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
async fn unsupported_nats_url_is_refused() {
    let binary = TestBinary::new().await;
    let said = refused(&binary, "NATS_URL", "nats://127.0.0.1:4222").await;
    assert!(
        said.contains("NATS") && said.contains("not supported yet"),
        "{said}"
    );
}

#[tokio::test]
async fn flags_override_environment_and_file() {
    let binary = TestBinary::new().await;
    let file = binary.folder().join("tidings.toml");
    std::fs::write(&file, "token_ttl = 0\nlog_format = 'xml'\n").unwrap();
    let said = binary.run(&["serve"], "").await.expect_failure(2);
    assert!(said.contains("token_ttl in ./tidings.toml"), "{said}");
    let mut command = binary.command(&["serve"]);
    command.env("TIDINGS_TOKEN_TTL", "60");
    let said = run_to_end(command, "").await.expect_failure(2);
    assert!(said.contains("log_format in ./tidings.toml"), "{said}");
    let mut command = binary.command(&["serve", "--token-ttl", "-"]);
    command.env("TIDINGS_TOKEN_TTL", "60");
    let said = run_to_end(command, "").await.expect_failure(2);
    assert!(said.contains("--token-ttl"), "{said}");
}
