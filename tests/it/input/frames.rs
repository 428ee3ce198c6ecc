//! Generated socket frames.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestCaseError;
use serde_json::{Value, json};
use tidings::protocol::{ClientCommand, ErrorCode};
use tokio_tungstenite::tungstenite::Message;

use super::rest::Target;
use super::words::{field, fields, number, text, value};
use super::{knob, leaked_internal, runner};
use crate::support::{TestApp, TestSocket, TokenTransport};

/// Generates a frame: a known type with its own or other fields, or arbitrary
/// text.
fn frame() -> impl Strategy<Value = String> {
    let kind = select(&ClientCommand::TYPES[..]);
    let ids = (number(), number());
    let near = (
        kind,
        fields(),
        ids,
        proptest::collection::vec((field(), value()), 0..3),
    );
    let near = near.prop_map(|(kind, fields, (conversation, message), others)| {
        let mut frame = json!({
            "conversation_id": conversation, "message_id": message, "message": "Hello!",
            "emoji": "👍", "on": true, "is_typing": true, "after": conversation,
        });
        let object = frame.as_object_mut().unwrap();
        object.extend(others);
        if conversation % 2 == 0 {
            object.extend(fields.as_object().cloned().unwrap());
        }
        object.insert("type".to_owned(), kind.into());
        frame.to_string()
    });
    prop_oneof![
        10 => near,
        2 => (fields(), text()).prop_map(|(mut fields, kind)| {
            fields["type"] = kind.into();
            fields.to_string()
        }),
        1 => value().prop_map(|value| value.to_string()),
        1 => text(),
        1 => (1..20_000_usize).prop_map(|depth| "[".repeat(depth)),
        1 => (select(&ClientCommand::TYPES[..]), proptest::collection::vec(value(), 0..5))
            .prop_map(|(kind, mut fields)| {
                fields.insert(0, kind.into());
                Value::from(fields).to_string()
            }),
        1 => proptest::collection::hash_map("-?[0-9]{1,20}", number(), 0..50)
            .prop_map(|cursors| json!({ "type": "resume", "cursors": cursors }).to_string()),
    ]
}

async fn open(target: &Target) -> TestSocket {
    let mut socket = TestSocket::open(&target.people[0], "/ws/", TokenTransport::Bearer).await;
    socket.expect("hello").await;
    socket
}

/// Returns the fault in a frame from the server, if any.
fn fault(frame: &Value) -> Option<String> {
    if frame["type"] != "error" {
        return None;
    }
    let code = ErrorCode::ALL
        .iter()
        .find(|code| frame["code"] == code.as_str());
    match code {
        None => return Some("an unknown code".to_owned()),
        Some(ErrorCode::Internal | ErrorCode::Unavailable) => {
            return Some("a server fault".to_owned());
        }
        Some(_) => {}
    }
    let detail = frame["detail"].as_str().unwrap_or_default();
    leaked_internal(detail).map(|word| format!("it leaks an internal: {word}"))
}

/// Sends a frame and checks all replies. The end is the refusal of a second,
/// invalid frame with a unique `client_id`. (A pong might answer the frame
/// itself.)
pub(super) async fn send_and_check(socket: &mut TestSocket, text: &str) -> Result<(), String> {
    let end = uuid::Uuid::now_v7().to_string();
    // A list must be refused, even if its values match a frame's fields.
    let mut is_owed = text.trim_start().starts_with('[');
    socket.send_raw(Message::text(text.to_owned())).await;
    socket
        .send(json!({ "type": "message", "client_id": end }))
        .await;
    loop {
        match socket.read().await {
            Ok(frame) if frame["client_id"] == end.as_str() && is_owed => {
                return Err("a list was taken for a frame".to_owned());
            }
            Ok(frame) if frame["client_id"] == end.as_str() => return Ok(()),
            Ok(frame) => match fault(&frame) {
                Some(fault) => return Err(format!("{fault}: {frame}")),
                None => is_owed &= frame["code"] != "bad_json",
            },
            Err(code) => return Err(format!("the socket was closed with {code}")),
        }
    }
}

/// Starts a server that closes no socket because of errors.
pub(super) async fn lenient() -> Target {
    let app = TestApp::builder().settings(|settings| {
        settings.limits.errors_before_close = usize::MAX;
    });
    Target::on(app.spawn().await).await
}

#[test]
fn generated_frames_cause_no_fault() {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    let target = runtime.block_on(lenient());
    let socket = std::cell::RefCell::new(runtime.block_on(open(&target)));
    let (mut runner, count) = (runner(), std::cell::Cell::new(0_u32));
    let done = runner.run(&frame(), |frame| {
        count.set(count.get() + 1);
        let socket = &mut *socket.borrow_mut();
        let said = runtime.block_on(async {
            let said = send_and_check(socket, &frame).await;
            if said.is_err() {
                *socket = open(&target).await;
            }
            said
        });
        said.map_err(|fault| TestCaseError::fail(format!("{fault}\n{frame}")))
    });
    if let Err(error) = done {
        panic!("{error}");
    }
    runtime.block_on(target.works());
    if knob("TIDINGS_INPUT_CASES").is_some() {
        println!("frames said: {}", count.get());
    }
}
