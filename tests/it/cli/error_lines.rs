//! Each error of the command line is one line that names the file or database.

use crate::support::{TestBinary, run_to_end};

#[tokio::test]
async fn missing_file_or_folder_is_named() {
    let binary = TestBinary::migrated().await;
    if !binary.is_sqlite() {
        return;
    }
    let folder = binary.folder().display().to_string();
    let nowhere = format!("{folder}/nowhere");
    let (copy, database) = (format!("{nowhere}/copy.db"), format!("{folder}/tidings.db"));
    for (arguments, line) in [
        (["restore", &*copy], format!("{copy} doesn't exist")),
        (
            ["backup", &*copy],
            format!("the folder {nowhere} doesn't exist"),
        ),
    ] {
        let said = binary.run(&arguments, "").await.expect_failure(1);
        assert_eq!(said, line);
    }
    std::fs::remove_file(&database).unwrap();
    for arguments in [&["backup", &*copy][..], &["doctor"]] {
        let said = binary.run(arguments, "").await.expect_failure(1);
        assert_eq!(said, format!("the database {database} doesn't exist"));
    }
    std::fs::write(&database, "no database at all, whatever its name says").unwrap();
    let said = binary.run(&["migrate"], "").await.expect_failure(1);
    let why = "can't be used: file is not a database";
    assert_eq!(said, format!("the database sqlite:{database} {why}"));
}

#[tokio::test]
async fn unreachable_database_is_named_without_password() {
    let binary = TestBinary::new().await;
    // No server listens on port 1 (tcpmux).
    let url = "postgres://ann:secret@127.0.0.1:1/tidings";
    for command in ["migrate", "serve", "doctor"] {
        let mut command = binary.command(&[command]);
        command.env("DATABASE_URL", url);
        let said = run_to_end(command, "").await.expect_failure(1);
        let begins = "the database postgres://ann:…@127.0.0.1:1/tidings can't be used: ";
        assert!(said.starts_with(begins), "{said}");
        assert!(!said.contains("rror:") && !said.contains("pool"), "{said}");
    }
}
