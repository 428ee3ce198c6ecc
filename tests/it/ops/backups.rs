//! `tidings backup` and `tidings restore`, with the real binary.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use serde_json::Value;

use crate::support::{PASSWORD, TestBinary, TestUser, until};

/// Returns a database to back up, or `None` on PostgreSQL, which has its own
/// tools.
async fn embedded() -> Option<TestBinary> {
    let binary = TestBinary::migrated().await;
    binary.is_sqlite().then_some(binary)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

async fn connect(file: &Path) -> DatabaseConnection {
    let url = format!("sqlite:{}", file.display());
    Database::connect(url).await.unwrap()
}

async fn count(file: &Path, sql: &str) -> i64 {
    let db = connect(file).await;
    let row = db.query_one_raw(sea_orm::Statement::from_string(
        db.get_database_backend(),
        sql,
    ));
    let count = row.await.unwrap().unwrap().try_get_by_index(0).unwrap();
    db.close().await.unwrap();
    count
}

/// Returns a backup of a small database, and the binary that made it.
async fn backed_up() -> Option<(TestBinary, PathBuf)> {
    let binary = embedded().await?;
    binary
        .run(&["user", "create", "ann"], PASSWORD)
        .await
        .expect_success();
    let file = binary.folder().join("copy.db");
    binary
        .run(&["backup", text(&file)], "")
        .await
        .expect_success();
    Some((binary, file))
}

/// The acknowledged messages so far.
type Acknowledged = Arc<Mutex<Vec<Value>>>;

/// Two users: the writer sends messages to the reader without a pause.
struct Talk {
    writer: TestUser,
    reader: TestUser,
    id: i64,
}

impl Talk {
    async fn new(site: &crate::support::TestSite, at: usize) -> Self {
        let writer = TestUser::register(site, &format!("writer{at}")).await;
        let reader = TestUser::register(site, &format!("reader{at}")).await;
        writer.connect_with(&reader).await;
        let id = writer.open_direct_used(&reader).await;
        Self { writer, reader, id }
    }

    /// Sends batches of eight messages until `is_over` is set.
    async fn go_on(&self, acknowledged: &Acknowledged, is_over: &AtomicBool) {
        let mut socket = self.writer.chat_socket(self.id).await;
        for round in 0.. {
            for at in 0..8 {
                let name = format!("{}-{round}-{at}", self.id);
                socket
                    .send_text_as(&format!("This is {name}."), &name)
                    .await;
            }
            for _ in 0..8 {
                let echo = socket.expect("message").await;
                acknowledged.lock().push(echo);
            }
            if is_over.load(Ordering::Acquire) {
                return;
            }
        }
    }

    /// Returns the whole history, read after a new login on the restored
    /// server.
    async fn history_at(&self, site: &crate::support::TestSite) -> Vec<Value> {
        let reader = TestUser::log_in(site, &self.reader.username, PASSWORD).await;
        let mut all: Vec<Value> = Vec::new();
        loop {
            let path = format!(
                "/api/conversations/{}/messages/?limit=100&after={}",
                self.id,
                all.len()
            );
            let page = reader.get(&path).await.expect(200);
            match page.as_array().unwrap() {
                page if page.is_empty() => return all,
                page => all.extend(page.iter().cloned()),
            }
        }
    }
}

/// Checks that the history has an acknowledged message, unchanged, at its
/// `seq`.
fn is_kept(echo: &Value, history: &[Value]) {
    let seq = usize::try_from(echo["seq"].as_u64().unwrap()).unwrap();
    let kept = history.get(seq - 1);
    let kept = kept.unwrap_or_else(|| panic!("{echo} is lost"));
    for field in ["id", "seq", "version", "text", "client_id", "created_at"] {
        assert_eq!(kept[field], echo[field], "{field} of {echo}");
    }
}

/// Checks that a history has no gap, and has all echoed messages of its
/// conversation.
fn assert_complete(history: &[Value], id: i64, echoes: &[Value]) {
    for (message, seq) in history.iter().zip(1..) {
        assert_eq!(message["seq"], seq, "no gap");
    }
    for frame in echoes.iter().filter(|it| it["conversation_id"] == id) {
        is_kept(&frame["message"], history);
    }
}

#[tokio::test]
async fn backup_under_load_has_acknowledged_messages() {
    let Some(binary) = embedded().await else {
        return;
    };
    let serving = binary.serve(&[]).await;
    let mut talks = Vec::new();
    for at in 0..3 {
        talks.push(Talk::new(&serving.site, at).await);
    }
    let (acknowledged, is_over) = (Acknowledged::default(), AtomicBool::new(false));
    let file = binary.folder().join("copy.db");
    let writing = futures_util::future::join_all(
        talks.iter().map(|talk| talk.go_on(&acknowledged, &is_over)),
    );
    let copying = async {
        let enough = async |most: usize| {
            until("acknowledgements", async || {
                (acknowledged.lock().len() >= most).then_some(())
            })
            .await;
        };
        enough(200).await;
        // The backup stores the writer as online; the restore corrects that.
        let seen = async || {
            let other = talks[0].reader.conversation(talks[0].id).await;
            let people = other["participants"].as_array().unwrap().clone();
            let online = people.iter().any(|person| person["is_online"] == true);
            online.then_some(())
        };
        until("the writer to be online", seen).await;
        let before = acknowledged.lock().clone();
        let run = binary.run(&["backup", text(&file)], "").await;
        run.expect_success();
        // The backup blocked no writer.
        enough(before.len() + 50).await;
        is_over.store(true, Ordering::Release);
        before
    };
    let (before, _) = futures_util::future::join(copying, writing).await;
    let online = "SELECT COUNT(*) FROM user_status WHERE is_online";
    assert!(
        count(&file, online).await > 0,
        "the backup was made under load"
    );

    let other = TestBinary::new().await;
    let said = other
        .run(&["restore", text(&file)], "")
        .await
        .expect_success();
    assert!(said.contains("6 accounts, 3 conversations"), "{said}");
    let restored = other.folder().join("tidings.db");
    let still_online = count(&restored, online).await;
    assert_eq!(still_online, 0, "users that are online after the restore");
    other.run(&["doctor"], "").await.expect_success();
    let served = other.serve(&[]).await;
    for talk in &talks {
        let history = talk.history_at(&served.site).await;
        assert_complete(&history, talk.id, &before);
    }
    // The restored server accepts new messages.
    let writer = TestUser::log_in(&served.site, "writer0", PASSWORD).await;
    writer.send(talks[0].id, "Here again").await.expect(201);
}

#[tokio::test]
async fn backup_on_postgresql_names_its_tools() {
    let binary = TestBinary::new().await;
    if binary.is_sqlite() {
        return;
    }
    let file = binary.folder().join("copy.db");
    let said = binary
        .run(&["backup", text(&file)], "")
        .await
        .expect_failure(1);
    assert!(said.contains("pg_dump"), "{said}");
    let said = binary
        .run(&["restore", text(&file)], "")
        .await
        .expect_failure(1);
    assert!(said.contains("pg_restore"), "{said}");
    assert!(!file.exists());
}

#[tokio::test]
async fn backup_is_private_and_overwrites_nothing() {
    let Some((binary, file)) = backed_up().await else {
        return;
    };
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let before = std::fs::read(&file).unwrap();
    let said = binary
        .run(&["backup", text(&file)], "")
        .await
        .expect_failure(1);
    assert!(said.contains("already exists"), "{said}");
    assert_eq!(std::fs::read(&file).unwrap(), before);
    let nowhere = binary.folder().join("no/such/folder/copy.db");
    binary
        .run(&["backup", text(&nowhere)], "")
        .await
        .expect_failure(1);
    // A failed backup leaves no temporary file and creates no database to copy.
    let names = std::fs::read_dir(binary.folder()).unwrap();
    let names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
    assert!(
        names
            .iter()
            .all(|name| !text(name.as_ref()).starts_with(".tidings-")),
        "{names:?}"
    );
    let empty = TestBinary::new().await;
    let said = empty
        .run(&["backup", text(&nowhere)], "")
        .await
        .expect_failure(1);
    assert!(said.contains("doesn't exist"), "{said}");
    assert!(!empty.folder().join("tidings.db").exists());
}

#[tokio::test]
async fn restore_refuses_database_in_use() {
    let Some((binary, file)) = backed_up().await else {
        return;
    };
    let restore = ["restore", text(&file), "--replace"];
    let mut serving = binary.serve(&[]).await;
    let said = binary.run(&restore, "").await.expect_failure(1);
    assert!(said.contains("a server uses"), "{said}");
    serving.signal("TERM").await;
    serving.wait_for_exit().await;
    // Any other open connection to the database also prevents a restore.
    let database = binary.folder().join("tidings.db");
    let other = connect(&database).await;
    other
        .execute_unprepared("SELECT * FROM node")
        .await
        .unwrap();
    let said = binary.run(&restore, "").await.expect_failure(1);
    assert!(said.contains("is in use"), "{said}");
    other.close().await.unwrap();
    binary.run(&restore, "").await.expect_success();
}

#[tokio::test]
async fn restore_replaces_only_on_request() {
    let Some((binary, file)) = backed_up().await else {
        return;
    };
    let ben = ["user", "create", "ben"];
    binary.run(&ben, PASSWORD).await.expect_success();
    let said = binary
        .run(&["restore", text(&file)], "")
        .await
        .expect_failure(1);
    assert!(said.contains("holds 2 accounts: use --replace"), "{said}");
    let people = "SELECT COUNT(*) FROM \"user\"";
    let database = binary.folder().join("tidings.db");
    assert_eq!(count(&database, people).await, 2);
    let restore = ["restore", text(&file), "--replace"];
    let said = binary.run(&restore, "").await.expect_success();
    assert_eq!(count(&database, people).await, 1);
    let (_, aside) = said.trim().rsplit_once("kept as ").unwrap();
    let aside = Path::new(aside.trim_end_matches('.'));
    assert_eq!(count(aside, people).await, 2);
    assert!(file.exists(), "a backup can be restored again");
    // An unreadable database can be replaced: its damage may be the reason for
    // the restore.
    std::fs::write(&database, "gone to pieces").unwrap();
    let said = binary
        .run(&["restore", text(&file)], "")
        .await
        .expect_failure(1);
    assert!(said.contains("data that can't be read"), "{said}");
    binary.run(&restore, "").await.expect_success();
    assert_eq!(count(&database, people).await, 1);
}

#[tokio::test]
async fn invalid_backup_is_refused() {
    let Some((binary, file)) = backed_up().await else {
        return;
    };
    let other = TestBinary::new().await;
    let bad = other.folder().join("bad.db");
    let refused = async |why: &str| {
        let said = other
            .run(&["restore", text(&bad)], "")
            .await
            .expect_failure(1);
        assert!(said.contains("bad.db") && said.contains(why), "{said}");
        assert!(!other.folder().join("tidings.db").exists());
    };
    refused("").await;
    std::fs::write(&bad, "").unwrap();
    refused("no database of Tidings").await;
    std::fs::write(&bad, "no database at all").unwrap();
    refused("not a database").await;
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8192].fill(0xff);
    std::fs::write(&bad, &bytes).unwrap();
    refused("").await;
    std::fs::copy(&file, &bad).unwrap();
    let step = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m2999_x', 0)";
    let newer = connect(&bad).await;
    newer.execute_unprepared(step).await.unwrap();
    newer.close().await.unwrap();
    refused("m2999_x is unknown").await;
    // A copy of a database in use lacks the pages in its WAL file.
    std::fs::copy(binary.folder().join("tidings.db"), &bad).unwrap();
    std::fs::write(other.folder().join("bad.db-wal"), "more").unwrap();
    refused("not a backup but a database in use").await;
}

#[tokio::test]
async fn restore_migrates_older_backup() {
    let Some((_kept, file)) = backed_up().await else {
        return;
    };
    let older = connect(&file).await;
    let back = "DROP TABLE user_word; \
                DELETE FROM seaql_migrations WHERE version LIKE '%user_words'";
    older.execute_unprepared(back).await.unwrap();
    older.close().await.unwrap();
    let other = TestBinary::new().await;
    other
        .run(&["restore", text(&file)], "")
        .await
        .expect_success();
    other.run(&["doctor"], "").await.expect_success();
    let serving = other.serve(&[]).await;
    let ann = TestUser::log_in(&serving.site, "ann", PASSWORD).await;
    let ben = TestUser::register(&serving.site, "ben").await;
    let found = ben.get("/api/users/?q=ann").await.expect(200);
    assert!(found.to_string().contains("ann"), "{found}");
    ann.connect_with(&ben).await;
}
