//! Recipients of receipts in groups.

use serde_json::{Value, json};

use super::{has, has_read, receipt_frames};
use crate::groups::crew::group;
use crate::groups::largest_group::{fill, run};
use crate::support::TestApp;

fn summary(frames: &[Value]) -> Vec<(&str, &str, i64)> {
    let frames = frames.iter();
    let told = frames.map(|frame| {
        let kind = frame["type"].as_str().unwrap();
        let name = frame["username"].as_str().unwrap();
        (kind, name, frame["seq"].as_i64().unwrap())
    });
    told.collect()
}

fn without_status(mut frames: Vec<Value>) -> Vec<Value> {
    frames.retain(|frame| frame["type"] != "status");
    frames
}

#[tokio::test]
async fn marker_reaches_newly_covered_authors() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cas", "dan"]).await;
    let [ann, ben, cas, dan] = &people[..] else {
        panic!("four");
    };
    let first = ann.send(id, "By ann").await.expect(201);
    let second = cas.send(id, "By cas").await.expect(201);
    let mut sockets = Vec::new();
    for person in [ann, ben, cas, dan] {
        sockets.push(person.chat_socket(id).await);
        sockets.push(person.log_in_again().await.socket("/ws/").await);
    }
    has(ben, &first).await;
    has_read(ben, &first).await;
    has_read(ben, &second).await;
    let expected = |name: &str| match name {
        "ann" => vec![("delivered", "ben", 2), ("read_receipt", "ben", 2)],
        "cas" => vec![("read_receipt", "ben", 3)],
        "ben" => vec![
            ("delivered", "ben", 2),
            ("read_receipt", "ben", 2),
            ("read_receipt", "ben", 3),
        ],
        _ => vec![],
    };
    let names = ["ann", "ann", "ben", "ben", "cas", "cas", "dan", "dan"];
    dan.send(id, "So far.").await.expect(201);
    for (socket, name) in sockets.iter_mut().zip(names) {
        let mut told = Vec::new();
        loop {
            let frame = socket.read().await.unwrap();
            match frame["type"].as_str().unwrap() {
                "message" => break,
                "delivered" | "read_receipt" => told.push(frame),
                _ => {}
            }
        }
        assert_eq!(summary(&told), expected(name), "{name}");
    }
}

/// One move of a marker passes messages of three authors.
#[tokio::test]
async fn marker_sends_each_author_one_frame() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cas", "dan"]).await;
    for person in &people[1..] {
        person.send(id, "Me too.").await.expect(201);
    }
    let last = people[1].send(id, "And again.").await.expect(201);
    let mut sockets = Vec::new();
    for person in &people {
        sockets.push(person.socket("/ws/").await);
    }
    has_read(&people[0], &last).await;
    for socket in &mut sockets {
        let told = socket.expect_side_frame("read_receipt").await;
        assert_eq!(
            (&told["seq"], &told["username"]),
            (&json!(5), &json!("ann"))
        );
        let rest = socket.side_frames_until_pong().await;
        let rest: Vec<_> = rest.iter().map(|frame| &frame["type"]).collect();
        let again = ["delivered", "read_receipt"];
        assert!(
            rest.iter().all(|kind| !again.iter().any(|it| *kind == it)),
            "{rest:?}"
        );
    }
}

#[tokio::test]
async fn message_and_its_receipt_share_version() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cas"]).await;
    people[0].send(id, "Tea?").await.expect(201);
    let mut anns = people[0].chat_socket(id).await;
    let mut cass = people[2].chat_socket(id).await;
    let mut bens = people[1].chat_socket(id).await;
    let mut bens_other = people[1].socket("/ws/").await;
    bens.send_text("Please").await;
    for socket in [&mut anns, &mut bens, &mut bens_other] {
        let message = socket.read_non_status().await;
        assert_eq!(message["message"]["text"], "Please", "{message}");
        let told = socket.read_non_status().await;
        assert_eq!(
            summary(std::slice::from_ref(&told)),
            [("read_receipt", "ben", 3)]
        );
        assert_eq!(told["version"], message["message"]["version"]);
        assert_eq!(told["message_id"], message["message"]["id"]);
    }
    let told = receipt_frames(&people[1], id, &mut cass).await;
    assert_eq!(
        without_status(told),
        Vec::<Value>::new(),
        "cas wrote nothing"
    );
}

/// If a sender's marker passes no messages of others, there is no receipt to
/// send.
#[tokio::test]
async fn second_own_message_sends_no_receipt() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    people[0].send(id, "Tea?").await.expect(201);
    let mut socket = people[0].chat_socket(id).await;
    people[0].send(id, "Or not?").await.expect(201);
    socket.expect_message().await;
    assert_eq!(socket.side_frames_until_pong().await, Vec::<Value>::new());
}

#[tokio::test]
async fn group_over_100_sends_status_only() {
    for (people_in_all, tells_each) in [(100, true), (101, false)] {
        let app = TestApp::spawn().await;
        let (id, people) = group(&app, &["ann", "ben", "cas"]).await;
        fill(&app, id, people_in_all - 3).await;
        let crowd = format!(
            "UPDATE participant SET delivered_seq = 9, read_seq = 9 WHERE conversation_id = {id} \
             AND user_id IN (SELECT id FROM \"user\" WHERE username LIKE 'crowd%')"
        );
        run(&app, &[crowd]).await;
        let sent = people[0].send(id, "Hello, all of you!").await.expect(201);
        let mut anns = people[0].socket("/ws/").await;
        let mut bens = people[1].socket("/ws/").await;
        for person in &people[1..] {
            has(person, &sent).await;
            has_read(person, &sent).await;
        }
        let told = receipt_frames(&people[0], id, &mut anns).await;
        let statuses = told.iter().filter(|frame| frame["type"] == "status");
        let lows: Vec<Value> = statuses
            .map(|it| json!([it["all_delivered_seq"], it["all_read_seq"]]))
            .collect();
        assert_eq!(lows, [json!([2, 1]), json!([2, 2])]);
        assert_eq!(told.len() > lows.len(), tells_each, "{told:?}");
        let told = receipt_frames(&people[0], id, &mut bens).await;
        assert_eq!(!told.is_empty(), tells_each, "{told:?}");
        let seen = super::again(&people[1], &sent).await;
        assert_eq!(
            (&seen["status"], &seen["is_read"]),
            (&json!("read"), &json!(true))
        );
        assert!(seen["read_at"].is_string(), "the overall times are kept");
    }
}
