//! The codes that sockets close with. Other sockets must not be affected. The
//! tests of 4401 are in `logins`, of 1013 in `slow_clients`, of silence in `heartbeat`.

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::support::raw_frames::{
    BINARY, CLOSE, CONTINUATION, FINAL_BIT, TEXT, encode_frame, encode_header,
};
use crate::support::{TestApp, TestSocket, TestUser};

/// Connects two users, each with a socket. The second socket shows that errors
/// on the first affect no other.
async fn two_sockets(app: &TestApp) -> (TestUser, TestSocket, TestSocket) {
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let (here, there) = (ann.chat_socket(id).await, ben.chat_socket(id).await);
    (ann, here, there)
}

async fn assert_unaffected(other: &mut TestSocket) {
    other.send_text("I am still here").await;
    assert_eq!(other.expect_message().await["text"], "I am still here");
}

#[tokio::test]
async fn stopping_server_closes_with_1001() {
    let mut app = TestApp::spawn().await;
    let (ann, mut here, mut there) = two_sockets(&app).await;
    let mut everything = ann.socket("/ws/").await;
    let (_, one, two, three) = tokio::join!(
        app.stop(),
        here.expect_close(),
        there.expect_close(),
        everything.expect_close()
    );
    assert_eq!([one, two, three], [1001, 1001, 1001]);
}

/// Guards the order of stopping. Accepted messages are stored and sent before
/// the sockets close, so the sender of a stored message receives its echo
/// before the close. Later messages are refused.
#[tokio::test]
async fn stopping_server_echoes_or_refuses_messages() {
    let mut app = TestApp::spawn().await;
    let (ann, mut here, _there) = two_sockets(&app).await;
    let id = here.hello["conversation"]["id"].as_i64().unwrap();
    for at in 0..200 {
        here.send_text_as(&at.to_string(), &at.to_string()).await;
    }
    let mut told = Vec::new();
    let reading = async {
        loop {
            match here.next_or_close().await {
                Ok(frame) if frame["type"] == "message" => {
                    told.push(frame["message"]["id"].clone());
                }
                Ok(frame) => assert_eq!(frame["code"], "busy", "{frame}"),
                Err(code) => return code,
            }
        }
    };
    let (_, code) = tokio::join!(app.stop(), reading);
    assert_eq!(code, 1001);
    app.start().await;
    let mut kept = Vec::new();
    let mut next = Some(format!(
        "/api/conversations/{id}/messages/?after=1&limit=100"
    ));
    while let Some(path) = next {
        let page = ann.get(&path).await;
        next = page.link("next");
        let page = page.expect(200);
        kept.extend(
            page.as_array()
                .unwrap()
                .iter()
                .map(|message| message["id"].clone()),
        );
    }
    assert_eq!(told, kept);
}

#[tokio::test]
async fn binary_frame_closes_with_1003() {
    let app = TestApp::spawn().await;
    let (ann, mut here, mut there) = two_sockets(&app).await;
    here.send_raw(Message::binary("{\"type\":\"ping\"}")).await;
    assert_eq!(here.expect_close().await, 1003);
    let mut pieces = ann.socket("/ws/").await;
    pieces.write_bytes(&encode_frame(BINARY, b"{")).await;
    assert_eq!(pieces.expect_close().await, 1003);
    assert_unaffected(&mut there).await;
}

#[tokio::test]
async fn invalid_utf8_closes_with_1007() {
    let app = TestApp::spawn().await;
    let (ann, mut here, mut there) = two_sockets(&app).await;
    here.write_bytes(&encode_frame(TEXT | FINAL_BIT, b"{\"type\":\"\xff\"}"))
        .await;
    assert_eq!(here.expect_close().await, 1007);
    let mut pieces = ann.socket("/ws/").await;
    pieces
        .write_bytes(&encode_frame(TEXT, b"{\"type\":\"\xc3"))
        .await;
    pieces
        .write_bytes(&encode_frame(CONTINUATION | FINAL_BIT, b"\"}"))
        .await;
    assert_eq!(pieces.expect_close().await, 1007);
    assert_unaffected(&mut there).await;
}

#[tokio::test]
async fn twenty_errors_close_with_1008() {
    let app = TestApp::spawn().await;
    let (_ann, mut here, mut there) = two_sockets(&app).await;
    for _ in 0..19 {
        here.send(json!({ "type": "dance" })).await;
        here.expect_error("unknown_type").await;
    }
    here.expect_nothing_until_pong().await;
    here.send_text(" ").await;
    here.expect_error("text_empty").await;
    assert_eq!(here.expect_close().await, 1008);
    assert_unaffected(&mut there).await;
}

/// By default, serde reads the values of a list as fields in order.
#[tokio::test]
async fn json_list_is_no_frame() {
    let app = TestApp::spawn().await;
    let (_ann, mut here, mut there) = two_sockets(&app).await;
    for list in [
        json!(["ping"]),
        json!(["message", null, "Hello!", null, null]),
        json!([{ "type": "ping" }]),
    ] {
        here.send(list).await;
        here.expect_error("bad_json").await;
    }
    here.expect_nothing_until_pong().await;
    assert_unaffected(&mut there).await;
}

/// The detail is our own text and begins with the field.
#[tokio::test]
async fn invalid_frame_error_names_field() {
    let app = TestApp::spawn().await;
    let (_ann, mut here, _there) = two_sockets(&app).await;
    for (frame, detail) in [
        (
            r#"{"type":"delivered","message_id":"x"}"#,
            "message_id: a whole number",
        ),
        (r#"{"type":"edit","message_id":1}"#, "message: required"),
        (
            r#"{"type":"typing","is_typing":1}"#,
            "is_typing: true or false",
        ),
        (
            r#"{"type":"message","message":"a","message":"b"}"#,
            "message: only one value is allowed",
        ),
        (
            r#"{"type":"ping","type":"ping"}"#,
            "type: only one value is allowed",
        ),
        (
            r#"{"type":"resume","cursors":{"x":1}}"#,
            "cursors: ids as keys",
        ),
    ] {
        here.send_raw(Message::text(frame)).await;
        assert_eq!(
            here.expect_error("invalid").await["detail"],
            detail,
            "{frame}"
        );
    }
}

#[tokio::test]
async fn errors_far_apart_close_nothing() {
    let app = TestApp::builder()
        .settings(|settings| {
            settings.limits.errors_before_close = 2;
            settings.limits.errors_window = std::time::Duration::ZERO;
        })
        .spawn()
        .await;
    let mut socket = app.register_user("ann").await.socket("/ws/").await;
    for _ in 0..50 {
        socket.send(json!([])).await;
        socket.expect_error("bad_json").await;
    }
    socket.expect_nothing_until_pong().await;
}

#[tokio::test]
async fn oversized_header_closes_with_1009() {
    let app = TestApp::spawn().await;
    let (ann, mut here, mut there) = two_sockets(&app).await;
    // Only the header is sent.
    here.write_bytes(&encode_header(TEXT | FINAL_BIT, 1 << 40))
        .await;
    assert_eq!(here.expect_close().await, 1009);
    let mut by_one = ann.socket("/ws/").await;
    by_one
        .write_bytes(&encode_header(TEXT | FINAL_BIT, 128 * 1024 + 1))
        .await;
    assert_eq!(by_one.expect_close().await, 1009);
    let mut behind = ann.socket("/ws/").await;
    behind.expect_nothing_until_pong().await;
    for byte in encode_header(TEXT, 1 << 30) {
        behind.write_bytes(&[byte]).await;
    }
    assert_eq!(behind.expect_close().await, 1009);
    assert_unaffected(&mut there).await;
}

#[tokio::test]
async fn oversized_fragments_close_with_1009() {
    let app = TestApp::spawn().await;
    let (_ann, mut here, mut there) = two_sockets(&app).await;
    here.write_bytes(&encode_frame(TEXT, &vec![b' '; 100_000]))
        .await;
    here.write_bytes(&encode_frame(CONTINUATION, &vec![b' '; 100_000]))
        .await;
    assert_eq!(here.expect_close().await, 1009);
    assert_unaffected(&mut there).await;
}

#[tokio::test]
async fn largest_frame_is_accepted() {
    let app = TestApp::spawn().await;
    let (_ann, mut here, _there) = two_sockets(&app).await;
    let ping = b"{\"type\":\"ping\"}";
    let mut most = vec![b' '; 128 * 1024 - ping.len()];
    most.extend_from_slice(ping);
    here.write_bytes(&encode_frame(TEXT | FINAL_BIT, &most))
        .await;
    here.expect("pong").await;
    let (one, two) = most.split_at(70_000);
    here.write_bytes(&encode_frame(TEXT, one)).await;
    here.write_bytes(&encode_frame(CONTINUATION | FINAL_BIT, two))
        .await;
    here.expect("pong").await;
}

#[tokio::test]
async fn close_is_answered_with_same_code() {
    let app = TestApp::spawn().await;
    let (_ann, mut here, mut there) = two_sockets(&app).await;
    // The closing side receives its own code, 1000.
    here.write_bytes(&encode_frame(CLOSE | FINAL_BIT, &1000_u16.to_be_bytes()))
        .await;
    assert_eq!(here.expect_close().await, 1000);
    assert_unaffected(&mut there).await;
}

#[tokio::test]
async fn unmasked_frame_closes_with_1002() {
    let app = TestApp::spawn().await;
    let (_ann, mut here, mut there) = two_sockets(&app).await;
    here.write_bytes(&[TEXT | FINAL_BIT, 2, b'{', b'}']).await;
    assert_eq!(here.expect_close().await, 1002);
    assert_unaffected(&mut there).await;
}
