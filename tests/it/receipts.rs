//! Receipts: how far people have come, who hears of it, and what stands in the
//! messages then.

mod authors;
pub(crate) mod cost;
mod direct;
mod list;
mod sizes;
mod status;
mod times;
mod unknown;

use serde_json::{Value, json};

use crate::support::{Answer, Person, Socket};

/// Says over REST that somebody has a message, or (`read`) has seen it.
pub(crate) async fn mark(person: &Person, kind: &str, message: &Value) -> Answer {
    let path = format!("/api/conversations/{}/{kind}/", message["conversation_id"]);
    let body = json!({ "message_id": message["id"] });
    person.post(&path, body).await
}

/// The same, and it is taken.
pub(crate) async fn has(person: &Person, message: &Value) {
    assert_eq!(mark(person, "delivered", message).await.status, 204);
}

pub(crate) async fn has_read(person: &Person, message: &Value) {
    assert_eq!(mark(person, "read", message).await.status, 204);
}

/// The same over a socket.
async fn say_mark(socket: &mut Socket, kind: &str, message: &Value) {
    let frame = json!({
        "type": kind,
        "conversation_id": message["conversation_id"],
        "message_id": message["id"],
    });
    socket.send(frame).await;
}

/// A message as somebody sees it now.
async fn again(person: &Person, message: &Value) -> Value {
    let conversation = message["conversation_id"].as_i64().unwrap();
    let history = person.history(conversation).await;
    let mut history = history.into_iter();
    history.find(|it| it["id"] == message["id"]).unwrap()
}

/// What somebody sees of the people of a conversation: their marks.
async fn marks(person: &Person, conversation: i64) -> Vec<(String, i64, i64)> {
    let seen = person.conversation(conversation).await;
    let people = seen["participants"].as_array().unwrap().iter();
    let marks = people.map(|one| {
        let name = one["user"]["username"].as_str().unwrap().to_owned();
        let [delivered, read] = ["delivered_seq", "read_seq"].map(|at| one[at].as_i64().unwrap());
        (name, delivered, read)
    });
    marks.collect()
}

/// The frames of these sockets that tell of marks, up to the next message,
/// which is sent now: with it, all that was told before has come.
async fn told_of_marks(sender: &Person, id: i64, socket: &mut Socket) -> Vec<Value> {
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
