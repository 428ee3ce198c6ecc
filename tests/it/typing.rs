//! Typing: told on change only, never stored, and never for ever.

mod ends;
mod limits;
mod told;

use serde_json::{Value, json};

use crate::support::Socket;

/// Says on a socket that its person types, or doesn't any more.
async fn types(socket: &mut Socket, id: i64, is_typing: bool) {
    let frame = json!({ "type": "typing", "conversation_id": id, "is_typing": is_typing });
    socket.send(frame).await;
}

/// The next frame, which tells of that.
async fn next_typing(socket: &mut Socket) -> (String, bool) {
    who(&socket.expect("typing").await)
}

fn who(typing: &Value) -> (String, bool) {
    let name = typing["username"].as_str().unwrap().to_owned();
    (name, typing["is_typing"].as_bool().unwrap())
}

fn typing(name: &str, is_typing: bool) -> (String, bool) {
    (name.to_owned(), is_typing)
}
