//! `PATCH /api/conversations/{id}/me/`: one's own settings.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use tidings::engine::testing::Faults;

use crate::groups::crew::{friends, leave, make, set_mine};
use crate::support::redact::assert_wire;
use crate::support::{Person, TestApp, until};

const SOON: &str = "2099-01-01T00:00:00.000Z";
const PAST: &str = "2001-01-01T00:00:00.000Z";

/// Ann with these groups, in each of which Ben is.
async fn groups(app: &TestApp, titles: &[&str]) -> (Vec<i64>, Person, Person) {
    let mut people = friends(app, &["ann", "ben"]).await;
    let mut ids = Vec::new();
    for title in titles {
        let made = make(&people[0], title, &["ben"]).await.expect(201);
        ids.push(made["id"].as_i64().unwrap());
    }
    let ben = people.remove(1);
    (ids, people.remove(0), ben)
}

async fn listed(person: &Person) -> Vec<i64> {
    let list = person.get("/api/conversations/").await.expect(200);
    let list = list.as_array().unwrap().iter();
    list.map(|found| found["id"].as_i64().unwrap()).collect()
}

fn mine(view: &Value) -> Value {
    json!([view["muted_until"], view["archived"], view["pinned"]])
}

async fn total(person: &Person) -> i64 {
    let hello = person.socket("/ws/").await.hello;
    hello["total_unread"].as_i64().unwrap()
}

#[tokio::test]
async fn what_is_left_out_stays_and_null_unmutes() {
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
async fn what_is_no_setting_is_refused() {
    let app = TestApp::spawn().await;
    let (ids, ann, _ben) = groups(&app, &["One"]).await;
    let before = ann.conversation(ids[0]).await;
    for body in [
        json!({ "muted_until": "tomorrow" }),
        json!({ "muted_until": 17 }),
        json!({ "archived": "yes" }),
        json!({ "pinned": null, "archived": 1 }),
    ] {
        set_mine(&ann, ids[0], body).await.refused(422, "invalid");
    }
    assert_eq!(ann.conversation(ids[0]).await, before);
}

#[tokio::test]
async fn settings_take_a_version_and_are_told_to_oneself_alone() {
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
    assert_eq!(seen["last_seq"], 1, "nothing stands in the history");
}

#[tokio::test]
async fn pinned_ones_are_listed_first() {
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
async fn a_message_brings_an_archived_conversation_back_in_its_own_version() {
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
async fn a_muted_one_stays_archived_while_it_is_muted() {
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

/// Guards the race of a message with its conversation being put away, also in
/// one batch: whichever came last holds.
#[tokio::test]
async fn whichever_comes_last_holds_also_when_both_come_at_once() {
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
async fn totals_leave_out_what_is_muted_archived_or_left() {
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
        assert_eq!(seen["unread_count"], 1, "each still says its own");
    }
    set_mine(&ann, ids[0], json!({ "muted_until": PAST }))
        .await
        .expect(200);
    assert_eq!(total(&ann).await, 2);
}

#[tokio::test]
async fn who_left_still_has_settings_of_their_own() {
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
async fn a_conversation_of_two_has_them_too() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let set = set_mine(&ben, id, json!({ "pinned": true })).await;
    assert_eq!(mine(&set.expect(200)), json!([null, false, true]));
    ann.get("/api/conversations/").await.expect(200);
    assert_eq!(
        mine(&ann.conversation(id).await),
        json!([null, false, false])
    );
}

/// Guards the introduction of a direct conversation: it comes with the first
/// message, and not with what was set before that.
#[tokio::test]
async fn what_is_set_before_the_first_message_introduces_nobody() {
    let app = TestApp::spawn().await;
    let (dan, eve) = app.connected_pair("dan", "eve").await;
    let mut eves = eve.socket("/ws/").await;
    let id = dan.direct_with(&eve).await;
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

/// The same where the Room dies before it has told it, and its successor does.
#[tokio::test]
async fn what_is_set_before_the_first_message_introduces_nobody_after_a_death() {
    let is_armed = Arc::new(AtomicBool::new(false));
    let armed = Arc::clone(&is_armed);
    let faults = Faults {
        before_telling: Some(Arc::new(move |_| {
            assert!(
                !armed.swap(false, Ordering::SeqCst),
                "a fault that a test asked for"
            );
        })),
        ..Faults::default()
    };
    let app = TestApp::builder().faults(faults).spawn().await;
    let (dan, eve) = app.connected_pair("dan", "eve").await;
    let id = dan.direct_with(&eve).await;
    let mut eves = eve.socket("/ws/").await;
    let mut dans = dan.socket("/ws/").await;
    is_armed.store(true, Ordering::SeqCst);
    let set = set_mine(&dan, id, json!({ "pinned": true })).await;
    assert!(matches!(set.status, 200 | 503), "{}", set.body);
    assert!(!is_armed.load(Ordering::SeqCst), "it died");
    // What is asked of the one that dies is answered `busy`.
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

/// Guards the first message of a conversation whose settings were changed
/// before it: it is what brings the conversation to the other, who knew nothing
/// of it until then.
#[tokio::test]
async fn settings_of_an_empty_one_are_nobody_elses_and_the_first_message_still_brings_it() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.direct_with(&ben).await;
    let (mut anns, mut bens) = (ann.socket("/ws/").await, ben.socket("/ws/").await);
    set_mine(&ann, id, json!({ "pinned": true }))
        .await
        .expect(200);
    let shown = anns.expect("conversation").await["conversation"].take();
    assert_eq!(mine(&shown), json!([null, false, true]));
    // Who hasn't opened it has settings too, and still doesn't have it.
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

/// The last day that RFC 3339 can write, and no moment after it.
#[tokio::test]
async fn last_moment_of_rfc_3339_is_kept() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
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
        set.refused(422, "invalid");
    }
    let root = crate::admin::admin(&app, "root").await;
    let last = json!({ "expires_at": "9999-12-31T23:59:59.999Z" });
    let invite = root
        .post("/api/admin/invites/", last.clone())
        .await
        .expect(201);
    assert_eq!(invite["expires_at"], last["expires_at"]);
}
