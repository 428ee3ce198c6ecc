//! Users with many conversations: content and cost of `hello` and `resume`.

use std::collections::BTreeSet;

use entity::{ConversationId, Millis, UserId};
use serde_json::{Value, json};

use crate::groups::crew::{group, make};
use crate::groups::largest_group::run;
use crate::receipts::cost::copies;
use crate::store::statements::watched;
use crate::support::{TestApp, TestUser};

/// The maximum number of conversations without a cursor that one resume shows.
const UNNAMED_MAX: usize = 500;
/// Number of groups: it exceeds `UNNAMED_MAX` by more than two pages of the
/// list.
const MANY: usize = 740;

/// Creates a group of Ann and Ben, and copies of it, `many` groups in all.
async fn world(app: &TestApp, many: usize) -> (i64, Vec<TestUser>) {
    let (id, people) = group(app, &["ann", "ben"]).await;
    people[0].send(id, "Hello!").await.expect(201);
    let read = people[1].history(id).await;
    let path = format!("/api/conversations/{id}/read/");
    let mark = json!({ "message_id": read[1]["id"] });
    assert_eq!(people[1].post(&path, mark).await.status, 204);
    run(app, &copies(id, many - 1)).await;
    (id, people)
}

/// Resumes and returns all frames before `synced`, and `synced` itself.
async fn sync(person: &TestUser, cursors: Value) -> (Vec<Value>, Value) {
    resume(person, json!({ "type": "resume", "cursors": cursors })).await
}

async fn sync_since(person: &TestUser, cursors: Value, since: Millis) -> (Vec<Value>, Value) {
    let frame = json!({ "type": "resume", "cursors": cursors, "since": since });
    resume(person, frame).await
}

async fn resume(person: &TestUser, resume: Value) -> (Vec<Value>, Value) {
    let mut socket = person.socket("/ws/").await;
    socket.send(resume).await;
    let mut frames = Vec::new();
    loop {
        let frame = socket.next().await;
        if frame["type"] == "synced" {
            return (frames, frame);
        }
        frames.push(frame);
    }
}

/// Returns the ids and versions of all listed conversations, following `Link`.
async fn listed(person: &TestUser) -> Vec<(i64, i64)> {
    let mut path = "/api/conversations/?limit=100".to_owned();
    let mut ids = Vec::new();
    loop {
        let page = person.get(&path).await;
        let older = page.link("prev");
        let body = page.expect(200);
        let page = body.as_array().unwrap().iter();
        let number = |value: &Value| value.as_i64().unwrap();
        ids.extend(page.map(|one| (number(&one["id"]), number(&one["version"]))));
        match older {
            Some(older) => path = older,
            None => return ids,
        }
    }
}

fn shown(frames: &[Value]) -> Vec<i64> {
    let ids = frames.iter().map(|frame| {
        assert_eq!(frame["type"], "conversation");
        frame["conversation"]["id"].as_i64().unwrap()
    });
    ids.collect()
}

#[tokio::test]
async fn resume_shows_newest_and_flags_rest() {
    let app = TestApp::spawn().await;
    let (_, people) = world(&app, MANY).await;
    let ben = &people[1];
    let all = listed(ben).await;
    assert_eq!(all.len(), MANY);
    let (frames, synced) = sync(ben, json!({})).await;
    let ids: Vec<i64> = all.iter().map(|(id, _)| *id).collect();
    assert_eq!(shown(&frames), ids[..UNNAMED_MAX]);
    assert_eq!(synced["more"], true);
    // With cursors for the conversations shown, the next resume shows the rest.
    let named = all[..UNNAMED_MAX].iter();
    let cursors: serde_json::Map<_, _> = named
        .map(|(id, version)| (id.to_string(), json!(version)))
        .collect();
    let (frames, synced) = sync(ben, cursors.into()).await;
    assert_eq!(shown(&frames), ids[UNNAMED_MAX..]);
    assert_eq!(synced["more"], false);
}

/// A client that has a page of the list gets only the conversations with later
/// activity.
#[tokio::test]
async fn resume_since_time_shows_later_activity() {
    let app = TestApp::spawn().await;
    let (_, people) = world(&app, 60).await;
    let (ann, ben) = (&people[0], &people[1]);
    let all = listed(ben).await;
    let cursors = |ids: &[(i64, i64)]| -> Value {
        let named = ids.iter();
        let named = named.map(|(id, version)| (id.to_string(), json!(version)));
        named.collect::<serde_json::Map<_, _>>().into()
    };
    let since = Millis::now();
    let (frames, synced) = sync_since(ben, cursors(&all[..50]), since).await;
    assert_eq!(shown(&frames), [0; 0]);
    assert_eq!(synced["more"], false);
    let (last, _) = all[59];
    ann.send(last, "Hello again").await.expect(201);
    let (frames, _) = sync_since(ben, cursors(&all[..50]), since).await;
    assert_eq!(shown(&frames), [last]);
}

#[tokio::test]
async fn conversation_beyond_resume_is_live() {
    let app = TestApp::spawn().await;
    let (_, people) = world(&app, UNNAMED_MAX + 1).await;
    let (ann, ben) = (&people[0], &people[1]);
    let (oldest, _) = *listed(ben).await.last().unwrap();
    let mut socket = ben.socket("/ws/").await;
    let resume = json!({ "type": "resume", "cursors": {} });
    socket.send(resume).await;
    loop {
        let frame = socket.next().await;
        if frame["type"] == "synced" {
            assert_eq!(frame["more"], true);
            break;
        }
        assert_ne!(frame["conversation"]["id"], oldest);
    }
    ann.send(oldest, "Still here?").await.expect(201);
    let message = socket.expect_message().await;
    assert_eq!(message["conversation_id"], oldest);
}

/// Returns the number of rows that a resume reads, and a `hello`, for a user
/// with `many` groups.
async fn rows(many: usize) -> [u64; 2] {
    let app = TestApp::spawn().await;
    let (id, people) = world(&app, many).await;
    let (me, store) = (UserId(people[1].id), app.store().await);
    let (standings, resumed) = watched(store.replay().load_conversations(
        me,
        &[ConversationId(id)],
        None,
    ))
    .await;
    let standings = standings.unwrap();
    assert_eq!(standings.named.len(), 1);
    let different: BTreeSet<_> = standings.unnamed.iter().collect();
    assert_eq!(different.len(), (many - 1).min(UNNAMED_MAX));
    assert_eq!(standings.has_more, many - 1 > UNNAMED_MAX);
    let (waiting, greeted) = watched(store.unread().list(me)).await;
    assert!(waiting.unwrap().is_empty());
    store.close().await;
    [resumed.cost().rows, greeted.cost().rows]
}

#[tokio::test]
async fn resume_rows_are_bounded() {
    let few = rows(10).await;
    assert_eq!(few[0], 10);
    let many = rows(2 * UNNAMED_MAX).await;
    let most = rows(10_000).await;
    assert_eq!(many[0], UNNAMED_MAX as u64 + 2);
    assert_eq!(most[0], many[0]);
    // The user has nothing unread, so `hello` reads no conversation.
    assert_eq!([many[1], most[1]], [few[1], few[1]]);
}

#[tokio::test]
async fn new_group_is_sent_beyond_limit() {
    let app = TestApp::spawn().await;
    let (_, people) = world(&app, UNNAMED_MAX + 1).await;
    let mut socket = people[1].socket("/ws/").await;
    let made = make(&people[0], "New", &["ben"]).await.expect(201);
    let told = socket.expect("conversation").await;
    assert_eq!(told["conversation"]["id"], made["id"]);
}
