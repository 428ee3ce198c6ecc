//! What one may not know of is like what there isn't: in what is said, and in
//! every header.

use std::time::Duration;

use serde_json::{Value, json};

use super::doors;
use super::table::{ROLES, Row};
use super::world::{Things, World};
use crate::pages::Browser;
use crate::support::{Answer, Person, TestApp};

/// What never was: an id, and one that no id can be.
const NEVER: [&str; 2] = ["8999999999999", "99999999999999999999999"];

/// What belongs to others, and to nobody who asks from outside.
const HIDDEN: [&str; 4] = [
    "{group}",
    "{others direct}",
    "{others request}",
    "{others login}",
];

fn hides(row: &Row, role: usize) -> bool {
    row.cells[role] == "404" && HIDDEN.iter().any(|name| row.path().contains(name))
}

#[tokio::test]
async fn what_one_may_not_know_of_is_told_like_what_there_is_not() {
    let world = World::new().await;
    let mut compared = 0;
    for row in doors() {
        for (at, role) in ROLES.iter().enumerate() {
            if !hides(&row, at) {
                continue;
            }
            // Who isn't let in has nothing of their own.
            let whose = match *role {
                "stranger" | "deactivated" => "user",
                role => role,
            };
            let things = Things::of(&world, whose, &row).await;
            let with = things.fill(&row.with);
            let real = things.fill(row.path());
            let told = world.ask(role, &row, (&real, &with)).await;
            assert_eq!(told.status, 404, "{role} {real}");
            for never in NEVER {
                // In a query that is no number at all, whatever there is.
                if row.path().contains('?') && never.parse::<i64>().is_err() {
                    continue;
                }
                let path = HIDDEN.iter().fold(row.path().to_owned(), |path, name| {
                    path.replace(name, never)
                });
                let path = things.fill(&path);
                assert_ne!(path, real);
                let nothing = world.ask(role, &row, (&path, &with)).await;
                assert_eq!(told, nothing, "{role} {real} and {path}");
            }
            compared += 1;
        }
    }
    assert!(compared > 20, "only {compared} compared");
}

/// A house whose Rooms gather marks for an hour: what is answered at all
/// doesn't wait for that.
async fn slow_to_gather() -> TestApp {
    let builder = TestApp::builder().settings(|settings| {
        settings.timings.marks_gathered_for = Duration::from_secs(3600);
    });
    builder.spawn().await
}

const NEVER_WAS: i64 = 8_999_999_999_999;

/// Status, headers and body, but for the time.
fn told(mut answer: Answer) -> (u16, reqwest::header::HeaderMap, Value) {
    answer.headers.remove("date");
    (answer.status, answer.headers, answer.body)
}

/// Guards against telling by time: marks are gathered, and a stranger's was
/// answered after that where there was a conversation, and at once where not.
#[tokio::test]
async fn a_strangers_mark_is_refused_without_being_gathered() {
    let app = slow_to_gather().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let message = ann.history(id).await[0]["id"].clone();
    let cat = app.person("cat").await;
    for kind in ["delivered", "read"] {
        let mark = async |conversation: i64| {
            let path = format!("/api/conversations/{conversation}/{kind}/");
            told(cat.post(&path, json!({ "message_id": message })).await)
        };
        let there = mark(id).await;
        assert_eq!(there.0, 404);
        assert_eq!(there, mark(NEVER_WAS).await, "{kind}");
    }
    let mut browser = Browser::at(&app);
    browser.log_in("cat").await.expect(303);
    browser.get("/messages").await.expect(200);
    let mut pages = Vec::new();
    for conversation in [id, NEVER_WAS] {
        let (conversation, message) = (conversation.to_string(), message.to_string());
        let fields = [("conversation", &*conversation), ("message", &*message)];
        let page = browser.submit("/messages/read", &fields).await.expect(404);
        pages.push(page.source);
    }
    assert_eq!(pages[0], pages[1]);
}

#[tokio::test]
async fn whoever_has_left_is_told_so_at_once_too() {
    let app = slow_to_gather().await;
    let (group, people) = crate::groups::crew::group(&app, &["ann", "ben", "cas"]).await;
    let sent = people[0].send(group, "Hello!").await.expect(201);
    let cas = &people[2];
    let leave = format!("/api/conversations/{group}/leave/");
    cas.post(&leave, json!({})).await;
    let read = format!("/api/conversations/{group}/read/");
    let refused = cas.post(&read, json!({ "message_id": sent["id"] })).await;
    refused.refused(403, "not_a_participant");
}

/// What a frame about a conversation is answered, but for its id.
async fn answer_of(person: &Person, mut frame: Value, conversation: i64) -> Value {
    let mut socket = person.socket("/ws/").await;
    frame["conversation_id"] = json!(conversation);
    socket.send(frame).await;
    let mut answer = socket.expect("error").await;
    answer.as_object_mut().unwrap().remove("conversation_id");
    answer
}

#[tokio::test]
async fn no_frame_tells_what_there_is() {
    let app = slow_to_gather().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let message = ann.history(id).await[0]["id"].clone();
    let cat = app.person("cat").await;
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
        let never = answer_of(&cat, frame.clone(), NEVER_WAS).await;
        assert_eq!(there, never, "{frame}");
    }
}

/// What is named in a body, and not in the path.
#[tokio::test]
async fn no_body_tells_what_there_is() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let theirs = ann.history(id).await[0]["id"].clone();
    let (cat, dan) = app.connected_pair("cat", "dan").await;
    let own = cat.talk_with(&dan).await;
    let quote = async |message: Value| {
        let path = format!("/api/conversations/{own}/messages/");
        told(
            cat.post(&path, json!({ "text": "Hello!", "reply_to": message }))
                .await,
        )
    };
    assert_eq!(quote(theirs.clone()).await, quote(json!(NEVER_WAS)).await);
    let read = async |message: Value| {
        let path = format!("/api/conversations/{own}/read/");
        told(cat.post(&path, json!({ "message_id": message })).await)
    };
    assert_eq!(read(theirs).await, read(json!(NEVER_WAS)).await);
}
