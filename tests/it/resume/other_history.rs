//! Restored databases: cursors of an earlier epoch are reset.

use serde_json::{Value, json};

use super::client::resume;
use crate::groups::crew::{friends, make};
use crate::groups::largest_group::run;
use crate::support::{PASSWORD, TestApp, TestBinary, TestUser};

async fn epoch(person: &TestUser) -> String {
    let hello = person.socket("/ws/").await.hello;
    hello["epoch"].as_str().unwrap().to_owned()
}

/// Returns the conversation and the reason of each `reset` frame.
fn resets(frames: &[Value]) -> Vec<(i64, String)> {
    let resets = frames.iter().filter(|frame| frame["type"] == "reset");
    let resets = resets.map(|frame| {
        let reason = frame["reason"].as_str().unwrap().to_owned();
        (frame["conversation_id"].as_i64().unwrap(), reason)
    });
    resets.collect()
}

#[tokio::test]
async fn other_epoch_resets_named_conversations() {
    let app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben"]).await;
    let (ann, ben) = (&people[0], &people[1]);
    let mut ids = Vec::new();
    for title in ["One", "Two", "Unnamed"] {
        let made = make(ann, title, &["ben"]).await.expect(201);
        ids.push(made["id"].as_i64().unwrap());
    }
    let unknown = 1 << 40;
    let cursors = json!({
        ids[0].to_string(): 1, ids[1].to_string(): 0, unknown.to_string(): 7,
    });
    let mut socket = ben.socket("/ws/").await;
    let mut frames = Vec::new();
    let ask = json!({ "type": "resume", "cursors": cursors, "epoch": "of before" });
    socket.send(ask).await;
    loop {
        let frame = socket.next().await;
        if frame["type"] == "synced" {
            break;
        }
        frames.push(frame);
    }
    let lost = |id: i64| (id, "other_history".to_owned());
    let mut found = resets(&frames);
    found.sort();
    assert_eq!(found, [lost(ids[0]), lost(ids[1]), lost(unknown)]);
    let shown = frames.iter().filter(|it| it["type"] == "conversation");
    assert_eq!(shown.count(), 1, "the one without a cursor");
    // Reset conversations are live from then on.
    ann.send(ids[0], "Live.").await.expect(201);
    assert_eq!(socket.expect_message().await["conversation_id"], ids[0]);
    // Resumes one conversation, on an unbound and on a bound socket.
    let ask = json!({ "conversation_id": ids[1], "after": 0, "epoch": "of before" });
    let (frames, reset) = resume(&mut socket, ask).await;
    assert_eq!(
        (frames.len(), &reset["reason"]),
        (0, &json!("other_history"))
    );
    let mut bound = ben.chat_socket(ids[1]).await;
    let ask = json!({ "after": 0, "epoch": "of before" });
    let (frames, reset) = resume(&mut bound, ask).await;
    assert_eq!(
        (frames.len(), &reset["reason"]),
        (0, &json!("other_history"))
    );
    // A resume with the current epoch, or with none, works as usual.
    for epoch in [bound.hello["epoch"].clone(), Value::Null] {
        let ask = json!({ "after": 0, "epoch": epoch });
        let (frames, resumed) = resume(&mut bound, ask).await;
        assert_eq!((frames.len(), &resumed["type"]), (1, &json!("resumed")));
    }
}

#[tokio::test]
async fn epoch_outlives_restarts() {
    let mut app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    let before = epoch(&ann).await;
    app.restart().await;
    assert_eq!(epoch(&ann).await, before);
    assert!(before.len() >= 22);
    let other = TestApp::spawn().await;
    assert_ne!(epoch(&other.register_user("ann").await).await, before);
}

/// After a restore with another tool, the `mark` in the database is lower than
/// the copy in the data folder.
#[tokio::test]
async fn start_notices_older_database() {
    let mut app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    let before = epoch(&ann).await;
    app.stop().await;
    run(&app, &["UPDATE epoch SET mark = mark - 1".to_owned()]).await;
    app.start().await;
    let restored = epoch(&ann).await;
    assert_ne!(restored, before);
    // A backup from before the previous epoch is noticed too.
    app.stop().await;
    run(
        &app,
        &[format!(
            "UPDATE epoch SET epoch = '{before}', mark = mark + 9"
        )],
    )
    .await;
    app.start().await;
    assert!(![before, restored].contains(&epoch(&ann).await));
}

#[tokio::test]
async fn restored_command_renews_epoch() {
    let binary = TestBinary::migrated().await;
    let mut serving = binary.serve(&[]).await;
    let ann = TestUser::register(&serving.site, "ann").await;
    let before = epoch(&ann).await;
    let said = binary.run(&["restored"], "").await.expect_failure(1);
    assert!(said.contains("a server uses"), "{said}");
    serving.signal("TERM").await;
    serving.wait_for_exit().await;
    binary.run(&["restored"], "").await.expect_success();
    binary.run(&["doctor"], "").await.expect_success();
    let serving = binary.serve(&[]).await;
    let ann = TestUser::log_in(&serving.site, "ann", PASSWORD).await;
    assert_ne!(epoch(&ann).await, before);
    let ben = TestUser::register(&serving.site, "ben").await;
    assert!(ben.id > 1 << 32, "{}", ben.id);
}

/// Backs up, sends two messages, restores, sends three, and resumes with the
/// cursor from before the restore.
#[tokio::test]
async fn restore_resets_cursors_and_skips_ids() {
    let binary = TestBinary::migrated().await;
    if !binary.is_sqlite() {
        return;
    }
    let mut serving = binary.serve(&[]).await;
    let ann = TestUser::register(&serving.site, "ann").await;
    let ben = TestUser::register(&serving.site, "ben").await;
    ann.connect_with(&ben).await;
    let id = ann.open_direct_used(&ben).await;
    let file = binary.folder().join("copy.db");
    let file = file.to_str().unwrap();
    binary.run(&["backup", file], "").await.expect_success();
    let mut lost = Value::Null;
    for text in ["Lost 1", "Lost 2"] {
        lost = ann.send(id, text).await.expect(201);
    }
    let epoch = epoch(&ben).await;
    serving.signal("TERM").await;
    serving.wait_for_exit().await;
    binary
        .run(&["restore", file, "--replace"], "")
        .await
        .expect_success();
    let serving = binary.serve(&[]).await;
    let ann = TestUser::log_in(&serving.site, "ann", PASSWORD).await;
    let ben = TestUser::log_in(&serving.site, "ben", PASSWORD).await;
    for text in ["New 1", "New 2", "New 3"] {
        let sent = ann.send(id, text).await.expect(201);
        assert!(sent["id"].as_i64().unwrap() > lost["id"].as_i64().unwrap() + (1 << 31));
    }
    let mut socket = ben.socket("/ws/").await;
    assert_ne!(socket.hello["epoch"], epoch);
    let cursors = json!({ id.to_string(): lost["version"] });
    let ask = json!({ "cursors": cursors, "epoch": epoch });
    let (frames, reset) = resume(&mut socket, ask).await;
    assert_eq!(
        (frames.len(), &reset["reason"]),
        (0, &json!("other_history"))
    );
    let texts = ben.history(id).await;
    let texts: Vec<_> = texts
        .iter()
        .map(|it| it["text"].as_str().unwrap())
        .collect();
    assert_eq!(texts, ["The first.", "New 1", "New 2", "New 3"]);
}
