//! In groups: the authors hear when the last one has it, and has read it.

use serde_json::{Value, json};

use super::{again, has, has_read, say_mark, told_of_marks};
use crate::groups::crew::{group, leave, remove};
use crate::support::redact::assert_wire;
use crate::support::{Socket, TestApp};

async fn next_status(socket: &mut Socket) -> Value {
    let told = socket.expect_aside("status").await;
    json!([told["all_delivered_seq"], told["all_read_seq"]])
}

#[tokio::test]
async fn authors_hear_when_the_last_one_has_it_and_has_read_it() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cas"]).await;
    let sent = people[0].send(id, "Tea?").await.expect(201);
    let elsewhere = people[0].log_in_again().await;
    let mut anns = [
        people[0].chat_socket(id).await,
        elsewhere.socket("/ws/").await,
    ];
    let mut others = [
        people[1].socket("/ws/").await,
        people[2].chat_socket(id).await,
    ];
    has(&people[1], &sent).await;
    assert_eq!(again(&people[0], &sent).await["status"], "sent");
    let mut cass = people[2].chat_socket(id).await;
    say_mark(&mut cass, "delivered", &sent).await;
    for socket in &mut anns {
        let told = socket.expect_aside("status").await;
        assert_eq!(told["all_delivered_seq"], 2);
        assert_eq!(told["all_read_seq"], 1);
        assert_wire!("status", told);
    }
    assert_eq!(again(&people[1], &sent).await["status"], "delivered");
    has_read(&people[1], &sent).await;
    has_read(&people[2], &sent).await;
    for socket in &mut anns {
        assert_eq!(next_status(socket).await, json!([2, 2]));
    }
    let seen = people[1].conversation(id).await;
    assert_eq!(
        (&seen["all_delivered_seq"], &seen["all_read_seq"]),
        (&json!(2), &json!(2))
    );
    for socket in &mut others {
        let told = told_of_marks(&people[0], id, socket).await;
        let mut kinds = told.iter().map(|frame| &frame["type"]);
        assert!(kinds.all(|kind| *kind != "status"), "{told:?}");
    }
}

/// Its time is that of the last one's mark.
#[tokio::test]
async fn a_status_says_when_it_came_to_be_and_so_does_the_message() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cas"]).await;
    let sent = people[0].send(id, "Tea?").await.expect(201);
    let mut anns = people[0].chat_socket(id).await;
    has_read(&people[1], &sent).await;
    has(&people[2], &sent).await;
    let delivered = anns.expect_aside("status").await["at"].take();
    has_read(&people[2], &sent).await;
    let read = anns.expect_aside("status").await["at"].take();
    let seen = again(&people[2], &sent).await;
    assert_eq!(
        (&seen["delivered_at"], &seen["read_at"]),
        (&delivered, &read)
    );
    assert_ne!(delivered, read);
}

#[tokio::test]
async fn who_goes_holds_nothing_back() {
    let app = TestApp::spawn().await;
    for how in ["left", "removed"] {
        let names = ["ann", "ben", "cas"].map(|name| format!("{name}-{how}"));
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (id, people) = group(&app, &names).await;
        let sent = people[0].send(id, "Tea?").await.expect(201);
        has_read(&people[1], &sent).await;
        let mut anns = people[0].chat_socket(id).await;
        match how {
            "left" => leave(&people[2], id).await.expect(200),
            _ => remove(&people[0], id, names[2]).await.expect(204),
        };
        assert_eq!(next_status(&mut anns).await, json!([2, 2]));
        let seen = again(&people[0], &sent).await;
        assert_eq!(seen["status"], "read");
        assert!(seen["read_at"].is_string());
    }
}

/// An answer is the last one's mark, too.
#[tokio::test]
async fn the_last_ones_answer_tells_the_status_after_the_message() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cas"]).await;
    let sent = people[0].send(id, "Tea?").await.expect(201);
    has_read(&people[1], &sent).await;
    let mut anns = people[0].chat_socket(id).await;
    let answer = people[2].send(id, "Please").await.expect(201);
    let mut kinds = Vec::new();
    for _ in 0..3 {
        let frame = anns.read_news().await;
        kinds.push(frame["type"].as_str().unwrap().to_owned());
        if frame["type"] == "status" {
            assert_eq!(
                (&frame["all_read_seq"], &frame["at"]),
                (&json!(2), &answer["created_at"])
            );
        }
    }
    assert_eq!(kinds, ["message", "read_receipt", "status"]);
}

#[tokio::test]
async fn between_two_people_the_marks_say_it_and_no_status_is_told() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let sent = ann.send(id, "Tea?").await.expect(201);
    let mut anns = ann.socket("/ws/").await;
    has_read(&ben, &sent).await;
    let told = told_of_marks(&ann, id, &mut anns).await;
    let kinds: Vec<_> = told.iter().map(|frame| &frame["type"]).collect();
    assert_eq!(kinds, ["read_receipt"]);
    let seen = ann.conversation(id).await;
    assert_eq!(seen["all_read_seq"], 2);
}
