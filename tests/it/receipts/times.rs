//! The status of a message, and its times.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{again, has, has_read, marks};
use crate::groups::crew::{friends, group, invite, leave, make, rename, set_role};
use crate::support::{TestApp, TestUser};

fn at(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

/// Returns the status fields of a message, which must be equal for all these
/// users.
async fn state(people: &[&TestUser], message: &Value) -> Value {
    let mut states = Vec::new();
    for person in people {
        let seen = again(person, message).await;
        let fields = ["status", "delivered_at", "is_read", "read_at"];
        states.push(json!(fields.map(|field| seen[field].clone())));
    }
    assert!(states.iter().all(|state| *state == states[0]), "{states:?}");
    states.remove(0)
}

#[tokio::test]
async fn status_and_times_survive_restart() {
    let mut app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let sent = ann.send(id, "Tea?").await.expect(201);
    let both = [&ann, &ben];
    assert_eq!(
        state(&both, &sent).await,
        json!(["sent", null, false, null])
    );
    has(&ben, &sent).await;
    let delivered = state(&both, &sent).await;
    assert_eq!(delivered, json!(["delivered", delivered[1], false, null]));
    assert!(at(&delivered[1]) >= at(&sent["created_at"]));
    has_read(&ben, &sent).await;
    let read = state(&both, &sent).await;
    assert_eq!(read, json!(["read", delivered[1], true, read[3]]));
    // The gathering time lies between the two markers, so their times differ.
    assert!(at(&read[3]) > at(&delivered[1]));
    app.restart().await;
    assert_eq!(state(&both, &sent).await, read);
    // Markers on later messages don't change this message's times.
    let next = ann.send(id, "Or coffee?").await.expect(201);
    has_read(&ben, &next).await;
    assert_eq!(state(&both, &sent).await, read);
}

#[tokio::test]
async fn reading_sets_delivery_time_too() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let sent = ann.send(id, "Tea?").await.expect(201);
    has_read(&ben, &sent).await;
    let seen = state(&[&ann, &ben], &sent).await;
    assert_eq!(seen, json!(["read", seen[3], true, seen[3]]));
    at(&seen[3]);
}

#[tokio::test]
async fn sending_marks_earlier_messages_read() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let sent = ann.send(id, "Tea?").await.expect(201);
    let answer = ben.send(id, "Please").await.expect(201);
    let seen = state(&[&ann, &ben], &sent).await;
    assert_eq!(
        seen,
        json!(["read", answer["created_at"], true, answer["created_at"]])
    );
    assert_eq!(state(&[&ann], &answer).await[0], "sent");
}

#[tokio::test]
async fn late_joiner_delays_no_earlier_status() {
    let app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben", "cas", "dan"]).await;
    let made = make(&people[0], "Crew", &["ben", "cas"]).await.expect(201);
    let id = made["id"].as_i64().unwrap();
    let sent = people[0].send(id, "Tea?").await.expect(201);
    invite(&people[0], id, "dan").await.expect(201);
    has_read(&people[1], &sent).await;
    assert_eq!(state(&[&people[0]], &sent).await[0], "sent");
    has_read(&people[2], &sent).await;
    assert_eq!(state(&[&people[0], &people[1]], &sent).await[0], "read");
    let next = people[0].send(id, "And now?").await.expect(201);
    has_read(&people[1], &next).await;
    has_read(&people[2], &next).await;
    assert_eq!(
        state(&[&people[0]], &next).await[0],
        "sent",
        "dan is a recipient of this one"
    );
    has_read(&people[3], &next).await;
    assert_eq!(state(&[&people[0]], &next).await[0], "read");
}

/// Guards the overall marker of a group with one remaining member. In the past,
/// this marker stayed at those of former members, so no present member could
/// move it.
#[tokio::test]
async fn message_without_recipient_stays_sent() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    let cas = app.register_user("cas").await;
    people[0].connect_with(&cas).await;
    people[0].send(id, "Ben never sees this.").await.expect(201);
    leave(&people[1], id).await.expect(200);
    let alone = people[0].send(id, "Anybody?").await.expect(201);
    invite(&people[0], id, "cas").await.expect(201);
    let received = people[0].send(id, "Cas?").await.expect(201);
    has(&cas, &received).await;
    assert_eq!(state(&[&people[0]], &received).await[0], "delivered");
    has_read(&cas, &received).await;
    assert_eq!(state(&[&people[0]], &received).await[0], "read");
    let seen = state(&[&people[0]], &alone).await;
    assert_eq!(seen, json!(["sent", null, false, null]));
}

#[tokio::test]
async fn read_status_outlives_all_readers() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    let sent = people[0].send(id, "Tea?").await.expect(201);
    has_read(&people[1], &sent).await;
    let before = state(&[&people[0]], &sent).await;
    assert_eq!(before[0], "read");
    leave(&people[1], id).await.expect(200);
    assert_eq!(state(&[&people[0]], &sent).await, before);
    let gone = people[0].send(id, "Anybody?").await.expect(201);
    assert_eq!(state(&[&people[0]], &gone).await[0], "sent");
}

/// Guards the status of messages that former members never received or read.
/// The overall markers continue with later members.
#[tokio::test]
async fn late_joiner_changes_no_earlier_status() {
    let app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben", "cas"]).await;
    let made = make(&people[0], "Crew", &["ben"]).await.expect(201);
    let id = made["id"].as_i64().unwrap();
    let (ann, ben, cas) = (&people[0], &people[1], &people[2]);
    let read = ann.send(id, "Tea?").await.expect(201);
    has_read(ben, &read).await;
    let had = ann.send(id, "Or coffee?").await.expect(201);
    has(ben, &had).await;
    let lost = ann.send(id, "Or milk?").await.expect(201);
    invite(ann, id, "cas").await.expect(201);
    let kept = ann.send(id, "Cas?").await.expect(201);
    let before = [
        state(&[ann, ben], &read).await,
        state(&[ann, ben], &had).await,
        state(&[ann, ben], &lost).await,
    ];
    leave(ben, id).await.expect(200);
    has_read(cas, &kept).await;
    assert_eq!(state(&[ann, cas], &kept).await[0], "read");
    let after = [
        state(&[ann], &read).await,
        state(&[ann], &had).await,
        state(&[ann], &lost).await,
    ];
    assert_eq!(after, before);
    assert_eq!(
        before.map(|state| state[0].clone()),
        [json!("read"), json!("delivered"), json!("sent")]
    );
}

/// If one of two recipients leaves, the other one decides the status.
#[tokio::test]
async fn remaining_members_decide_message_status() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cas"]).await;
    let sent = people[0].send(id, "Tea?").await.expect(201);
    let asked = people[2].send(id, "For me?").await.expect(201);
    leave(&people[1], id).await.expect(200);
    assert_eq!(state(&[&people[0]], &sent).await[0], "read");
    assert_eq!(state(&[&people[0]], &asked).await[0], "sent");
    has_read(&people[0], &asked).await;
    assert_eq!(state(&[&people[2]], &asked).await[0], "read");
}

/// The only remaining member still has to read the messages of former members.
#[tokio::test]
async fn last_member_reads_former_members_message() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    let (ann, ben) = (&people[0], &people[1]);
    let sent = ann.send(id, "Tea?").await.expect(201);
    leave(ann, id).await.expect(200);
    has(ben, &sent).await;
    let seen = state(&[ann, ben], &sent).await;
    assert_eq!(seen, json!(["delivered", seen[1], false, null]));
    at(&seen[1]);
    has_read(ben, &sent).await;
    let seen = state(&[ann, ben], &sent).await;
    assert_eq!(seen, json!(["read", seen[1], true, seen[3]]));
    assert!(at(&seen[1]) <= at(&seen[3]));
    let path = format!("/api/conversations/{id}/messages/{}/receipts/", sent["id"]);
    let receipts = ann.get(&path).await.expect(200);
    let receipt = |field: &str| receipts[0][field].clone();
    assert_eq!(
        [receipt("read"), receipt("read_at")],
        [json!(true), seen[3].clone()]
    );
    // The remaining member's own messages have no recipient.
    let mut bens = ben.chat_socket(id).await;
    let alone = ben.send(id, "Anybody?").await.expect(201);
    assert_eq!(state(&[ben], &alone).await[0], "sent");
    assert_eq!(ben.conversation(id).await["all_read_seq"], 3);
    bens.expect_message().await;
    let told = bens.side_frames_until_pong().await;
    let mut kinds = told.iter().map(|frame| &frame["type"]);
    assert!(kinds.all(|kind| *kind != "status"), "{told:?}");
}

/// Of three members, two leave. The second to leave is the only recipient that
/// hasn't read the message.
#[tokio::test]
async fn last_unread_member_leaving_marks_read() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cas"]).await;
    let sent = people[0].send(id, "Tea?").await.expect(201);
    has_read(&people[1], &sent).await;
    leave(&people[0], id).await.expect(200);
    assert_eq!(state(&[&people[1]], &sent).await[0], "sent");
    leave(&people[2], id).await.expect(200);
    assert_eq!(state(&[&people[0], &people[1]], &sent).await[0], "read");
}

/// Guards the status of system messages: the acting user doesn't have to read
/// them.
#[tokio::test]
async fn system_message_status_ignores_acting_user() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cas"]).await;
    let [ann, ben, cas] = &people[..] else {
        panic!("three people");
    };
    let newest = async || ann.history(id).await.pop().unwrap();
    rename(ann, id, "Another").await.expect(200);
    set_role(ann, id, "ben", "admin").await.expect(200);
    let done = newest().await;
    for person in [ben, cas] {
        assert_eq!(state(&[person], &done).await[0], "sent");
        has_read(person, &done).await;
    }
    assert_eq!(state(&[ann, ben, cas], &done).await[0], "read");
    // An earlier message that the acting user hasn't read stays unread.
    let asked = cas.send(id, "Why?").await.expect(201);
    has(ann, &asked).await;
    rename(ann, id, "A third").await.expect(200);
    let done = newest().await;
    assert_eq!(ann.conversation(id).await["unread_count"], 1);
    assert_eq!(marks(ann, id).await[0], ("ann".to_owned(), 5, 3));
    for person in [ben, cas] {
        has_read(person, &done).await;
    }
    assert_eq!(state(&[ben], &done).await[0], "delivered");
    has_read(ann, &done).await;
    assert_eq!(state(&[ben], &done).await[0], "read");
}

/// Guards a message that the only other member left unread: it stays unread,
/// although its sender continues to read.
#[tokio::test]
async fn message_left_unread_stays_delivered() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    let (ann, ben) = (&people[0], &people[1]);
    let had = ann.send(id, "Tea?").await.expect(201);
    has(ben, &had).await;
    leave(ben, id).await.expect(200);
    let newest = ann.history(id).await.pop().unwrap();
    has_read(ann, &newest).await;
    let seen = ann.conversation(id).await;
    let marks = ["all_delivered_seq", "all_read_seq"].map(|field| seen[field].clone());
    assert_eq!(marks, [json!(3), json!(1)]);
    assert_eq!(state(&[ann], &had).await[0], "delivered");
}
