//! A hidden object looks like a missing one, in the response's body and in
//! every header.

use std::time::Duration;

use serde_json::{Value, json};

use super::endpoint_rows;
use super::table::{ROLES, Row};
use super::world::{Things, World};
use crate::pages::Browser;
use crate::support::{ApiResponse, TestApp, TestUser};

/// Ids of objects that never existed: one in the range of ids, and one beyond
/// it.
const NEVER: [&str; 2] = ["8999999999999", "99999999999999999999999"];

/// Placeholders in a path for objects of other users.
const HIDDEN: [&str; 4] = [
    "{group}",
    "{others direct}",
    "{others request}",
    "{others login}",
];

fn is_hidden(row: &Row, role: usize) -> bool {
    row.cells[role] == "404" && HIDDEN.iter().any(|name| row.path().contains(name))
}

#[tokio::test]
async fn hidden_object_resembles_missing_one() {
    let world = World::new().await;
    let mut compared = 0;
    for row in endpoint_rows() {
        for (at, role) in ROLES.iter().enumerate() {
            if !is_hidden(&row, at) {
                continue;
            }
            // These roles have no objects of their own, so the path names those
            // of `user`.
            let whose = match *role {
                "stranger" | "deactivated" => "user",
                role => role,
            };
            let things = Things::of(&world, whose, &row).await;
            let with = things.fill(&row.with);
            let real = things.fill(row.path());
            let hidden = world.ask(role, &row, (&real, &with)).await;
            assert_eq!(hidden.status, 404, "{role} {real}");
            for never in NEVER {
                // In a query, an invalid number is refused before the object is
                // looked up.
                if row.path().contains('?') && never.parse::<i64>().is_err() {
                    continue;
                }
                let path = HIDDEN.iter().fold(row.path().to_owned(), |path, name| {
                    path.replace(name, never)
                });
                let path = things.fill(&path);
                assert_ne!(path, real);
                let missing = world.ask(role, &row, (&path, &with)).await;
                assert_eq!(hidden, missing, "{role} {real} and {path}");
            }
            compared += 1;
        }
    }
    assert!(compared > 20, "only {compared} compared");
}

/// Starts a server whose Rooms gather moves of markers for an hour. A response
/// that waits for such a batch never arrives.
async fn app_with_slow_batches() -> TestApp {
    let builder = TestApp::builder().settings(|settings| {
        settings.timings.marker_batch_window = Duration::from_secs(3600);
    });
    builder.spawn().await
}

const MISSING_ID: i64 = 8_999_999_999_999;

/// Returns status, headers and body without the date.
fn without_date(mut answer: ApiResponse) -> (u16, reqwest::header::HeaderMap, Value) {
    answer.headers.remove("date");
    (answer.status, answer.headers, answer.body)
}

/// Guards against a timing leak: the refusal of a stranger's marker used to
/// wait for the batch only if the conversation existed.
#[tokio::test]
async fn strangers_mark_is_refused_before_batch() {
    let app = app_with_slow_batches().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let message = ann.history(id).await[0]["id"].clone();
    let cat = app.register_user("cat").await;
    for kind in ["delivered", "read"] {
        let mark = async |conversation: i64| {
            let path = format!("/api/conversations/{conversation}/{kind}/");
            without_date(cat.post(&path, json!({ "message_id": message })).await)
        };
        let there = mark(id).await;
        assert_eq!(there.0, 404);
        assert_eq!(there, mark(MISSING_ID).await, "{kind}");
    }
    let mut browser = Browser::at(&app);
    browser.log_in("cat").await.expect(303);
    browser.get("/messages").await.expect(200);
    let mut pages = Vec::new();
    for conversation in [id, MISSING_ID] {
        let (conversation, message) = (conversation.to_string(), message.to_string());
        let fields = [("conversation", &*conversation), ("message", &*message)];
        let page = browser.submit("/messages/read", &fields).await.expect(404);
        pages.push(page.source);
    }
    assert_eq!(pages[0], pages[1]);
}

#[tokio::test]
async fn former_members_mark_is_refused_immediately() {
    let app = app_with_slow_batches().await;
    let (group, people) = crate::groups::crew::group(&app, &["ann", "ben", "cas"]).await;
    let sent = people[0].send(group, "Hello!").await.expect(201);
    let cas = &people[2];
    let leave = format!("/api/conversations/{group}/leave/");
    cas.post(&leave, json!({})).await;
    let read = format!("/api/conversations/{group}/read/");
    let refused = cas.post(&read, json!({ "message_id": sent["id"] })).await;
    refused.expect_problem(403, "not_a_participant");
}

/// Returns the error for a frame about `conversation`, without the id.
async fn answer_of(person: &TestUser, mut frame: Value, conversation: i64) -> Value {
    let mut socket = person.socket("/ws/").await;
    frame["conversation_id"] = json!(conversation);
    socket.send(frame).await;
    let mut answer = socket.expect("error").await;
    answer.as_object_mut().unwrap().remove("conversation_id");
    answer
}

#[tokio::test]
async fn frames_do_not_reveal_conversations() {
    let app = app_with_slow_batches().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let message = ann.history(id).await[0]["id"].clone();
    let cat = app.register_user("cat").await;
    for frame in [
        json!({ "type": "message", "message": "Hello!" }),
        json!({ "type": "message", "message": "Hello!", "client_id": "a", "reply_to": message }),
        json!({ "type": "edit", "message_id": message, "message": "Hello!" }),
        json!({ "type": "delete", "message_id": message }),
        json!({ "type": "reaction", "message_id": message, "emoji": "👍", "on": true }),
        json!({ "type": "typing", "is_typing": true }),
        json!({ "type": "delivered", "message_id": message }),
        json!({ "type": "read_receipt", "message_id": message }),
        json!({ "type": "resume", "after": 0 }),
    ] {
        let there = answer_of(&cat, frame.clone(), id).await;
        let never = answer_of(&cat, frame.clone(), MISSING_ID).await;
        assert_eq!(there, never, "{frame}");
    }
}

/// A refusal of the end of typing would show whether the conversation exists.
#[tokio::test]
async fn end_of_typing_is_never_refused() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let cat = app.register_user("cat").await;
    for conversation in [id, MISSING_ID] {
        let mut socket = cat.socket("/ws/").await;
        for is_typing in [true, false] {
            let frame = json!({
                "type": "typing", "conversation_id": conversation, "is_typing": is_typing,
            });
            socket.send(frame).await;
            if is_typing {
                socket.expect_error("not_found").await;
            }
        }
        let message = json!({
            "type": "message", "conversation_id": conversation, "message": "Hello!",
            "client_id": "a",
        });
        socket.send(message).await;
        assert_eq!(socket.expect_error("not_found").await["client_id"], "a");
    }
}

/// Covers objects that a request names in its body instead of its path.
#[tokio::test]
async fn bodies_do_not_reveal_messages() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let theirs = ann.history(id).await[0]["id"].clone();
    let (cat, dan) = app.register_connected("cat", "dan").await;
    let own = cat.open_direct_used(&dan).await;
    let quote = async |message: Value| {
        let path = format!("/api/conversations/{own}/messages/");
        without_date(
            cat.post(&path, json!({ "text": "Hello!", "reply_to": message }))
                .await,
        )
    };
    assert_eq!(quote(theirs.clone()).await, quote(json!(MISSING_ID)).await);
    let read = async |message: Value| {
        let path = format!("/api/conversations/{own}/read/");
        without_date(cat.post(&path, json!({ "message_id": message })).await)
    };
    assert_eq!(read(theirs).await, read(json!(MISSING_ID)).await);
}
