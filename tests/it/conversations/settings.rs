//! `PATCH /api/conversations/{id}/me/`: a member's own settings.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use tidings::engine::testing::FaultHooks;

use crate::groups::crew::{friends, leave, make, set_mine};
use crate::support::redact::assert_wire;
use crate::support::{TestApp, TestUser, until};

const SOON: &str = "2099-01-01T00:00:00.000Z";
const PAST: &str = "2001-01-01T00:00:00.000Z";

/// Creates groups of Ann and Ben with these titles.
async fn groups(app: &TestApp, titles: &[&str]) -> (Vec<i64>, TestUser, TestUser) {
    let mut people = friends(app, &["ann", "ben"]).await;
    let mut ids = Vec::new();
    for title in titles {
        let made = make(&people[0], title, &["ben"]).await.expect(201);
        ids.push(made["id"].as_i64().unwrap());
    }
    let ben = people.remove(1);
    (ids, people.remove(0), ben)
}

async fn listed(person: &TestUser) -> Vec<i64> {
    let list = person.get("/api/conversations/").await.expect(200);
    let list = list.as_array().unwrap().iter();
    list.map(|found| found["id"].as_i64().unwrap()).collect()
}

fn mine(view: &Value) -> Value {
    json!([view["muted_until"], view["archived"], view["pinned"]])
}

async fn total(person: &TestUser) -> i64 {
    let hello = person.socket("/ws/").await.hello;
    hello["total_unread"].as_i64().unwrap()
}

#[tokio::test]
async fn omitted_settings_stay_and_null_unmutes() {
    let app = TestApp::spawn().await;
    let (ids, ann, _ben) = groups(&app, &["One"]).await;
    let id = ids[0];
    let set = set_mine(&ann, id, json!({ "muted_until": SOON })).await;
    let set = set.expect(200);
    assert_eq!(mine(&set), json!([SOON, false, false]));
    assert_wire!("settings_muted", set);
    let steps = [
        (json!({ "pinned": true }), json!([SOON, false, true])),
        (json!({ "archived": true }), json!([SOON, true, true])),
        (json!({}), json!([SOON, true, true])),
        (json!({ "muted_until": null }), json!([null, true, true])),
        (
            json!({ "archived": false, "pinned": false }),
            json!([null, false, false]),
        ),
    ];
    for (body, expected) in steps {
        let set = set_mine(&ann, id, body.clone()).await.expect(200);
        assert_eq!(mine(&set), expected, "{body}");
        assert_eq!(mine(&ann.conversation(id).await), expected, "{body}");
    }
}

#[tokio::test]
async fn invalid_settings_are_refused() {
    let app = TestApp::spawn().await;
    let (ids, ann, _ben) = groups(&app, &["One"]).await;
    let before = ann.conversation(ids[0]).await;
    for body in [
        json!({ "muted_until": "tomorrow" }),
        json!({ "muted_until": 17 }),
        json!({ "archived": "yes" }),
        json!({ "pinned": null, "archived": 1 }),
    ] {
        set_mine(&ann, ids[0], body)
            .await
            .expect_problem(422, "invalid");
    }
    assert_eq!(ann.conversation(ids[0]).await, before);
}

#[tokio::test]
async fn settings_are_sent_to_owner_only() {
    let app = TestApp::spawn().await;
    let (ids, ann, ben) = groups(&app, &["One"]).await;
    let id = ids[0];
    let elsewhere = ann.log_in_again().await;
    let mut sockets = [
        ann.chat_socket(id).await,
        elsewhere.socket("/ws/").await,
        elsewhere.socket("/ws/notifications/").await,
    ];
    let mut other = ben.socket("/ws/").await;
    set_mine(&ann, id, json!({ "pinned": true }))
        .await
        .expect(200);
    for socket in &mut sockets {
        let shown = socket.expect("conversation").await["conversation"].take();
        assert_eq!(
            (&shown["pinned"], &shown["version"]),
            (&json!(true), &json!(2))
        );
        socket.expect_nothing_until_pong().await;
    }
    other.expect_nothing_until_pong().await;
    let seen = ben.conversation(id).await;
    assert_eq!(
        (&seen["pinned"], &seen["version"]),
        (&json!(false), &json!(2))
    );
    assert_eq!(seen["last_seq"], 1, "nothing is added to the history");
}

#[tokio::test]
async fn pinned_conversations_are_listed_first() {
    let app = TestApp::spawn().await;
    let (ids, ann, ben) = groups(&app, &["One", "Two", "Three"]).await;
    for id in &ids {
        ben.send(*id, "Hello!").await.expect(201);
    }
    assert_eq!(listed(&ann).await, [ids[2], ids[1], ids[0]]);
    set_mine(&ann, ids[0], json!({ "pinned": true }))
        .await
        .expect(200);
    assert_eq!(listed(&ann).await, [ids[0], ids[2], ids[1]]);
    assert_eq!(listed(&ben).await, [ids[2], ids[1], ids[0]]);
    let mut path = "/api/conversations/?limit=1".to_owned();
    for id in [ids[0], ids[2], ids[1]] {
        let page = ann.get(&path).await;
        let older = page.link("prev");
        assert_eq!(page.expect(200)[0]["id"], id);
        path = older.unwrap_or_default();
    }
}

#[tokio::test]
async fn message_unarchives_in_its_version() {
    let app = TestApp::spawn().await;
    let (ids, ann, ben) = groups(&app, &["One"]).await;
    let id = ids[0];
    set_mine(&ann, id, json!({ "archived": true }))
        .await
        .expect(200);
    let mut socket = ann.socket("/ws/").await;
    let mut bens = ben.socket("/ws/").await;
    let sent = ben.send(id, "Hello?").await.expect(201);
    let shown = socket.expect("conversation").await["conversation"].take();
    assert_eq!(shown["archived"], false);
    assert_eq!(socket.expect_message().await, sent);
    bens.expect("message").await;
    bens.expect_nothing_until_pong().await;
    let seen = ann.conversation(id).await;
    assert_eq!(
        (&seen["archived"], &seen["version"]),
        (&json!(false), &sent["version"])
    );
    ben.send(id, "Once more.").await.expect(201);
    socket.expect("message").await;
    socket.expect_nothing_until_pong().await;
}

#[tokio::test]
async fn muted_conversation_stays_archived() {
    let app = TestApp::spawn().await;
    let (ids, ann, ben) = groups(&app, &["One"]).await;
    let id = ids[0];
    let away = json!({ "archived": true, "muted_until": SOON });
    set_mine(&ann, id, away).await.expect(200);
    ben.send(id, "Hello?").await.expect(201);
    assert_eq!(ann.conversation(id).await["archived"], true);
    set_mine(&ann, id, json!({ "muted_until": PAST }))
        .await
        .expect(200);
    ben.send(id, "Hello?").await.expect(201);
    assert_eq!(ann.conversation(id).await["archived"], false);
}

/// Guards the race of a new message with archiving, even in one batch: the
/// later of the two changes wins.
#[tokio::test]
async fn later_of_message_and_archiving_wins() {
    let app = TestApp::spawn().await;
    let (ids, ann, ben) = groups(&app, &["One"]).await;
    let id = ids[0];
    for _ in 0..40 {
        let before = ann.conversation(id).await["version"].as_i64().unwrap();
        let (set, sent) = tokio::join!(
            set_mine(&ann, id, json!({ "archived": true })),
            ben.send(id, "Hello?")
        );
        set.expect(200);
        let sent = sent.expect(201)["version"].as_i64().unwrap();
        let archived_first = sent == before + 2;
        let seen = ann.conversation(id).await;
        assert_eq!(seen["archived"], !archived_first);
        set_mine(&ann, id, json!({ "archived": false }))
            .await
            .expect(200);
    }
}

#[tokio::test]
async fn totals_exclude_muted_and_archived() {
    let app = TestApp::spawn().await;
    let (ids, ann, ben) = groups(&app, &["One", "Two", "Three", "Four"]).await;
    for id in &ids {
        ben.send(*id, "Hello!").await.expect(201);
    }
    assert_eq!(total(&ann).await, 4);
    set_mine(&ann, ids[0], json!({ "muted_until": SOON }))
        .await
        .expect(200);
    assert_eq!(total(&ann).await, 3);
    set_mine(&ann, ids[1], json!({ "archived": true }))
        .await
        .expect(200);
    assert_eq!(total(&ann).await, 2);
    leave(&ann, ids[2]).await.expect(200);
    assert_eq!(total(&ann).await, 1);
    for id in &ids {
        let seen = ann.conversation(*id).await;
        assert_eq!(seen["unread_count"], 1, "each keeps its own count");
    }
    set_mine(&ann, ids[0], json!({ "muted_until": PAST }))
        .await
        .expect(200);
    assert_eq!(total(&ann).await, 2);
}

#[tokio::test]
async fn former_member_keeps_own_settings() {
    let app = TestApp::spawn().await;
    let (ids, ann, ben) = groups(&app, &["One"]).await;
    let id = ids[0];
    leave(&ben, id).await.expect(200);
    let mut socket = ben.socket("/ws/").await;
    let set = set_mine(&ben, id, json!({ "archived": true })).await;
    let set = set.expect(200);
    assert_eq!(
        (&set["left"], &set["archived"]),
        (&json!(true), &json!(true))
    );
    socket.expect("conversation").await;
    ann.send(id, "Hello?").await.expect(201);
    assert_eq!(ben.conversation(id).await["archived"], true);
    socket.expect_nothing_until_pong().await;
}

#[tokio::test]
async fn direct_conversation_has_settings_too() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let set = set_mine(&ben, id, json!({ "pinned": true })).await;
    assert_eq!(mine(&set.expect(200)), json!([null, false, true]));
    ann.get("/api/conversations/").await.expect(200);
    assert_eq!(
        mine(&ann.conversation(id).await),
        json!([null, false, false])
    );
}

/// Guards the introduction of a direct conversation to the other user: the
/// first message introduces it, not earlier settings.
#[tokio::test]
async fn early_settings_introduce_no_conversation() {
    let app = TestApp::spawn().await;
    let (dan, eve) = app.register_connected("dan", "eve").await;
    let mut eves = eve.socket("/ws/").await;
    let id = dan.open_direct(&eve).await;
    let mut dans = dan.socket("/ws/").await;
    for pinned in [true, false] {
        let set = set_mine(&dan, id, json!({ "pinned": pinned })).await;
        let set = set.expect(200);
        let shown = dans.expect("conversation").await["conversation"].take();
        assert_eq!(shown["version"], set["version"]);
    }
    eves.expect_nothing_until_pong().await;
    assert_eq!(listed(&eve).await, [] as [i64; 0]);
    let sent = dan.send(id, "Hello!").await.expect(201);
    for socket in [&mut eves, &mut dans] {
        let shown = socket.expect("conversation").await["conversation"].take();
        assert_eq!(
            (&shown["id"], &shown["version"]),
            (&json!(id), &json!(2)),
            "a cursor before the message that follows"
        );
        assert_eq!(socket.expect_message().await, sent);
        socket.expect_nothing_until_pong().await;
    }
    assert_eq!(listed(&eve).await, [id]);
}

/// The Room dies before a change's fan-out; the next Room sends the change.
#[tokio::test]
async fn early_settings_survive_room_death() {
    let is_armed = Arc::new(AtomicBool::new(false));
    let armed = Arc::clone(&is_armed);
    let faults = FaultHooks {
        before_fan_out: Some(Arc::new(move |_| {
            assert!(
                !armed.swap(false, Ordering::SeqCst),
                "a fault that a test asked for"
            );
        })),
        ..FaultHooks::default()
    };
    let app = TestApp::builder().faults(faults).spawn().await;
    let (dan, eve) = app.register_connected("dan", "eve").await;
    let id = dan.open_direct(&eve).await;
    let mut eves = eve.socket("/ws/").await;
    let mut dans = dan.socket("/ws/").await;
    is_armed.store(true, Ordering::SeqCst);
    let set = set_mine(&dan, id, json!({ "pinned": true })).await;
    assert!(matches!(set.status, 200 | 503), "{}", set.body);
    assert!(!is_armed.load(Ordering::SeqCst), "the Room died");
    // Commands to the dying Room are answered `busy`.
    let sent = until("a message to be taken", || async {
        let answer = dan.send_as(id, "Hello!", "hello").await;
        matches!(answer.status, 200 | 201).then_some(answer.body)
    })
    .await;
    let shown = eves.expect("conversation").await["conversation"].take();
    assert_eq!(
        (&shown["id"], &shown["last_message"]["id"]),
        (&json!(id), &sent["id"]),
        "not before there is something to read"
    );
    assert_eq!(eves.expect_message().await["id"], sent["id"]);
    eves.expect_nothing_until_pong().await;
    let shown = dans.expect("conversation").await["conversation"].take();
    assert_eq!(shown["pinned"], true);
}

/// Guards the first message after a change of settings: it introduces the
/// conversation to the other user, who had not seen it.
#[tokio::test]
async fn first_message_introduces_configured_conversation() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct(&ben).await;
    let (mut anns, mut bens) = (ann.socket("/ws/").await, ben.socket("/ws/").await);
    set_mine(&ann, id, json!({ "pinned": true }))
        .await
        .expect(200);
    let shown = anns.expect("conversation").await["conversation"].take();
    assert_eq!(mine(&shown), json!([null, false, true]));
    // Ben has settings too, but still doesn't list the conversation.
    set_mine(&ben, id, json!({ "archived": true }))
        .await
        .expect(200);
    bens.expect_nothing_until_pong().await;
    assert_eq!(listed(&ben).await, [] as [i64; 0]);
    let sent = ann.send(id, "Hello!").await.expect(201);
    let shown = bens.expect("conversation").await["conversation"].take();
    assert_eq!(shown["id"], id);
    assert_eq!(bens.expect_message().await, sent);
    bens.expect_nothing_until_pong().await;
    anns.expect("conversation").await;
    assert_eq!(anns.expect_message().await, sent);
    anns.expect_nothing_until_pong().await;
}

/// Tests the ends of the accepted range of times, the years 1 to 9999.
#[tokio::test]
async fn last_rfc_3339_time_is_kept() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let path = format!("/api/conversations/{id}/me/");
    for (sent, kept) in [
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000Z"),
        ("9999-12-31T23:59:59.999+14:00", "9999-12-31T09:59:59.999Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
    ] {
        let set = crate::groups::crew::patch(&ann, &path, json!({ "muted_until": sent })).await;
        assert_eq!(set.expect(200)["muted_until"], kept, "{sent}");
        assert_eq!(ann.conversation(id).await["muted_until"], kept, "{sent}");
    }
    for sent in [
        "9999-12-31T23:59:59-00:01",
        "+010000-01-01T00:00:00Z",
        "0000-12-31T23:59:59Z",
    ] {
        let set = crate::groups::crew::patch(&ann, &path, json!({ "muted_until": sent })).await;
        set.expect_problem(422, "invalid");
    }
    let root = crate::admin::admin(&app, "root").await;
    let last = json!({ "expires_at": "9999-12-31T23:59:59.999Z" });
    let invite = root
        .post("/api/admin/invites/", last.clone())
        .await
        .expect(201);
    assert_eq!(invite["expires_at"], last["expires_at"]);
}
