//! Totals leave out what is muted, archived or left, as it comes and goes.

use serde_json::json;

use super::{heard, next_unread, total, unread};
use crate::groups::crew::{friends, make, set_mine};
use crate::support::{Person, Socket, TestApp};

const SOON: &str = "2099-01-01T00:00:00.000Z";

/// Ben with two groups of Ann's, in each of which a message waits.
async fn two_groups(app: &TestApp) -> ([i64; 2], Person, Person) {
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

async fn both(ben: &Person) -> [Socket; 2] {
    let news = ben.log_in_again().await.socket("/ws/notifications/").await;
    [ben.socket("/ws/").await, news]
}

#[tokio::test]
async fn muting_and_archiving_are_told_with_the_total_they_leave() {
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
    assert_eq!(heard(&mut anns).await, [], "it is ben's alone");
}

#[tokio::test]
async fn a_message_counts_there_but_in_no_total_while_it_is_muted() {
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
async fn what_a_message_brings_back_counts_again() {
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
    // Muted, it stays away.
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

/// Nothing happens when a mute ends, but the total changes.
#[tokio::test]
async fn a_mute_that_ends_by_itself_brings_the_total_back() {
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
        assert_eq!(next_unread(socket).await, (2, 3), "it has ended");
    }
    assert_eq!(
        after.hello["total_unread"], 1,
        "it opened while that was muted"
    );
    assert_eq!(next_unread(&mut after).await, (2, 3));
    assert_eq!(total(&ben).await, 3);
    assert_eq!(heard(&mut before[0]).await, [], "once");
}

/// Guards the timer of a mute that was made longer: it says nothing.
#[tokio::test]
async fn a_mute_that_is_made_longer_ends_later() {
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
    // The other one's end is heard after the first would have been.
    set_mine(&ben, ids[1], json!({ "muted_until": in_a_moment() }))
        .await
        .expect(200);
    for socket in &mut sockets {
        for expected in [(1, 1), (1, 1), (1, 0), (1, 1)] {
            let told = socket.expect_aside("unread").await;
            assert_eq!(super::counts(&told), expected);
        }
    }
    assert_eq!(total(&ben).await, 1);
}
