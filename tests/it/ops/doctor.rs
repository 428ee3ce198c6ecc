//! `tidings doctor`: no findings after real use, and one finding for each kind
//! of damage.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use entity::message::MessageKind;
use entity::{ConversationId, Millis};
use reqwest::Method;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend};
use serde_json::json;
use tidings::protocol::{User, Username};
use tidings::store::{AuditContext, HistoryAnchor, HistoryReader};

use crate::groups::crew;
use crate::support::{TestApp, TestBinary, TestUser};

/// Lets three users do everything that users can do. Returns the ids of the
/// direct conversation and of the group.
async fn use_everything(app: &TestApp) -> (i64, i64) {
    let (group, people) = crew::group(app, &["ann", "ben", "cleo"]).await;
    let [ann, ben, cleo] = &people[..] else {
        panic!("three");
    };
    let direct = ann.open_direct_used(ben).await;
    for (id, one, other) in [(direct, ann, ben), (group, cleo, ann)] {
        use_all(id, one, other).await;
    }
    crew::rename(ann, group, "The crew").await.expect(200);
    crew::leave(cleo, group).await;
    crew::bring_back(ann, group, cleo).await;
    crew::remove(ann, group, "cleo").await;
    // The block also ends the connection.
    let block = ann.site.request(Method::PUT, "/api/blocks/cleo/");
    let block = block.bearer_auth(&ann.token);
    ann.site.send(block).await;
    (direct, group)
}

/// Performs every action on messages.
async fn use_all(id: i64, one: &TestUser, other: &TestUser) {
    let mut here = one.chat_socket(id).await;
    let mut ids = Vec::new();
    for at in 0..6 {
        here.send_text(&format!("{at}")).await;
        ids.push(here.expect_message().await["id"].as_i64().unwrap());
    }
    let path = |at: usize| format!("/api/conversations/{id}/messages/{}/", ids[at]);
    let react = one
        .site
        .request(Method::PUT, &format!("{}reactions/👍/", path(0)));
    one.site
        .send(react.bearer_auth(&one.token))
        .await
        .expect(200);
    let edit = json!({ "text": "Better" });
    crew::patch(one, &path(1), edit).await.expect(200);
    let read = format!("/api/conversations/{id}/read/");
    let mark = json!({ "message_id": ids[2] });
    assert_eq!(other.post(&read, mark).await.status, 204);
    // Deletes one message on each side of the other user's read marker.
    for at in [1, 4] {
        one.delete(&path(at)).await;
    }
}

/// Returns the exit code and the output lines of `tidings doctor`.
async fn said(binary: &TestBinary) -> (Option<i32>, Vec<String>) {
    let done = binary.run(&["doctor"], "").await;
    (done.code, done.stdout.lines().map(str::to_owned).collect())
}

/// Returns the categories of all findings, each once.
async fn found(app: &TestApp) -> Vec<&'static str> {
    let store = app.store().await;
    let findings = store.maintenance().run_doctor().await.unwrap();
    let mut about: Vec<_> = findings.iter().map(|finding| finding.about).collect();
    store.close().await;
    about.dedup();
    about
}

#[tokio::test]
async fn doctor_finds_nothing_after_real_use() {
    let app = TestApp::spawn().await;
    let (direct, group) = use_everything(&app).await;
    assert!(direct != group);
    assert_eq!(found(&app).await, [""; 0]);
}

#[tokio::test]
async fn doctor_finds_nothing_in_demo() {
    let binary = TestBinary::new().await;
    binary.run(&["demo"], "").await.expect_success();
    assert_eq!(
        said(&binary).await,
        (Some(0), vec!["No problems found.".to_owned()])
    );
}

/// A change that damages the database, and the statement that undoes it.
struct Damage {
    about: &'static str,
    done: String,
    undone: String,
}

fn damage(about: &'static str, done: impl Into<String>, undone: impl Into<String>) -> Damage {
    Damage {
        about,
        done: done.into(),
        undone: undone.into(),
    }
}

/// Adds `by` to a column of the rows matching `which`, and subtracts it again.
fn moved(about: &'static str, (table, column): (&str, &str), which: &str, by: i64) -> Damage {
    let change = |by: i64| format!("UPDATE {table} SET {column} = {column} + ({by}) WHERE {which}");
    damage(about, change(by), change(-by))
}

/// Damage to the columns of a conversation.
fn of_conversations(direct: i64) -> Vec<Damage> {
    let here = format!("id = {direct}");
    let last = "UPDATE conversation SET last_message_id = (SELECT m.id FROM message m \
                WHERE m.conversation_id = conversation.id AND m.seq = last_seq)";
    let open = format!("UPDATE conversation SET open = NOT open WHERE {here}");
    let column = |about, column, by| moved(about, ("conversation", column), &here, by);
    vec![
        column("seq", "last_seq", 1),
        column("last_ord", "last_ord", -1),
        column("version", "version", -1),
        column("participants", "participant_count", 1),
        column("low watermarks", "read_low", 1),
        damage(
            "last message",
            "UPDATE conversation SET last_message_id = NULL",
            last,
        ),
        damage(
            "pair",
            format!("UPDATE conversation SET direct_key = direct_key || '0' WHERE {here}"),
            "UPDATE conversation SET direct_key = substr(direct_key, 1, length(direct_key) - 1) \
             WHERE kind = 0",
        ),
        damage("open", &open, &open),
    ]
}

/// Damage to the rows of conversations: messages, participants, receipts, words
/// and counters.
fn of_their_rows(direct: i64, group: i64) -> Vec<Damage> {
    let (inside, all) = (format!("conversation_id = {direct}"), "1 = 1");
    let owner = format!(
        "conversation_id = {group} AND user_id = \
         (SELECT opened_by FROM conversation WHERE id = {group})"
    );
    // The rows between which a gap in `seq` or `ord` is made and closed again.
    let second = format!("{inside} AND seq % 1000 = 2");
    let third = format!("{inside} AND seq = 3");
    vec![
        moved("seq", ("message", "seq"), &second, 1000),
        moved("ord", ("message", "ord"), &third, 1),
        moved(
            "posted version",
            ("message", "posted_version"),
            &inside,
            1000,
        ),
        moved("posted version", ("message", "posted_version"), &third, -2),
        moved("text version", ("message", "text_version"), all, 1000),
        damage(
            "deleted text",
            "UPDATE message SET text = 'still' WHERE deleted_at IS NOT NULL",
            "UPDATE message SET text = '' WHERE deleted_at IS NOT NULL",
        ),
        moved("left", ("participant", "version"), "left_seq > 0", -1000),
        moved("owner", ("participant", "role"), &owner, -1),
        moved("marks", ("participant", "delivered_seq"), &inside, 1000),
        moved("read_ord", ("participant", "read_ord"), &inside, 1),
        moved("unread", ("participant", "read_ord"), &inside, 1),
        moved("deleted", ("participant", "unread_deleted"), all, 1),
        moved("unread", ("participant", "unread_deleted"), &inside, -1),
        moved("receipts", ("receipt", "up_to_seq"), all, 1000),
        damage(
            "words",
            format!("UPDATE conversation_word SET conversation_id = {direct}"),
            format!("UPDATE conversation_word SET conversation_id = {group}"),
        ),
        moved("ids", ("id_block", "next"), all, -100_000),
        moved("groups", ("group_count", "groups"), all, 1),
    ]
}

#[tokio::test]
async fn doctor_finds_every_damage() {
    let mut app = TestApp::spawn().await;
    let (direct, group) = use_everything(&app).await;
    // A running server would repair or change rows during the check.
    app.stop().await;
    let database = app.database().connection().await;
    assert_eq!(found(&app).await, [""; 0]);
    for Damage {
        about,
        done,
        undone,
    } in of_conversations(direct)
        .into_iter()
        .chain(of_their_rows(direct, group))
    {
        database.execute_unprepared(&done).await.unwrap();
        let found_now = found(&app).await;
        assert!(found_now.contains(&about), "{about}: {found_now:?}");
        database.execute_unprepared(&undone).await.unwrap();
        assert_eq!(found(&app).await, [""; 0], "{about} was undone");
    }
    database.close().await.unwrap();
}

/// Runs SQL with foreign keys disabled, as some database tools do.
async fn without_foreign_keys(database: &DatabaseConnection, sql: &str) {
    let around = match database.get_database_backend() {
        DbBackend::Sqlite => format!("PRAGMA foreign_keys = OFF; {sql}; PRAGMA foreign_keys = ON"),
        _ => format!("SET LOCAL session_replication_role = replica; {sql}"),
    };
    database.execute_unprepared(&around).await.unwrap();
}

#[tokio::test]
async fn doctor_finds_orphaned_rows() {
    let app = TestApp::spawn().await;
    use_everything(&app).await;
    let database = app.database().connection().await;
    let orphan = "INSERT INTO reaction (message_id, emoji, user_id, created_at) \
                  VALUES (999999999, 'x', 888888888, 0)";
    without_foreign_keys(&database, orphan).await;
    let store = app.store().await;
    let lines: Vec<_> = store.maintenance().run_doctor().await.unwrap();
    store.close().await;
    database.close().await.unwrap();
    let lines: Vec<_> = lines.iter().map(|found| found.line.as_str()).collect();
    assert_eq!(
        lines,
        [
            "1 rows of reaction reference a missing message in message_id",
            "1 rows of reaction reference a missing user in user_id",
        ]
    );
}

#[tokio::test]
async fn finding_prints_line_and_exits_1() {
    let binary = TestBinary::new().await;
    binary.run(&["demo"], "").await.expect_success();
    let database = binary.database().connection().await;
    let wrong = "UPDATE conversation SET participant_count = participant_count + 1; \
                 UPDATE participant SET read_ord = read_ord + 1 WHERE read_ord > 0";
    database.execute_unprepared(wrong).await.unwrap();
    let (code, lines) = said(&binary).await;
    assert_eq!(code, Some(1));
    let of = |about: &str| lines.iter().filter(|line| line.starts_with(about)).count();
    assert!(
        (1..=11).contains(&of("participants: conversation ")),
        "{lines:?}"
    );
    assert_eq!(
        of("read_ord: "),
        11,
        "ten and the number of others: {lines:?}"
    );
    assert!(
        lines.iter().any(|line| line.ends_with(" more like these")),
        "{lines:?}"
    );

    // With unknown or missing migrations, doctor reports only these; other
    // checks need the current schema.
    let step = "DELETE FROM seaql_migrations WHERE version LIKE '%user_words'; \
                INSERT INTO seaql_migrations (version, applied_at) VALUES ('m2999_x', 0)";
    database.execute_unprepared(step).await.unwrap();
    database.close().await.unwrap();
    let (code, lines) = said(&binary).await;
    assert_eq!(code, Some(1));
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains("user_words is missing"), "{lines:?}");
    assert!(lines[1].contains("m2999_x is unknown"), "{lines:?}");
}

/// Each admin action must leave the database consistent.
#[tokio::test]
async fn doctor_finds_nothing_after_admin_actions() {
    let app = TestApp::spawn().await;
    let (direct, group) = use_everything(&app).await;
    let store = app.store().await;
    let ann = Username::parse("ann").unwrap();
    let ann = store.users().find_by_name(&ann).await;
    let ann = ann.unwrap().unwrap();
    let id = ConversationId(direct);
    let page = store
        .history()
        .load_page(HistoryReader::Unrestricted, id, HistoryAnchor::Latest, 50)
        .await;
    let page = page.unwrap().unwrap().messages;
    let mut texts = page
        .iter()
        .filter(|it| it.kind == MessageKind::Text && !it.deleted);
    let message = texts.next_back().unwrap().id;
    let act = AuditContext::from_command_line(Millis::now());
    let moderation = store.moderation();
    let deleted = moderation.delete_message(id, message, &act);
    deleted.await.unwrap();
    let by = User::from(&ann);
    let group = ConversationId(group);
    moderation.close_group(group, by, &act).await.unwrap();
    let gone = "deleted-1".to_owned();
    store.accounts().delete(ann.id, gone, &act).await.unwrap();
    store.close().await;
    assert_eq!(found(&app).await, [""; 0]);
}

/// Examining a backup must leave it unchanged, and must also work on a file
/// that is read-only.
#[tokio::test]
async fn doctor_leaves_backup_unchanged() {
    let binary = TestBinary::new().await;
    if !binary.is_sqlite() {
        return;
    }
    binary.run(&["demo"], "").await.expect_success();
    let folder = binary.folder().join("backups");
    std::fs::create_dir(&folder).unwrap();
    let file = folder.join("copy.db");
    let path = file.to_str().unwrap();
    binary.run(&["backup", path], "").await.expect_success();
    let before = std::fs::read(&file).unwrap();
    let url = format!("sqlite:{path}");
    let examine = ["--database-url", &url, "doctor"];
    for (file_mode, folder_mode) in [(0o600, 0o700), (0o400, 0o500)] {
        let mode = |path: &Path, mode| {
            std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        };
        mode(&file, file_mode);
        mode(&folder, folder_mode);
        let said = binary.run(&examine, "").await.expect_success();
        assert_eq!(said, "No problems found.\n");
        mode(&folder, 0o700);
        assert!(
            std::fs::read(&file).unwrap() == before,
            "the backup was changed"
        );
        let beside: Vec<_> = std::fs::read_dir(&folder).unwrap().collect();
        assert_eq!(beside.len(), 1, "{beside:?}");
    }
}

#[tokio::test]
async fn invalid_database_is_one_named_line() {
    let binary = TestBinary::new().await;
    if !binary.is_sqlite() {
        return;
    }
    let file = binary.folder().join("broken.db");
    std::fs::write(
        &file,
        "not a database, but long enough to be one".repeat(100),
    )
    .unwrap();
    let url = format!("sqlite:{}", file.display());
    let done = binary.run(&["--database-url", &url, "doctor"], "").await;
    let line = format!("the database {url} can't be used: file is not a database");
    assert_eq!(done.expect_failure(1), line);
}

#[tokio::test]
async fn doctor_finds_broken_and_missing_files() {
    let binary = TestBinary::new().await;
    if !binary.is_sqlite() {
        return;
    }
    let said_of_none = binary.run(&["doctor"], "").await.expect_failure(1);
    assert!(said_of_none.contains("doesn't exist"), "{said_of_none}");
    let file = binary.folder().join("tidings.db");
    assert!(!file.exists());
    binary.run(&["demo"], "").await.expect_success();
    let mut bytes = std::fs::read(&file).unwrap();
    // The first page holds the schema.
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8192].fill(0xff);
    std::fs::write(&file, bytes).unwrap();
    let (code, lines) = said(&binary).await;
    assert_eq!(code, Some(1));
    let is_found = lines.iter().any(|line| line.starts_with("integrity: "));
    assert!(is_found, "{lines:?}");
}
