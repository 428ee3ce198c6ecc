//! `tidings demo`: the binary fills a database, and a server shows its content.

use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::{TestApp, TestUser, within};

/// The result of a run of the binary.
struct Run {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

async fn demo(arguments: &[&str], folder: &Path) -> Run {
    let run = Command::new(env!("CARGO_BIN_EXE_tidings"))
        .env_clear()
        .current_dir(folder)
        .args(["demo", "--log", "error"])
        .args(arguments)
        .arg("--data-dir")
        .arg(folder.join("data"))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = within("the demo", run).await.unwrap();
    Run {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Starts a server on a demo database. Returns the server, and the user that
/// the demo printed, logged in.
pub(crate) async fn filled() -> (TestApp, TestUser) {
    let folder = tempfile::tempdir().unwrap();
    let mut app = TestApp::spawn().await;
    let run = demo(
        &["--database-url", &app.database().url_text()],
        folder.path(),
    )
    .await;
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    app.restart().await;
    let me = log_in_as_printed(&app, &run.stdout).await;
    (app, me)
}

/// Logs in with the body in the printed `curl` line.
async fn log_in_as_printed(app: &TestApp, printed: &str) -> TestUser {
    let curl = printed.lines().find(|line| line.contains("curl")).unwrap();
    assert!(curl.contains("/api/auth/login/"), "{curl}");
    let (_, body) = curl.split_once(" -d '").unwrap();
    let body: Value = serde_json::from_str(body.trim_end_matches('\'')).unwrap();
    assert!(body["password"].as_str().unwrap().len() >= 12);
    let answer = app.post("/api/auth/login/", body).await.expect(200);
    TestUser {
        site: app.site().clone(),
        username: answer["user"]["username"].as_str().unwrap().to_owned(),
        id: answer["user"]["id"].as_i64().unwrap(),
        token: answer["token"].as_str().unwrap().to_owned(),
    }
}

/// Returns a whole history, oldest message first. Reads its pages from the
/// newest to the oldest.
async fn whole_history(me: &TestUser, conversation: i64) -> Vec<Value> {
    let mut path = Some(format!(
        "/api/conversations/{conversation}/messages/?limit=30"
    ));
    let mut history = Vec::new();
    while let Some(page) = path {
        let answer = me.get(&page).await;
        path = answer.link("prev");
        let mut messages = answer.expect(200).as_array().unwrap().clone();
        assert!(!messages.is_empty() && messages.len() <= 30);
        messages.append(&mut history);
        history = messages;
    }
    history
}

#[actix::test]
async fn demo_data_is_consistent() {
    let (_app, me) = filled().await;
    let list = me.get("/api/conversations/").await.expect(200);
    let list = list.as_array().unwrap();
    assert!(list.len() >= 12);
    let place = |one: &Value| {
        let at = one["last_message"]["created_at"].as_str().unwrap();
        (one["pinned"].as_bool().unwrap(), at.to_owned())
    };
    assert!(list.is_sorted_by(|a, b| place(a) > place(b)));
    let mut unread = Vec::new();
    for conversation in list {
        let id = conversation["id"].as_i64().unwrap();
        let history = whole_history(&me, id).await;
        check_history(conversation, &history);
        unread.push(check_unread(&me, conversation, &history));
    }
    assert!(unread.iter().filter(|count| **count > 0).count() >= 3);
    assert!(unread.contains(&0));
}

/// Checks that no message is missing, and that each status agrees with the
/// overall markers.
fn check_history(conversation: &Value, history: &[Value]) {
    let seqs = history.iter().map(|one| one["seq"].as_i64().unwrap());
    assert!(seqs.eq(1..=conversation["last_seq"].as_i64().unwrap()));
    let text = |one: &Value, field: &str| one[field].as_str().map(str::to_owned);
    assert!(history.is_sorted_by(|a, b| text(a, "created_at") < text(b, "created_at")));
    for one in history {
        let seq = one["seq"].as_i64();
        let (read, delivered) = (
            seq <= conversation["all_read_seq"].as_i64(),
            seq <= conversation["all_delivered_seq"].as_i64(),
        );
        let status = match (read, delivered) {
            (true, _) => "read",
            (false, true) => "delivered",
            (false, false) => "sent",
        };
        assert_eq!(one["status"], status, "{one}");
        assert_eq!(one["is_read"], read);
        assert_eq!(one["read_at"].is_string(), read, "{one}");
        assert_eq!(one["delivered_at"].is_string(), delivered, "{one}");
        if read {
            assert!(text(one, "created_at") <= text(one, "delivered_at"));
            assert!(text(one, "delivered_at") <= text(one, "read_at"));
        }
        assert_eq!(one["event"].is_object(), one["kind"] == "system");
    }
}

fn check_unread(me: &TestUser, conversation: &Value, history: &[Value]) -> usize {
    let people = conversation["participants"].as_array().unwrap();
    let mine = people
        .iter()
        .find(|one| one["user"]["username"] == me.username.as_str());
    let read = mine.unwrap()["read_seq"].as_i64();
    let by_hand = history.iter().filter(|one| {
        one["seq"].as_i64() > read
            && one["kind"] == "text"
            && one["deleted"] == false
            && one["sender"]["id"] != me.id
    });
    let by_hand = by_hand.count();
    assert_eq!(conversation["unread_count"], by_hand, "{conversation}");
    by_hand
}

/// New ids must not collide with those of the demo data.
#[actix::test]
async fn demo_database_accepts_new_messages() {
    let (app, me) = filled().await;
    let requests = me.get("/api/connections/").await.expect(200);
    let waiting = requests.as_array().unwrap().iter();
    let waiting: Vec<_> = waiting.filter(|one| one["state"] == "incoming").collect();
    assert!(!waiting.is_empty());
    let accept = format!("/api/connections/{}/accept/", waiting[0]["id"]);
    me.post(&accept, json!({})).await.expect(200);

    let newcomer = app.register_user("newcomer").await;
    newcomer.connect_with(&me).await;
    let direct = newcomer.open_direct_used(&me).await;
    assert_eq!(me.conversation(direct).await["unread_count"], 1);
    let body = json!({ "title": "Afterwards", "usernames": ["newcomer"] });
    let group = me.post("/api/conversations/create/", body).await;
    let group = group.expect(201)["id"].as_i64().unwrap();
    newcomer.send(group, "Hello").await.expect(201);

    // A conversation of the demo data accepts messages too.
    let list = me.get("/api/conversations/").await.expect(200);
    let found = list.as_array().unwrap().iter();
    let mut found = found.filter(|one| one["unread_count"].as_i64() > Some(1));
    let old = found.next().unwrap();
    let id = old["id"].as_i64().unwrap();
    let sent = me.send(id, "Here I am again.").await.expect(201);
    assert_eq!(
        sent["seq"].as_i64(),
        old["last_seq"].as_i64().map(|seq| seq + 1)
    );
    assert_eq!(me.conversation(id).await["unread_count"], 0);
}

/// The first run fills an empty folder; the second is refused.
#[actix::test]
async fn demo_refuses_used_database() {
    let folder = tempfile::tempdir().unwrap();
    let first = demo(&[], folder.path()).await;
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    assert!(first.stdout.contains("Log in as "), "{}", first.stdout);
    assert!(folder.path().join("data/tidings.db").exists());

    let second = demo(&[], folder.path()).await;
    assert_eq!(second.code, Some(1));
    assert_eq!(second.stdout, "");
    assert_eq!(second.stderr.lines().count(), 1, "{}", second.stderr);
    assert!(
        second
            .stderr
            .starts_with("tidings: This database already has accounts"),
        "{}",
        second.stderr
    );
}
