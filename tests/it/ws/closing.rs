//! What a socket is closed with, and what the others feel of it: nothing.
//! (4401 is in `logins`, 1013 in `slow`, silence in `heartbeat`.)

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::support::raw::{BINARY, CLOSE, CONTINUATION, LAST, TEXT, frame, header};
use crate::support::{Person, Socket, TestApp};

/// Two in a conversation, both with a socket; the second one's shows that
/// whatever the first does costs only the first.
async fn two_sockets(app: &TestApp) -> (Person, Socket, Socket) {
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let (here, there) = (ann.chat_socket(id).await, ben.chat_socket(id).await);
    (ann, here, there)
}

async fn assert_unhurt(other: &mut Socket) {
    other.say("I am still here").await;
    assert_eq!(other.expect_message().await["text"], "I am still here");
}

#[tokio::test]
async fn a_server_that_stops_says_so_to_every_socket() {
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

/// Guards the order of stopping: what was taken is written and told before
/// the sockets are closed, so that a close is never the answer to a message
/// that is on disk; and what isn't taken any more is refused.
#[tokio::test]
async fn what_was_sent_when_the_server_stops_is_told_or_refused() {
    let mut app = TestApp::spawn().await;
    let (ann, mut here, _there) = two_sockets(&app).await;
    let id = here.hello["conversation"]["id"].as_i64().unwrap();
    for at in 0..200 {
        here.say_as(&at.to_string(), &at.to_string()).await;
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
async fn a_binary_frame_closes_with_1003() {
    let app = TestApp::spawn().await;
    let (ann, mut here, mut there) = two_sockets(&app).await;
    here.send_raw(Message::binary("{\"type\":\"ping\"}")).await;
    assert_eq!(here.expect_close().await, 1003);
    let mut pieces = ann.socket("/ws/").await;
    pieces.write(&frame(BINARY, b"{")).await;
    assert_eq!(pieces.expect_close().await, 1003);
    assert_unhurt(&mut there).await;
}

#[tokio::test]
async fn text_that_is_not_utf_8_closes_with_1007() {
    let app = TestApp::spawn().await;
    let (ann, mut here, mut there) = two_sockets(&app).await;
    here.write(&frame(TEXT | LAST, b"{\"type\":\"\xff\"}"))
        .await;
    assert_eq!(here.expect_close().await, 1007);
    let mut pieces = ann.socket("/ws/").await;
    pieces.write(&frame(TEXT, b"{\"type\":\"\xc3")).await;
    pieces.write(&frame(CONTINUATION | LAST, b"\"}")).await;
    assert_eq!(pieces.expect_close().await, 1007);
    assert_unhurt(&mut there).await;
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
    here.say(" ").await;
    here.expect_error("text_empty").await;
    assert_eq!(here.expect_close().await, 1008);
    assert_unhurt(&mut there).await;
}

/// serde would take the values of a list for fields in order.
#[tokio::test]
async fn a_list_is_no_frame() {
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
    assert_unhurt(&mut there).await;
}

/// The words are ours, and the field is named.
#[tokio::test]
async fn what_is_wrong_with_a_frame_is_said_by_its_field() {
    let app = TestApp::spawn().await;
    let (_ann, mut here, _there) = two_sockets(&app).await;
    for (frame, detail) in [
        (
            r#"{"type":"delivered","message_id":"x"}"#,
            "message_id: a whole number",
        ),
        (
            r#"{"type":"edit","message_id":1}"#,
            "message: this is needed",
        ),
        (
            r#"{"type":"typing","is_typing":1}"#,
            "is_typing: true or false",
        ),
        (
            r#"{"type":"message","message":"a","message":"b"}"#,
            "message: only one of this",
        ),
        (r#"{"type":"ping","type":"ping"}"#, "type: only one of this"),
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
async fn errors_far_apart_are_no_abuse() {
    let app = TestApp::builder()
        .settings(|settings| {
            settings.limits.errors_before_close = 2;
            settings.limits.errors_window = std::time::Duration::ZERO;
        })
        .spawn()
        .await;
    let mut socket = app.person("ann").await.socket("/ws/").await;
    for _ in 0..50 {
        socket.send(json!([])).await;
        socket.expect_error("bad_json").await;
    }
    socket.expect_nothing_until_pong().await;
}

#[tokio::test]
async fn a_frame_that_announces_too_much_closes_with_1009_at_its_header() {
    let app = TestApp::spawn().await;
    let (ann, mut here, mut there) = two_sockets(&app).await;
    // Nothing of it is sent but the announcement.
    here.write(&header(TEXT | LAST, 1 << 40)).await;
    assert_eq!(here.expect_close().await, 1009);
    let mut by_one = ann.socket("/ws/").await;
    by_one.write(&header(TEXT | LAST, 128 * 1024 + 1)).await;
    assert_eq!(by_one.expect_close().await, 1009);
    let mut behind = ann.socket("/ws/").await;
    behind.expect_nothing_until_pong().await;
    for byte in header(TEXT, 1 << 30) {
        behind.write(&[byte]).await;
    }
    assert_eq!(behind.expect_close().await, 1009);
    assert_unhurt(&mut there).await;
}

#[tokio::test]
async fn pieces_that_add_up_to_too_much_close_with_1009() {
    let app = TestApp::spawn().await;
    let (_ann, mut here, mut there) = two_sockets(&app).await;
    here.write(&frame(TEXT, &vec![b' '; 100_000])).await;
    here.write(&frame(CONTINUATION, &vec![b' '; 100_000])).await;
    assert_eq!(here.expect_close().await, 1009);
    assert_unhurt(&mut there).await;
}

#[tokio::test]
async fn the_largest_frame_is_taken() {
    let app = TestApp::spawn().await;
    let (_ann, mut here, _there) = two_sockets(&app).await;
    let ping = b"{\"type\":\"ping\"}";
    let mut most = vec![b' '; 128 * 1024 - ping.len()];
    most.extend_from_slice(ping);
    here.write(&frame(TEXT | LAST, &most)).await;
    here.expect("pong").await;
    let (one, two) = most.split_at(70_000);
    here.write(&frame(TEXT, one)).await;
    here.write(&frame(CONTINUATION | LAST, two)).await;
    here.expect("pong").await;
}

#[tokio::test]
async fn a_close_is_answered_with_the_same() {
    let app = TestApp::spawn().await;
    let (_ann, mut here, mut there) = two_sockets(&app).await;
    // 1000, as the one who closes sees it come back.
    here.write(&frame(CLOSE | LAST, &1000_u16.to_be_bytes()))
        .await;
    assert_eq!(here.expect_close().await, 1000);
    assert_unhurt(&mut there).await;
}

#[tokio::test]
async fn an_unmasked_frame_closes_with_1002() {
    let app = TestApp::spawn().await;
    let (_ann, mut here, mut there) = two_sockets(&app).await;
    here.write(&[TEXT | LAST, 2, b'{', b'}']).await;
    assert_eq!(here.expect_close().await, 1002);
    assert_unhurt(&mut there).await;
}
