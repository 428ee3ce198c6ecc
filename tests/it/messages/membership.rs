//! A member sees messages only within their membership: no quoted text from
//! before it, and no change after it.

use serde_json::{Value, json};

use super::{edit, path, react};
use crate::groups::crew::{group, invite, leave};
use crate::pages::Browser;
use crate::resume::client::resume;
use crate::support::{TestApp, TestUser};

async fn answer(person: &TestUser, id: i64, original: &Value) -> Value {
    let to = format!("/api/conversations/{id}/messages/");
    let body = json!({ "text": "Oh", "reply_to": original["id"] });
    person.post(&to, body).await.expect(201)
}

/// Returns the conversation's messages from the user's export.
async fn exported(app: &TestApp, person: &TestUser, id: i64) -> Vec<Value> {
    let mut browser = Browser::at(app);
    browser.log_in(&person.username).await.expect(303);
    browser.get("/settings").await.expect(200);
    let export = browser.submit("/settings/export", &[]).await.expect(200);
    let lines = export.source.lines();
    let lines = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
    let messages = lines.filter(|line| line["type"] == "message");
    let messages = messages.map(|line| line["message"].clone());
    let messages = messages.filter(|message| message["conversation_id"] == id);
    messages.collect()
}

/// Returns the messages that a resume after this version sends.
async fn replayed(person: &TestUser, id: i64, after: i64) -> Vec<Value> {
    let mut socket = person.socket("/ws/").await;
    let ask = json!({ "conversation_id": id, "after": after });
    let (frames, _) = resume(&mut socket, ask).await;
    let frames = frames.into_iter();
    let messages = frames.filter(|frame| frame["message"].is_object());
    messages.map(|frame| frame["message"].clone()).collect()
}

/// Returns a message as the history, a replay and the other ways of reading
/// show it.
async fn every_reading(app: &TestApp, person: &TestUser, id: i64, seq: i64) -> Vec<Value> {
    let mut found = vec![
        person.history(id).await,
        replayed(person, id, 0).await,
        exported(app, person, id).await,
    ];
    for place in ["around", "before", "after"] {
        let at = match place {
            "before" => seq + 1,
            "after" => seq - 1,
            _ => seq,
        };
        let page = format!("/api/conversations/{id}/messages/?{place}={at}");
        let page = person.get(&page).await.expect(200);
        found.push(page.as_array().unwrap().clone());
    }
    let of_seq = |all: Vec<Value>| all.into_iter().find(|message| message["seq"] == seq);
    let found = found.into_iter().map(|all| of_seq(all).unwrap());
    found.collect()
}

#[tokio::test]
async fn quote_from_before_joining_is_empty() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    let (ann, ben) = (&people[0], &people[1]);
    let original = ann.send(id, "A secret").await.expect(201);
    let cas = app.register_user("cas").await;
    ann.connect_with(&cas).await;
    invite(ann, id, "cas").await.expect(201);
    let mut theirs = [cas.socket("/ws/").await, cas.chat_socket(id).await];
    let mut his = ben.chat_socket(id).await;
    let sent = answer(ben, id, &original).await;
    assert_eq!(his.expect_message().await["reply_to"]["text"], "A secret");
    let quote = json!({
        "id": original["id"], "seq": original["seq"], "sender": original["sender"], "text": ""
    });
    for socket in &mut theirs {
        assert_eq!(socket.expect_message().await["reply_to"], quote);
    }
    let seq = sent["seq"].as_i64().unwrap();
    for message in every_reading(&app, &cas, id, seq).await {
        assert_eq!(message["reply_to"], quote);
    }
    let list = cas.get("/api/conversations/").await.expect(200);
    assert_eq!(list[0]["last_message"]["reply_to"], quote);
    let hello = cas.chat_socket(id).await.hello;
    assert_eq!(hello["conversation"]["last_message"]["reply_to"], quote);
    // A `message_updated` frame of the reply and the REST response have the
    // same quote.
    let echo = react(&cas, &path(id, &sent), "👍").await.expect(200);
    assert_eq!(
        (&echo["reply_to"], echo["reactions"].is_array()),
        (&quote, true)
    );
    for socket in &mut theirs {
        let told = socket.expect("message_updated").await;
        assert_eq!(told["message"]["reply_to"], quote);
    }
    let told = his.expect("message_updated").await;
    assert_eq!(told["message"]["reply_to"]["text"], "A secret");
    // A change of the original isn't sent to a member who joined after it.
    let cursor = cas.conversation(id).await["version"].as_i64().unwrap();
    edit(ann, &path(id, &original), "Another secret")
        .await
        .expect(200);
    his.expect("message_updated").await;
    let told = his.expect("message_updated").await;
    assert_eq!(told["message"]["reply_to"]["text"], "Another secret");
    for socket in &mut theirs {
        socket.expect_nothing_until_pong().await;
    }
    assert_eq!(replayed(&cas, id, cursor).await, [json!(null); 0]);
    assert_eq!(replayed(ben, id, cursor).await.len(), 2);
    let mine = cas.history(id).await.pop().unwrap();
    assert_eq!(
        (&mine["reply_to"], &mine["version"]),
        (&quote, &json!(cursor))
    );
}

/// Returns the fields whose changes take a version; changes of the delivery
/// status take none.
fn content(message: &Value) -> Value {
    let mut message = message.clone();
    let fields = message.as_object_mut().unwrap();
    for name in ["version", "status", "delivered_at", "is_read", "read_at"] {
        fields.remove(name);
    }
    message
}

/// Tests edits, reactions and quotes from before and after the member left.
#[tokio::test]
async fn former_member_sees_messages_as_then() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cas"]).await;
    let (ann, ben, cas) = (&people[0], &people[1], &people[2]);
    let mut sent = Vec::new();
    for text in ["One", "Two", "Three"] {
        sent.push(ann.send(id, text).await.expect(201));
    }
    sent.push(answer(ben, id, &sent[0]).await);
    edit(ann, &path(id, &sent[2]), "Three!").await.expect(200);
    react(ben, &path(id, &sent[1]), "👍").await.expect(200);
    let before = cas.history(id).await;
    leave(cas, id).await.expect(200);
    let left = cas.conversation(id).await["version"].as_i64().unwrap();
    let cursor = left;
    edit(ann, &path(id, &sent[0]), "Later one")
        .await
        .expect(200);
    react(ann, &path(id, &sent[1]), "👍").await.expect(200);
    react(ann, &path(id, &sent[1]), "🎉").await.expect(200);
    react(ann, &path(id, &sent[2]), "🎉").await.expect(200);
    react(ann, &path(id, &sent[3]), "🎉").await.expect(200);
    ann.send(id, "Later").await.expect(201);
    let mut expected = before.clone();
    // The text from before the change isn't stored any more.
    expected[1]["text"] = json!("");
    expected[4]["reply_to"]["text"] = json!("");
    for (seq, expected) in (1..).zip(&expected) {
        for message in every_reading(&app, cas, id, seq).await {
            assert!(message["version"].as_i64().unwrap() < left, "{message}");
            assert_eq!(content(&message), content(expected));
        }
    }
    let view = cas.conversation(id).await;
    assert_eq!(view["version"], left);
    assert_eq!(view["last_message"]["reactions"], json!([]));
    assert_eq!(view["last_message"]["reply_to"]["text"], "");
    assert_eq!(replayed(cas, id, cursor).await, [json!(null); 0]);
    // Members see all changes.
    let now = ben.history(id).await;
    assert_eq!(now[1]["text"], "Later one");
    assert_eq!(now[2]["reactions"].as_array().unwrap().len(), 2);
    assert_eq!(now[4]["reply_to"]["text"], "Later one");
}

#[tokio::test]
async fn former_member_receives_deletions_only() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cas"]).await;
    let (ann, ben, cas) = (&people[0], &people[1], &people[2]);
    let sent = ann.send(id, "A secret").await.expect(201);
    let quoting = answer(ben, id, &sent).await;
    leave(cas, id).await.expect(200);
    let cursor = cas.conversation(id).await["version"].as_i64().unwrap();
    edit(ann, &path(id, &sent), "Another").await.expect(200);
    assert_eq!(cas.conversation(id).await["version"], cursor);
    let later = answer(ben, id, &sent).await;
    ann.delete(&path(id, &sent)).await.expect(204);
    let now = cas.conversation(id).await["version"].as_i64().unwrap();
    assert!(now > cursor);
    let told = replayed(cas, id, cursor).await;
    let seqs: Vec<_> = told.iter().map(|message| &message["seq"]).collect();
    assert_eq!(seqs, [&sent["seq"], &quoting["seq"]]);
    assert_eq!(
        (&told[0]["deleted"], &told[0]["text"]),
        (&json!(true), &json!(""))
    );
    assert_eq!(told[1]["reply_to"]["text"], "");
    for message in &told {
        assert_eq!(message["version"], now);
    }
    assert_eq!(cas.history(id).await[1], told[0]);
    assert_eq!(replayed(cas, id, now).await, [json!(null); 0]);
    // Former members don't see later messages, nor their deletion.
    ben.delete(&path(id, &later)).await.expect(204);
    assert_eq!(cas.conversation(id).await["version"], now);
}
