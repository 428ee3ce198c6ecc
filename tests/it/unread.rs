//! Unread counts: always exact, and sent when they change.

mod changes;
mod deleted;
mod live;
mod model;
mod mutes;
mod property;
mod rooms;

use serde_json::Value;

use crate::support::{TestSocket, TestUser};

/// Returns the counts in the next `unread` frame: of the conversation, and in
/// total.
pub(crate) async fn next_unread(socket: &mut TestSocket) -> (i64, i64) {
    counts(&socket.expect_side_frame("unread").await)
}

fn counts(unread: &Value) -> (i64, i64) {
    let number = |at: &str| unread[at].as_i64().unwrap();
    (number("unread_count"), number("total"))
}

/// Returns the counts in all `unread` frames that have arrived.
async fn read_unread(socket: &mut TestSocket) -> Vec<(i64, i64)> {
    let frames = socket.frames_until_pong().await;
    let unread = frames.iter().filter(|frame| frame["type"] == "unread");
    unread.map(counts).collect()
}

/// Returns a user's total unread count. Checks that `hello` and REST agree.
async fn total(person: &TestUser) -> i64 {
    let hello = person.socket("/ws/").await.hello["total_unread"].clone();
    let asked = person.get("/messages/unread/").await.expect(200);
    assert_eq!(asked["unread_count"], hello);
    hello.as_i64().unwrap()
}

async fn unread(person: &TestUser, id: i64) -> i64 {
    person.conversation(id).await["unread_count"]
        .as_i64()
        .unwrap()
}
