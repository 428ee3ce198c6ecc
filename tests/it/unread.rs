//! Unread counts: exact at any time, told as they change.

mod changes;
mod deleted;
mod live;
mod model;
mod mutes;
mod property;
mod rooms;

use serde_json::Value;

use crate::support::{Person, Socket};

/// The next that a socket hears of what waits: there, and in all.
pub(crate) async fn next_unread(socket: &mut Socket) -> (i64, i64) {
    counts(&socket.expect_aside("unread").await)
}

fn counts(unread: &Value) -> (i64, i64) {
    let number = |at: &str| unread[at].as_i64().unwrap();
    (number("unread_count"), number("total"))
}

/// All that a socket heard of it by now.
async fn heard(socket: &mut Socket) -> Vec<(i64, i64)> {
    let frames = socket.all_until_pong().await;
    let unread = frames.iter().filter(|frame| frame["type"] == "unread");
    unread.map(counts).collect()
}

/// What waits for somebody: in all by each way of asking, which agree.
async fn total(person: &Person) -> i64 {
    let hello = person.socket("/ws/").await.hello["total_unread"].clone();
    let asked = person.get("/messages/unread/").await.expect(200);
    assert_eq!(asked["unread_count"], hello);
    hello.as_i64().unwrap()
}

async fn unread(person: &Person, id: i64) -> i64 {
    person.conversation(id).await["unread_count"]
        .as_i64()
        .unwrap()
}
