use serde_json::{Value, json};

use super::{path, react};
use crate::groups::crew::group;
use crate::support::TestApp;

/// Twenty-one distinct emoji, one more than a message may have.
const EMOJI: [&str; 21] = [
    "😀", "😁", "😂", "😃", "😄", "😅", "😆", "😇", "😈", "😉", "😊", "😋", "😌", "😍", "😎", "😏",
    "😐", "😑", "😒", "😓", "😔",
];

/// Returns each emoji, its count and its usernames.
fn summary(message: &Value) -> Vec<(String, u64, Vec<&str>)> {
    let reactions = message["reactions"].as_array().unwrap().iter();
    let summary = reactions.map(|it| {
        let usernames = it["usernames"].as_array().unwrap().iter();
        let usernames = usernames.map(|name| name.as_str().unwrap()).collect();
        let emoji = it["emoji"].as_str().unwrap().to_owned();
        (emoji, it["count"].as_u64().unwrap(), usernames)
    });
    summary.collect()
}

#[tokio::test]
async fn reactions_keep_order_of_first_use() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cas"]).await;
    let sent = people[0].send(id, "Cake?").await.expect(201);
    let path = path(id, &sent);
    let mut socket = people[2].chat_socket(id).await;
    react(&people[1], &path, "🎉").await.expect(200);
    react(&people[2], &path, "👍").await.expect(200);
    let last = react(&people[0], &path, "🎉").await.expect(200);
    let party = ("🎉".to_owned(), 2, vec!["ben", "ann"]);
    let thumb = ("👍".to_owned(), 1, vec!["cas"]);
    assert_eq!(summary(&last), [party, thumb.clone()]);
    for _ in 0..2 {
        socket.expect("message_updated").await;
    }
    assert_eq!(socket.expect("message_updated").await["message"], last);
    people[0]
        .delete(&format!("{path}reactions/🎉/"))
        .await
        .expect(204);
    let told = socket.expect("message_updated").await;
    let party = ("🎉".to_owned(), 1, vec!["ben"]);
    assert_eq!(summary(&told["message"]), [party, thumb]);
}

#[tokio::test]
async fn repeated_reaction_changes_nothing() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let sent = ann.send(id, "Hello").await.expect(201);
    let path = path(id, &sent);
    let first = react(&ben, &path, "👍").await.expect(200);
    let mut socket = ann.socket("/ws/").await;
    assert_eq!(react(&ben, &path, "👍").await.expect(200), first);
    let frame = json!({
        "type": "reaction", "conversation_id": id, "message_id": sent["id"], "emoji": "🎉", "on": false,
    });
    socket.send(frame).await;
    // Only the requesting session receives the unchanged message.
    assert_eq!(socket.expect("message_updated").await["message"], first);
    socket.expect_nothing_until_pong().await;
}

#[tokio::test]
async fn message_takes_at_most_twenty_emoji() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let sent = ann.send(id, "Hello").await.expect(201);
    let path = path(id, &sent);
    for emoji in &EMOJI[..20] {
        react(&ann, &path, emoji).await.expect(200);
    }
    react(&ann, &path, EMOJI[20])
        .await
        .expect_problem(422, "invalid");
    react(&ben, &path, EMOJI[0]).await.expect(200);
    react(&ben, &path, "x").await.expect_problem(422, "invalid");
}
