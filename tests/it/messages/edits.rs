use serde_json::json;

use super::{edit, path};
use crate::groups::crew::{group, invite};
use crate::support::TestApp;
use crate::support::redact::assert_wire;

#[tokio::test]
async fn edit_reaches_members_in_next_version() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let sent = ann.send(id, "Helo").await.expect(201);
    let mut here = ann.socket("/ws/").await;
    let mut there = ben.chat_socket(id).await;
    let frame = json!({
        "type": "edit", "conversation_id": id, "message_id": sent["id"], "message": "\nHello ",
    });
    here.send(frame).await;
    let told = there.expect("message_updated").await;
    assert_eq!(here.expect("message_updated").await, told);
    assert_eq!(told["message"]["text"], "Hello");
    assert_eq!(told["message"]["seq"], sent["seq"]);
    let next = sent["version"].as_i64().unwrap() + 1;
    assert_eq!(told["message"]["version"], next);
    assert_eq!(ben.history(id).await[1], told["message"]);
    assert_eq!(ben.conversation(id).await["version"], next);
    assert_wire!("message_updated", told);
}

#[tokio::test]
async fn unchanged_text_is_no_edit() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let sent = ann.send(id, "Hello").await.expect(201);
    let mut there = ben.socket("/ws/").await;
    let same = edit(&ann, &path(id, &sent), "Hello").await.expect(200);
    assert_eq!(same["version"], sent["version"]);
    assert_eq!(same["edited_at"], json!(null));
    there.expect_nothing_until_pong().await;
}

#[tokio::test]
async fn message_is_edited_by_sender_only() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let sent = ann.send(id, "Hello").await.expect(201);
    let path = path(id, &sent);
    edit(&ben, &path, "Bye")
        .await
        .expect_problem(403, "forbidden");
    edit(&ann, &path, " ")
        .await
        .expect_problem(422, "text_empty");
    let stranger = app.register_user("cas").await;
    edit(&stranger, &path, "Bye")
        .await
        .expect_problem(404, "not_found");
    let elsewhere = format!("/api/conversations/{id}/messages/999999/");
    edit(&ann, &elsewhere, "Bye")
        .await
        .expect_problem(404, "not_found");
    assert_eq!(ann.history(id).await[1]["text"], "Hello");
}

/// A member who joined later must not receive a change of an older message.
#[tokio::test]
async fn late_joiner_receives_no_earlier_edits() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    let (ann, ben) = (&people[0], &people[1]);
    let old = ann.send(id, "Before cas").await.expect(201);
    let cas = app.register_user("cas").await;
    ann.connect_with(&cas).await;
    invite(ann, id, "cas").await.expect(201);
    let mut hers = cas.chat_socket(id).await;
    let mut his = ben.chat_socket(id).await;
    edit(ann, &path(id, &old), "Before Cas").await.expect(200);
    his.expect("message_updated").await;
    hers.expect_nothing_until_pong().await;
    ann.send(id, "Welcome").await.expect(201);
    assert_eq!(hers.expect_message().await, his.expect_message().await);
}

#[tokio::test]
async fn quote_changes_with_edited_original() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let sent = ann.send(id, "Helo").await.expect(201);
    let body = json!({ "text": "Hi", "reply_to": sent["id"] });
    let to = format!("/api/conversations/{id}/messages/");
    let answer = ben.post(&to, body).await.expect(201);
    let mut here = ann.socket("/ws/").await;
    edit(&ann, &path(id, &sent), "Hello").await.expect(200);
    let original = here.expect("message_updated").await["message"].clone();
    let quoting = here.expect("message_updated").await["message"].clone();
    assert_eq!(original["text"], "Hello");
    assert_eq!(quoting["id"], answer["id"]);
    assert_eq!(quoting["reply_to"]["text"], "Hello");
    assert_eq!(quoting["version"], original["version"]);
}

/// Program code keeps its indentation on each endpoint and frame that sends it.
#[tokio::test]
async fn indentation_is_kept_on_every_endpoint() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let code = "    def f():\n        pass";
    let sent = format!("\n \t\n{code}\n\n ");
    let posted = ann.send(id, &sent).await.expect(201);
    assert_eq!(posted["text"], code);
    let by_name = json!({ "message": sent });
    let by_name = ann.post("/messages/send/ben/", by_name).await;
    assert_eq!(by_name.expect(201)["text"], code);
    let mut socket = ann.chat_socket(id).await;
    socket.send_text(&sent).await;
    assert_eq!(socket.expect_message().await["text"], code);
    let edit = json!({ "type": "edit", "message_id": posted["id"], "message": format!("{sent}x") });
    socket.send(edit).await;
    let edited = socket.expect("message_updated").await;
    assert_eq!(edited["message"]["text"], format!("{code}\n\n x"));
    // The length limit applies to the trimmed text.
    let full = "x".repeat(10_000);
    ann.send(id, &format!("\n\n{full} \n")).await.expect(201);
    let me = json!({ "about": sent });
    let me = crate::groups::crew::patch(&ann, "/api/me/", me).await;
    assert_eq!(me.expect(200)["about"], code);
}
