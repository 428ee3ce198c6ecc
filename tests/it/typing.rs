//! Typing indicators: sent only on change, never stored, and always ended.

mod ends;
mod limits;
mod recipients;

use serde_json::{Value, json};

use crate::support::TestSocket;

/// Sends a frame that says whether the socket's user is typing.
async fn types(socket: &mut TestSocket, id: i64, is_typing: bool) {
    let frame = json!({ "type": "typing", "conversation_id": id, "is_typing": is_typing });
    socket.send(frame).await;
}

/// Expects a `typing` frame next, and returns its username and state.
async fn next_typing(socket: &mut TestSocket) -> (String, bool) {
    as_typing(&socket.expect("typing").await)
}

fn as_typing(typing: &Value) -> (String, bool) {
    let name = typing["username"].as_str().unwrap().to_owned();
    (name, typing["is_typing"].as_bool().unwrap())
}

fn typing(name: &str, is_typing: bool) -> (String, bool) {
    (name.to_owned(), is_typing)
}
