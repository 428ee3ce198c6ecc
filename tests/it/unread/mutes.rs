//! Totals leave out muted, archived and left conversations.

use serde_json::json;

use super::{next_unread, read_unread, total, unread};
use crate::groups::crew::{friends, make, set_mine};
use crate::support::{TestApp, TestSocket, TestUser};

const SOON: &str = "2099-01-01T00:00:00.000Z";

/// Creates two groups of Ann and Ben, each with one unread message for Ben.
async fn two_groups(app: &TestApp) -> ([i64; 2], TestUser, TestUser) {
    let mut people = friends(app, &["ann", "ben"]).await;
    let mut ids = [0; 2];
    for (id, title) in ids.iter_mut().zip(["One", "Two"]) {
        let made = make(&people[0], title, &["ben"]).await.expect(201);
        *id = made["id"].as_i64().unwrap();
        people[0].send(*id, "Hello!").await.expect(201);
    }
    let ben = people.remove(1);
    (ids, people.remove(0), ben)
}

async fn both(ben: &TestUser) -> [TestSocket; 2] {
    let news = ben.log_in_again().await.socket("/ws/notifications/").await;
    [ben.socket("/ws/").await, news]
}

#[tokio::test]
async fn muting_and_archiving_change_total() {
    let app = TestApp::spawn().await;
    let (ids, ann, ben) = two_groups(&app).await;
    let mut sockets = both(&ben).await;
    let steps = [
        (ids[0], json!({ "muted_until": SOON }), (1, 1)),
        (ids[1], json!({ "archived": true }), (1, 0)),
        (ids[0], json!({ "muted_until": null }), (1, 1)),
        (ids[1], json!({ "archived": false }), (1, 2)),
    ];
    for (id, body, expected) in steps {
        set_mine(&ben, id, body.clone()).await.expect(200);
        for socket in &mut sockets {
            assert_eq!(next_unread(socket).await, expected, "{body}");
        }
        assert_eq!(total(&ben).await, expected.1, "{body}");
    }
    let mut anns = ann.socket("/ws/").await;
    set_mine(&ben, ids[0], json!({ "muted_until": SOON }))
        .await
        .expect(200);
    assert_eq!(
        read_unread(&mut anns).await,
        [],
        "only ben's settings changed"
    );
}

#[tokio::test]
async fn muted_message_is_not_in_total() {
    let app = TestApp::spawn().await;
    let (ids, ann, ben) = two_groups(&app).await;
    set_mine(&ben, ids[0], json!({ "muted_until": SOON }))
        .await
        .expect(200);
    let mut sockets = both(&ben).await;
    ann.send(ids[0], "Hush").await.expect(201);
    for socket in &mut sockets {
        assert_eq!(next_unread(socket).await, (2, 1));
    }
    assert_eq!((unread(&ben, ids[0]).await, total(&ben).await), (2, 1));
}

#[tokio::test]
async fn unarchived_conversation_is_counted_again() {
    let app = TestApp::spawn().await;
    let (ids, ann, ben) = two_groups(&app).await;
    set_mine(&ben, ids[0], json!({ "archived": true }))
        .await
        .expect(200);
    let mut sockets = both(&ben).await;
    assert_eq!(sockets[0].hello["total_unread"], 1);
    ann.send(ids[0], "Back again").await.expect(201);
    for socket in &mut sockets {
        assert_eq!(next_unread(socket).await, (2, 3));
    }
    assert_eq!(total(&ben).await, 3);
    // A muted conversation stays archived.
    let away = json!({ "archived": true, "muted_until": SOON });
    set_mine(&ben, ids[1], away).await.expect(200);
    for socket in &mut sockets {
        assert_eq!(next_unread(socket).await, (1, 2));
    }
    ann.send(ids[1], "Hush").await.expect(201);
    for socket in &mut sockets {
        assert_eq!(next_unread(socket).await, (2, 2));
    }
    assert_eq!(total(&ben).await, 2);
}

fn in_a_moment() -> String {
    let then = jiff::Timestamp::now() + jiff::SignedDuration::from_millis(1_500);
    format!("{then:.3}")
}

/// No event marks the end of a mute, but the total changes.
#[tokio::test]
async fn expired_mute_restores_total() {
    let app = TestApp::spawn().await;
    let (ids, ann, ben) = two_groups(&app).await;
    let mut before = both(&ben).await;
    set_mine(&ben, ids[0], json!({ "muted_until": in_a_moment() }))
        .await
        .expect(200);
    for socket in &mut before {
        assert_eq!(next_unread(socket).await, (1, 1));
    }
    ann.send(ids[0], "Hush").await.expect(201);
    let mut after = ben.socket("/ws/").await;
    for socket in &mut before {
        assert_eq!(next_unread(socket).await, (2, 1));
        assert_eq!(next_unread(socket).await, (2, 3), "the mute has ended");
    }
    assert_eq!(after.hello["total_unread"], 1, "it opened during the mute");
    assert_eq!(next_unread(&mut after).await, (2, 3));
    assert_eq!(total(&ben).await, 3);
    assert_eq!(read_unread(&mut before[0]).await, [], "once");
}

/// Guards an extended mute: the timer of its first end must send nothing.
#[tokio::test]
async fn extended_mute_ends_later() {
    let app = TestApp::spawn().await;
    let (ids, _ann, ben) = two_groups(&app).await;
    let mut sockets = both(&ben).await;
    let first = in_a_moment();
    set_mine(&ben, ids[0], json!({ "muted_until": first }))
        .await
        .expect(200);
    set_mine(&ben, ids[0], json!({ "muted_until": SOON }))
        .await
        .expect(200);
    // The other mute ends after the first timer would have fired.
    set_mine(&ben, ids[1], json!({ "muted_until": in_a_moment() }))
        .await
        .expect(200);
    for socket in &mut sockets {
        for expected in [(1, 1), (1, 1), (1, 0), (1, 1)] {
            let told = socket.expect_side_frame("unread").await;
            assert_eq!(super::counts(&told), expected);
        }
    }
    assert_eq!(total(&ben).await, 1);
}
