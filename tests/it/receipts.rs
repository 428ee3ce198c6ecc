//! Receipts: delivered and read markers, their recipients, and the resulting
//! status of messages.

mod authors;
pub(crate) mod cost;
mod direct;
mod list;
mod sizes;
mod status;
mod times;
mod unknown;

use serde_json::{Value, json};

use crate::support::{ApiResponse, TestSocket, TestUser};

/// Marks a message as `delivered` or `read` over REST.
pub(crate) async fn mark(person: &TestUser, kind: &str, message: &Value) -> ApiResponse {
    let path = format!("/api/conversations/{}/{kind}/", message["conversation_id"]);
    let body = json!({ "message_id": message["id"] });
    person.post(&path, body).await
}

/// Marks a message as delivered, which must succeed.
pub(crate) async fn has(person: &TestUser, message: &Value) {
    assert_eq!(mark(person, "delivered", message).await.status, 204);
}

pub(crate) async fn has_read(person: &TestUser, message: &Value) {
    assert_eq!(mark(person, "read", message).await.status, 204);
}

/// Marks a message over a socket.
async fn send_marker(socket: &mut TestSocket, kind: &str, message: &Value) {
    let frame = json!({
        "type": kind,
        "conversation_id": message["conversation_id"],
        "message_id": message["id"],
    });
    socket.send(frame).await;
}

/// Returns a message as the user sees it now.
async fn again(person: &TestUser, message: &Value) -> Value {
    let conversation = message["conversation_id"].as_i64().unwrap();
    let history = person.history(conversation).await;
    let mut history = history.into_iter();
    history.find(|it| it["id"] == message["id"]).unwrap()
}

/// Returns the username and both markers of each participant that the user
/// sees.
async fn marks(person: &TestUser, conversation: i64) -> Vec<(String, i64, i64)> {
    let seen = person.conversation(conversation).await;
    let people = seen["participants"].as_array().unwrap().iter();
    let marks = people.map(|one| {
        let name = one["user"]["username"].as_str().unwrap().to_owned();
        let [delivered, read] = ["delivered_seq", "read_seq"].map(|at| one[at].as_i64().unwrap());
        (name, delivered, read)
    });
    marks.collect()
}

/// Sends a message, and returns the receipt frames that a socket receives
/// before the message. All receipts sent earlier are among them.
async fn receipt_frames(sender: &TestUser, id: i64, socket: &mut TestSocket) -> Vec<Value> {
    sender.send(id, "So far.").await.expect(201);
    let mut told = Vec::new();
    loop {
        let frame = socket.read().await.unwrap();
        match frame["type"].as_str().unwrap() {
            "message" if frame["message"]["text"] == "So far." => return told,
            "delivered" | "read_receipt" | "status" => told.push(frame),
            _ => {}
        }
    }
}
