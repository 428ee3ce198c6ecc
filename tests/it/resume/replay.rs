//! The content of one conversation's replay.

use reqwest::Method;
use serde_json::{Value, json};

use super::client::{resume, send_many, seqs, without_presence};
use crate::groups::crew::{bring_back, group, leave, remove, rename, set_mine, set_role};
use crate::support::redact::assert_wire;
use crate::support::{TestApp, TestUser};

async fn touch(person: &TestUser, method: Method, path: &str, body: Value) {
    let request = person.site.request(method, path);
    let request = request.bearer_auth(&person.token).json(&body);
    let answer = person.site.send(request).await;
    assert!(answer.status < 300, "{}", answer.body);
}

fn path(id: i64, message: &Value) -> String {
    format!("/api/conversations/{id}/messages/{}/", message["id"])
}

/// Applies every kind of change to a group. Returns the group's version before
/// the changes.
async fn life(people: &[TestUser], id: i64) -> i64 {
    let (ann, ben) = (&people[0], &people[1]);
    let mut sent = Vec::new();
    for text in ["Two.", "Three.", "Four.", "Five."] {
        sent.push(ann.send(id, text).await.expect(201));
    }
    let quote = json!({ "text": "Six.", "reply_to": sent[1]["id"] });
    let to = format!("/api/conversations/{id}/messages/");
    ben.post(&to, quote).await.expect(201);
    let before = ann.conversation(id).await["version"].as_i64().unwrap();
    let text = json!({ "text": "Two!" });
    touch(ann, Method::PATCH, &path(id, &sent[0]), text).await;
    touch(ann, Method::DELETE, &path(id, &sent[1]), json!({})).await;
    let reactions = format!("{}reactions/👍/", path(id, &sent[3]));
    touch(ben, Method::PUT, &reactions, json!({})).await;
    ben.send(id, "Seven.").await.expect(201);
    rename(ann, id, "Another").await.expect(200);
    set_role(ann, id, "ben", "admin").await.expect(200);
    assert_eq!(remove(ann, id, "cas").await.status, 204);
    before
}

#[tokio::test]
async fn replay_has_current_state_in_order() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cas"]).await;
    let before = life(&people, id).await;
    let ben = &people[1];
    let history = ben.history(id).await;
    let present = ben.conversation(id).await;
    let mut socket = ben.chat_socket(id).await;
    let (frames, resumed) = resume(&mut socket, json!({ "after": before })).await;
    // Message Four is unchanged; Six quotes the deleted Three.
    assert_eq!(seqs(&frames), [2, 3, 5, 6, 7, 8, 9, 10]);
    for frame in &frames {
        let seq = usize::try_from(frame["message"]["seq"].as_i64().unwrap()).unwrap();
        assert_eq!(frame["message"], history[seq - 1]);
        assert_eq!(frame["conversation_id"], id);
        let kind = if seq < 7 {
            "message_updated"
        } else {
            "message"
        };
        assert_eq!(frame["type"], kind, "{frame}");
    }
    assert_eq!(frames[3]["message"]["reply_to"]["text"], "");
    assert_eq!(resumed["version"], present["version"]);
    let shown = without_presence(resumed["conversation"].clone());
    assert_eq!(shown, without_presence(present), "including markers");
    people[0].send(id, "Live.").await.expect(201);
    assert_eq!(socket.expect_message().await["text"], "Live.");
    socket.expect_nothing_until_pong().await;
}

#[tokio::test]
async fn unbound_socket_resumes_one_conversation() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cas"]).await;
    let before = life(&people, id).await;
    let mut socket = people[1].socket("/ws/").await;
    let ask = json!({ "conversation_id": id, "after": before });
    let (frames, resumed) = resume(&mut socket, ask).await;
    assert_eq!(seqs(&frames), [2, 3, 5, 6, 7, 8, 9, 10]);
    assert_eq!(resumed["type"], "resumed");
    socket.expect_nothing_until_pong().await;
}

#[tokio::test]
async fn current_cursor_replays_nothing() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let sent = ben.send(id, "Hello!").await.expect(201);
    let mut socket = ben.chat_socket(id).await;
    let ask = json!({ "after": sent["version"] });
    let (frames, resumed) = resume(&mut socket, ask).await;
    assert_eq!(frames, Vec::<Value>::new());
    assert_eq!(resumed["type"], "resumed");
    assert_wire!("resumed", resumed.clone());
    let people = resumed["conversation"]["participants"].as_array().unwrap();
    let read: Vec<_> = people.iter().map(|one| &one["read_seq"]).collect();
    assert_eq!(read, [1, 2], "a send marks everything before it as read");
}

/// A user's own settings take a version, but no other member gets a frame.
#[tokio::test]
async fn settings_change_is_in_resumed() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    set_mine(&ben, id, json!({ "pinned": true }))
        .await
        .expect(200);
    let mut socket = ben.chat_socket(id).await;
    let (frames, resumed) = resume(&mut socket, json!({ "after": 1 })).await;
    assert_eq!(frames, Vec::<Value>::new());
    assert_eq!(resumed["version"], 2);
    assert_eq!(resumed["conversation"]["pinned"], true);
}

#[tokio::test]
async fn replay_is_limited_to_500_messages() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let version = send_many(&ann, id, 500, "One of many.").await;
    assert_eq!(version, 501);
    let mut socket = ben.chat_socket(id).await;
    let (frames, resumed) = resume(&mut socket, json!({ "after": 1 })).await;
    assert_eq!(resumed["type"], "resumed");
    assert_eq!(seqs(&frames), (2..=501).collect::<Vec<_>>());
    let (frames, reset) = resume(&mut socket, json!({ "after": 0 })).await;
    assert_eq!(frames, Vec::<Value>::new());
    assert_wire!("reset", reset);
    ann.send(id, "Live.").await.expect(201);
    assert_eq!(socket.expect_message().await["text"], "Live.");
}

#[tokio::test]
async fn future_cursor_is_reset() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let mut socket = ben.chat_socket(id).await;
    let (_, reset) = resume(&mut socket, json!({ "after": 2 })).await;
    let found = (&reset["type"], &reset["reason"]);
    assert_eq!(found, (&json!("reset"), &json!("future_cursor")));
    ann.send(id, "Live.").await.expect(201);
    assert_eq!(socket.expect_message().await["text"], "Live.");
}

#[tokio::test]
async fn former_member_replays_earlier_messages() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    let sent = people[0].send(id, "Before.").await.expect(201);
    leave(&people[1], id).await.expect(200);
    people[0].send(id, "After.").await.expect(201);
    // An edit after the leave is hidden from the former member.
    let text = json!({ "text": "Before!" });
    touch(&people[0], Method::PATCH, &path(id, &sent), text).await;
    let mut socket = people[1].socket("/ws/").await;
    let ask = json!({ "conversation_id": id, "after": 1 });
    let (frames, resumed) = resume(&mut socket, ask).await;
    assert_eq!(seqs(&frames), [2]);
    let message = &frames[0]["message"];
    assert_eq!(
        (&message["text"], &message["version"]),
        (&json!(""), &json!(2))
    );
    let version = resumed["version"].clone();
    let found = (&version, &resumed["conversation"]["left"]);
    assert_eq!(found, (&json!(3), &json!(true)));
    let ask = json!({ "conversation_id": id, "after": version });
    let (frames, resumed) = resume(&mut socket, ask).await;
    assert_eq!((frames.len(), &resumed["version"]), (0, &version));
}

#[tokio::test]
async fn rejoined_member_replays_visible_messages() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    let first = people[0].send(id, "First stretch.").await.expect(201);
    leave(&people[1], id).await.expect(200);
    people[0].send(id, "Between.").await.expect(201);
    bring_back(&people[0], id, &people[1]).await;
    let text = json!({ "text": "Changed since." });
    touch(&people[0], Method::PATCH, &path(id, &first), text).await;
    people[0].send(id, "Second stretch.").await.expect(201);
    let mut socket = people[1].chat_socket(id).await;
    let (frames, resumed) = resume(&mut socket, json!({ "after": 1 })).await;
    assert_eq!(seqs(&frames), [5, 6]);
    assert_eq!(resumed["conversation"]["left"], false);
}

#[tokio::test]
async fn replay_continues_after_restart() {
    let mut app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    send_many(&ann, id, 3, "Before.").await;
    app.restart().await;
    let mut socket = ben.chat_socket(id).await;
    let (frames, resumed) = resume(&mut socket, json!({ "after": 1 })).await;
    assert_eq!(seqs(&frames), [2, 3, 4]);
    assert_eq!(resumed["version"], 4);
    ann.send(id, "After.").await.expect(201);
    assert_eq!(socket.expect_message().await["seq"], 5);
}

/// Guards where the next round of a former member's replay begins: messages
/// changed after the leave have higher versions than the leave.
#[tokio::test]
async fn former_member_replays_changes_once() {
    const TOUCHED: usize = 120;
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    let (ann, ben) = (&people[0], &people[1]);
    send_many(ann, id, TOUCHED, "News").await;
    leave(ben, id).await.expect(200);
    let mut anns = ann.chat_socket(id).await;
    for message in ann.history(id).await {
        if message["kind"] == "text" {
            let frame = json!({ "type": "reaction", "message_id": message["id"], "emoji": "👍",
                "on": true });
            anns.send(frame).await;
            anns.expect("message_updated").await;
        }
    }
    let mut socket = ben.socket("/ws/").await;
    let (frames, end) = resume(&mut socket, json!({ "conversation_id": id, "after": 0 })).await;
    assert_eq!(end["type"], "resumed", "{end}");
    let replayed = seqs(&frames);
    let all = ben.conversation(id).await["last_seq"].as_i64().unwrap();
    assert_eq!(replayed, (1..=all).collect::<Vec<_>>());
}

/// Guards former members of a busy group: messages after the leave are hidden
/// from them and must not count towards the replay limit.
#[tokio::test]
async fn former_member_replay_ignores_later_messages() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    let (ann, ben) = (&people[0], &people[1]);
    let first = ann.send(id, "Before.").await.expect(201);
    ann.send(id, "Before, too.").await.expect(201);
    leave(ben, id).await.expect(200);
    send_many(ann, id, 1_001, "After.").await;
    let mut socket = ben.socket("/ws/").await;
    let ask = json!({ "conversation_id": id, "after": 1 });
    let (frames, end) = resume(&mut socket, ask.clone()).await;
    assert_eq!(
        (seqs(&frames), &end["type"]),
        (vec![2, 3], &json!("resumed"))
    );
    touch(ann, Method::DELETE, &path(id, &first), json!({})).await;
    let (frames, end) = resume(&mut socket, ask).await;
    assert_eq!(
        (seqs(&frames), &end["type"]),
        (vec![2, 3], &json!("resumed"))
    );
    assert_eq!(end["version"], frames[0]["message"]["version"]);
}
