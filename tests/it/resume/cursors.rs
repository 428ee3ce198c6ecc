//! Resuming all of a user's conversations at once.

use serde_json::{Value, json};

use super::client::{resume, without_presence};
use crate::groups::crew::{bring_back, friends, invite, leave, make, set_mine};
use crate::support::redact::assert_wire;
use crate::support::{TestApp, TestUser};

async fn crew(owner: &TestUser, title: &str, others: &[&str]) -> i64 {
    let made = make(owner, title, others).await.expect(201);
    made["id"].as_i64().unwrap()
}

/// Returns each frame's type, conversation and `seq`.
fn short(frames: &[Value]) -> Vec<(String, i64, Option<i64>)> {
    let frames = frames.iter().map(|frame| {
        let id = [&frame["conversation_id"], &frame["conversation"]["id"]];
        let id = id.iter().find_map(|id| id.as_i64()).unwrap();
        let kind = frame["type"].as_str().unwrap().to_owned();
        (kind, id, frame["message"]["seq"].as_i64())
    });
    frames.collect()
}

/// Resumes and returns all frames before `synced`, and `synced` itself.
async fn sync(person: &TestUser, cursors: Value) -> (Vec<Value>, Value) {
    let mut socket = person.socket("/ws/").await;
    socket
        .send(json!({ "type": "resume", "cursors": cursors }))
        .await;
    let mut frames = Vec::new();
    loop {
        let frame = socket.next().await;
        if frame["type"] == "synced" {
            socket.expect_nothing_until_pong().await;
            return (frames, frame);
        }
        frames.push(frame);
    }
}

#[tokio::test]
async fn conversations_resume_from_their_cursors() {
    let app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben", "cas"]).await;
    let (ann, ben) = (&people[0], &people[1]);
    let mut ids = Vec::new();
    for title in ["ahead", "level", "unnamed", "left", "rejoined", "future"] {
        let id = crew(ann, title, &["ben"]).await;
        ann.send(id, "Two.").await.expect(201);
        ids.push(id);
    }
    let theirs = crew(ann, "theirs", &["cas"]).await;
    let hidden = ann.open_direct(ben).await;
    let [ahead, level, unnamed, left, rejoined, future] = ids[..] else {
        panic!("{ids:?}");
    };
    ann.send(ahead, "Three.").await.expect(201);
    for id in [left, rejoined] {
        leave(ben, id).await.expect(200);
        ann.send(id, "Not for Ben.").await.expect(201);
    }
    bring_back(ann, rejoined, ben).await;
    let cursor = |id: i64, version: i64| (id.to_string(), json!(version));
    let cursors: serde_json::Map<String, Value> = [
        cursor(ahead, 1),
        cursor(level, 2),
        cursor(left, 1),
        cursor(rejoined, 2),
        cursor(future, 3),
        cursor(theirs, 0),
        cursor(hidden, 0),
        cursor(1 << 40, 7),
    ]
    .into_iter()
    .collect();
    let (frames, synced) = sync(ben, cursors.into()).await;
    let expected = [
        ("conversation", unnamed, None),
        ("message", ahead, Some(2)),
        ("message", ahead, Some(3)),
        ("resumed", ahead, None),
        ("message", left, Some(2)),
        ("resumed", left, None),
        ("message", rejoined, Some(5)),
        ("resumed", rejoined, None),
        ("reset", future, None),
    ];
    let expected = expected.map(|(kind, id, seq)| (kind.to_owned(), id, seq));
    assert_eq!(short(&frames), expected);
    let shown = without_presence(frames[0]["conversation"].clone());
    assert_eq!(shown, without_presence(ben.conversation(unnamed).await));
    assert_eq!(frames[5]["conversation"]["left"], true);
    assert_eq!(frames[8]["reason"], "future_cursor");
    let hello = ben.socket("/ws/").await.hello;
    assert_eq!(synced["total_unread"], hello["total_unread"]);
    assert_wire!("synced", synced);
}

#[tokio::test]
async fn unnamed_conversations_come_newest_first() {
    let app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben"]).await;
    let mut ids = Vec::new();
    for at in 0..20 {
        ids.push(crew(&people[0], &format!("Crew {at}"), &["ben"]).await);
    }
    let (frames, _) = sync(&people[1], json!({})).await;
    let shown = short(&frames).into_iter();
    let shown: Vec<_> = shown.map(|(kind, id, _)| (kind, id)).collect();
    let newest_first = ids.iter().rev();
    let expected = newest_first.map(|id| ("conversation".to_owned(), *id));
    assert_eq!(shown, expected.collect::<Vec<_>>());
}

#[tokio::test]
async fn conversations_are_live_after_resume() {
    let app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben"]).await;
    let (ann, ben) = (&people[0], &people[1]);
    let named = crew(ann, "Named", &["ben"]).await;
    let unnamed = crew(ann, "Unnamed", &["ben"]).await;
    let behind = crew(ann, "Behind", &["ben"]).await;
    let mut socket = ben.socket("/ws/").await;
    let cursors = json!({ named.to_string(): 1, behind.to_string(): 0 });
    let (_, first) = resume(&mut socket, json!({ "cursors": cursors })).await;
    assert_eq!(first["conversation_id"], behind);
    socket.expect("synced").await;
    for id in [named, unnamed, behind] {
        ann.send(id, "Live.").await.expect(201);
        let told = socket.expect_message().await;
        assert_eq!(
            (&told["seq"], &told["conversation_id"]),
            (&json!(2), &json!(id))
        );
    }
    let new = crew(ann, "New", &["ben"]).await;
    assert_eq!(
        socket.expect("conversation").await["conversation"]["id"],
        new
    );
    // The socket may resume again.
    let cursors = json!({ named.to_string(): 2, unnamed.to_string(): 2, behind.to_string(): 1 });
    let (frames, resumed) = resume(&mut socket, json!({ "cursors": cursors })).await;
    let shown: Vec<_> = short(&frames).into_iter().map(|one| one.1).collect();
    assert_eq!(shown, [new, behind]);
    assert_eq!(resumed["conversation_id"], behind);
    socket.expect("synced").await;
}

/// Guards a former member's cursor: only changes that the former member still
/// sees move it.
#[tokio::test]
async fn former_member_resumes_visible_changes() {
    let app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben", "cas", "dan"]).await;
    let [ann, ben, cas, dan] = &people[..] else {
        panic!("four people");
    };
    let id = crew(ann, "Crew", &["ben", "cas"]).await;
    leave(cas, id).await.expect(200);
    let sent = ann.send(id, "A secret").await.expect(201);
    let to = format!("/api/conversations/{id}/messages/");
    invite(ann, id, "dan").await.expect(201);
    let body = json!({ "text": "Oh", "reply_to": sent["id"] });
    let quoting = ann.post(&to, body).await.expect(201);
    let all_known = ben.conversation(id).await["version"].clone();
    for person in [ben, dan] {
        leave(person, id).await.expect(200);
    }
    // A cursor from just before the leave brings only the leave.
    let (frames, _) = sync(ben, json!({ id.to_string(): all_known })).await;
    assert_eq!(short(&frames), [("resumed".to_owned(), id, None)]);
    assert_eq!(frames[0]["conversation"]["left"], true);
    let cursor = async |person: &TestUser| person.conversation(id).await["version"].clone();
    let cursors = [cursor(ben).await, cursor(cas).await, cursor(dan).await];
    assert_eq!(frames[0]["version"], cursors[0]);
    let later = ann.send(id, "Later.").await.expect(201);
    for message in [&later, &sent] {
        let path = format!("{to}{}/", message["id"]);
        ann.delete(&path).await.expect(204);
    }
    // Dan joined after the quoted message, so the quote had no text for him.
    let seqs = [vec![&sent["seq"], &quoting["seq"]], vec![], vec![]];
    for ((person, before), seqs) in [ben, cas, dan].into_iter().zip(cursors).zip(seqs) {
        let (frames, _) = sync(person, json!({ id.to_string(): before })).await;
        let (told, resumed) = frames.split_at(seqs.len().min(frames.len()));
        let told: Vec<&Value> = told.iter().map(|frame| &frame["message"]["seq"]).collect();
        assert_eq!(told, seqs, "{}", person.username);
        assert_eq!(resumed.len(), usize::from(!seqs.is_empty()));
        let now = cursor(person).await;
        assert_eq!(now != before, !seqs.is_empty());
        assert!(resumed.iter().all(|frame| frame["version"] == now));
        assert_eq!(
            sync(person, json!({ id.to_string(): now })).await.0.len(),
            0
        );
    }
    // A former member's own settings move their cursor too.
    let before = cursor(cas).await;
    let mut socket = cas.socket("/ws/").await;
    let set = set_mine(cas, id, json!({ "pinned": true }))
        .await
        .expect(200);
    assert!(set["version"].as_i64() > before.as_i64());
    let shown = socket.expect("conversation").await["conversation"].take();
    assert_eq!(shown["version"], set["version"]);
    let (frames, _) = sync(cas, json!({ id.to_string(): before })).await;
    assert_eq!(short(&frames), [("resumed".to_owned(), id, None)]);
    let found = (&frames[0]["conversation"]["pinned"], &frames[0]["version"]);
    assert_eq!(found, (&json!(true), &set["version"]));
}
