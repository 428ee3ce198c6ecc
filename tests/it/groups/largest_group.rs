//! The cost of each change in the largest group: frames, bytes and statements.

use std::sync::Arc;

use entity::{ConversationId, Millis, UserId};
use sea_orm::ConnectionTrait;
use serde_json::json;
use tidings::protocol::{ConversationAction, MessageText, SubmittedMessage, User};
use tidings::store::Store;
use tidings::store::append::{AppendEntry, ConversationChange};

use super::crew::{group, invite, remove, rename};
use crate::store::statements::watched;
use crate::support::{TestApp, TestSocket, TestUser};

const NAMES: [&str; 5] = ["ann", "ben", "cas", "dan", "eve"];

/// A group frame lists only the recipient and the owner, so its size doesn't
/// grow with the group.
const FRAME_MAX: usize = 2_048;

/// Adds `count` members by SQL: over REST, hashing 1,000 passwords would take
/// minutes.
pub(crate) async fn fill(app: &TestApp, id: i64, count: usize) {
    let people = format!(
        "INSERT INTO \"user\" (username, username_key, display_name, about, password_hash, \
         is_admin, created_at) WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g \
         WHERE n < {count}) SELECT 'crowd' || n, 'crowd' || n, 'One of many', '', 'none', \
         FALSE, 0 FROM g"
    );
    let parts = format!(
        "INSERT INTO participant (conversation_id, user_id, role, joined_seq, joined_at, \
         delivered_seq, read_seq, read_ord, version, archived, pinned) SELECT {id}, id, 0, 0, 0, \
         1, 1, 0, 1, FALSE, FALSE FROM \"user\" WHERE username LIKE 'crowd%'"
    );
    let counted = format!(
        "UPDATE conversation SET participant_count = participant_count + {count} WHERE id = {id}"
    );
    let groups = "INSERT INTO group_count (user_id, groups) SELECT id, 1 FROM \"user\" \
                  WHERE username LIKE 'crowd%'";
    run(app, &[people, parts, counted, groups.to_owned()]).await;
}

/// Changes the database without the server.
pub(crate) async fn run(app: &TestApp, statements: &[String]) {
    let database = app.database().connection().await;
    for statement in statements {
        database.execute_unprepared(statement).await.unwrap();
    }
    database.close().await.unwrap();
}

/// Checks that each socket receives frames of exactly these types; returns the
/// mean number of bytes per socket.
async fn expect_frames(sockets: &mut [TestSocket], kinds: &[&str]) -> usize {
    let mut bytes = 0;
    for socket in sockets.iter_mut() {
        for kind in kinds {
            let length = socket.expect(kind).await.to_string().len();
            assert!(length < FRAME_MAX, "{kind}: {length}");
            bytes += length;
        }
        socket.expect_nothing_until_pong().await;
    }
    bytes / sockets.len()
}

async fn sockets(people: &[TestUser]) -> Vec<TestSocket> {
    let mut sockets = Vec::new();
    for person in people {
        sockets.push(person.socket("/ws/").await);
    }
    sockets
}

#[tokio::test]
async fn large_group_change_sends_small_frames() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &NAMES).await;
    fill(&app, id, 1_000 - NAMES.len()).await;
    let mut sockets = sockets(&people).await;
    people[0].send(id, "Hello, all of you!").await.expect(201);
    let message = expect_frames(&mut sockets, &["message"]).await;
    rename(&people[0], id, "Crowd").await.expect(200);
    let renamed = expect_frames(&mut sockets, &["conversation", "message"]).await;
    assert_eq!(remove(&people[0], id, "crowd7").await.status, 204);
    let removed = expect_frames(&mut sockets, &["conversation", "message"]).await;
    println!("bytes to each: message {message}, rename {renamed}, removal {removed}");
    let seen = people[1].conversation(id).await;
    assert_eq!(seen["participant_count"], 999);
    let names = seen["participants"].as_array().unwrap().iter();
    let names: Vec<_> = names.map(|one| &one["user"]["username"]).collect();
    assert_eq!(names, ["ann", "ben"], "the reader and the owner");
}

#[tokio::test]
async fn group_has_at_most_1000_members() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &NAMES).await;
    fill(&app, id, 999 - NAMES.len()).await;
    for name in ["one", "more"] {
        let new = app.register_user(name).await;
        people[0].connect_with(&new).await;
    }
    invite(&people[0], id, "one").await.expect(201);
    invite(&people[0], id, "more")
        .await
        .expect_problem(409, "conflict");
    let mut path = format!("/api/conversations/{id}/members/?limit=100");
    let mut pages = 0;
    loop {
        let page = people[1].get(&path).await;
        pages += 1;
        let next = page.link("next");
        assert_eq!(page.expect(200).as_array().unwrap().len(), 100);
        match next {
            Some(next) => path = next,
            None => break,
        }
    }
    assert_eq!(pages, 10);
    assert_eq!(
        people[0].conversation(id).await["participant_count"],
        json!(1_000)
    );
}

/// Counts the statements of one write, and of reading the changed conversation
/// for all members.
async fn cost(
    store: &Store,
    id: i64,
    what: ConversationAction<Arc<ConversationChange>>,
) -> (usize, usize) {
    let id = ConversationId(id);
    let room = store.rooms().load(id).await.unwrap();
    let people: Vec<UserId> = room.members.iter().map(|member| member.user.id).collect();
    let actor: User = room.members[0].user.clone();
    let append = AppendEntry {
        conversation: id,
        members_version: room.members_version,
        verdict: Ok(()),
        actor,
        action: what,
        may_moderate: false,
        has_others: true,
        has_archived: room.members.iter().any(|member| member.archived),
    };
    let writing = store
        .journal()
        .append_batch(std::slice::from_ref(&append), Millis::now());
    let (outcomes, written) = watched(writing).await;
    let outcome = &outcomes.unwrap().outcomes[0];
    assert!(outcome.is_written(), "{outcome:?}");
    let (views, shown) = watched(store.conversations().load_views(&people, id)).await;
    assert_eq!(views.unwrap().len(), people.len());
    (written.statements().len(), shown.statements().len())
}

async fn costs(app: &TestApp, id: i64, gone: UserId) -> Vec<(usize, usize)> {
    let store = app.store().await;
    let change = |change: ConversationChange| {
        let event = "{}".to_owned();
        ConversationAction::ChangeGroup(Arc::new(ConversationChange { event, ..change }))
    };
    let post = SubmittedMessage {
        text: Ok(MessageText::parse("hello").unwrap()),
        client_id: None,
        reply_to: None,
    };
    let renamed = ConversationChange {
        title: Some("New".to_owned()),
        ..ConversationChange::default()
    };
    let removed = ConversationChange {
        left: vec![gone],
        ..ConversationChange::default()
    };
    // The first post also allocates a block of ids.
    cost(&store, id, ConversationAction::Send(Arc::new(post.clone()))).await;
    let mut costs = Vec::new();
    for what in [
        ConversationAction::Send(Arc::new(post)),
        change(renamed),
        change(removed),
    ] {
        costs.push(cost(&store, id, what).await);
    }
    store.close().await;
    costs
}

#[tokio::test]
async fn statement_count_ignores_group_size() {
    let app = TestApp::spawn().await;
    let (small, people) = group(&app, &NAMES).await;
    let gone = UserId(people[4].id);
    let few = costs(&app, small, gone).await;
    let large = super::crew::make(&people[0], "Large", &NAMES[1..]).await;
    let large = large.expect(201)["id"].as_i64().unwrap();
    fill(&app, large, 995).await;
    let many = costs(&app, large, gone).await;
    println!("statements to write and to show: message, rename, removal: {many:?}");
    assert_eq!(many, few);
}
