//! RFC 6455 by tables: every kind of broken frame and broken handshake, and
//! lists in several header lines (RFC 9110, section 5.3).

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use crate::admin::admin;
use crate::support::TestSocket;
use crate::support::raw_frames::{
    BINARY, CLOSE, CONTINUATION, FINAL_BIT, PING, PONG, TEXT, encode_frame, encode_header,
};
use crate::support::{TestApp, TestUser, TokenTransport, within};

/// Returns a frame whose length uses more bytes than it needs.
fn padded_length(length: u64, bytes: usize) -> Vec<u8> {
    let form = if bytes == 2 { 126 } else { 127 };
    let length = length.to_be_bytes();
    [
        &[TEXT | FINAL_BIT, 0x80 | form],
        &length[8 - bytes..],
        &[0; 4],
    ]
    .concat()
}

/// Returns the name and bytes of broken inputs, each with the close code that
/// it causes.
fn broken_frames() -> Vec<(&'static str, Vec<u8>, u16)> {
    let ping = br#"{"type":"ping"}"#;
    let begun = encode_frame(TEXT, br#"{"type":"#);
    let after_begun = |bytes: &[u8]| [&*begun, bytes].concat();
    vec![
        ("RSV1", encode_frame(TEXT | FINAL_BIT | 0x40, ping), 1002),
        ("RSV2", encode_frame(TEXT | FINAL_BIT | 0x20, ping), 1002),
        ("RSV3", encode_frame(TEXT | FINAL_BIT | 0x10, ping), 1002),
        (
            "RSV on a ping",
            encode_frame(PING | FINAL_BIT | 0x20, b""),
            1002,
        ),
        (
            "RSV on a close",
            encode_frame(CLOSE | FINAL_BIT | 0x70, b""),
            1002,
        ),
        ("RSV on a fragment", encode_frame(TEXT | 0x40, b"{"), 1002),
        ("opcode 3", encode_frame(0x3 | FINAL_BIT, b""), 1002),
        ("opcode 7", encode_frame(0x7, b"a"), 1002),
        ("opcode 11", encode_frame(0xb | FINAL_BIT, b""), 1002),
        ("opcode 15", encode_frame(0xf | FINAL_BIT, b"a"), 1002),
        ("unmasked", vec![TEXT | FINAL_BIT, 2, b'{', b'}'], 1002),
        ("unmasked ping", vec![PING | FINAL_BIT, 0], 1002),
        ("ping in fragments", encode_frame(PING, b"a"), 1002),
        ("pong in fragments", encode_frame(PONG, b""), 1002),
        ("close in fragments", encode_frame(CLOSE, b""), 1002),
        ("long ping", encode_header(PING | FINAL_BIT, 126), 1002),
        ("long close", encode_header(CLOSE | FINAL_BIT, 70_000), 1002),
        ("length of 5 in two bytes", padded_length(5, 2), 1002),
        ("length of 5 in eight bytes", padded_length(5, 8), 1002),
        ("length of 65535 in eight", padded_length(65_535, 8), 1002),
        ("length of 64 bits", padded_length(1 << 63, 8), 1002),
        (
            "continuation alone",
            encode_frame(CONTINUATION | FINAL_BIT, b"{}"),
            1002,
        ),
        (
            "text amid text",
            after_begun(&encode_frame(TEXT | FINAL_BIT, ping)),
            1002,
        ),
        (
            "binary amid text",
            after_begun(&encode_frame(BINARY, ping)),
            1002,
        ),
        (
            "close of one byte",
            encode_frame(CLOSE | FINAL_BIT, &[3]),
            1002,
        ),
        ("broken reason", close(1000, b"\xff"), 1007),
        ("cut reason", close(1000, b"caf\xc3"), 1007),
        ("broken text", encode_frame(TEXT | FINAL_BIT, b"\xff"), 1007),
        ("broken fragment", encode_frame(TEXT, b"\xed\xa0\x80"), 1007),
        ("too long", encode_header(TEXT | FINAL_BIT, 1 << 40), 1009),
    ]
}

fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    encode_frame(CLOSE | FINAL_BIT, &[&code.to_be_bytes(), reason].concat())
}

#[tokio::test]
async fn broken_frame_closes_with_its_code() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    for (what, bytes, code) in broken_frames() {
        let mut socket = ann.socket("/ws/").await;
        socket.write_bytes(&bytes).await;
        assert_eq!(socket.expect_close().await, code, "{what}");
    }
}

/// Admins' sockets ignore the content of frames but still enforce RFC 6455.
#[tokio::test]
async fn broken_frame_closes_admin_socket() {
    let app = TestApp::spawn().await;
    let root = admin(&app, "root").await;
    for (what, bytes, code) in broken_frames() {
        // Ignored text isn't checked for UTF-8.
        if what == "broken fragment" {
            continue;
        }
        let mut socket = TestSocket::open(&root, "/ws/admin/", TokenTransport::Bearer).await;
        socket.write_bytes(&bytes).await;
        assert_eq!(socket.wait_for_close().await, code, "{what}");
    }
}

#[tokio::test]
async fn frames_before_broken_one_are_handled() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    let ping = encode_frame(TEXT | FINAL_BIT, br#"{"type":"ping"}"#);
    for (what, bytes, code) in broken_frames() {
        let mut socket = ann.socket("/ws/").await;
        let together = [
            &*ping,
            &*encode_frame(PING | FINAL_BIT, b"raw"),
            &*ping,
            &*bytes,
        ]
        .concat();
        socket.write_bytes(&together).await;
        socket.expect("pong").await;
        assert_eq!(
            socket.next_raw().await,
            Message::Pong("raw".into()),
            "{what}"
        );
        socket.expect("pong").await;
        assert_eq!(socket.expect_close().await, code, "{what}");
    }
}

#[tokio::test]
async fn valid_close_is_answered_with_code() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    for code in [
        1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 4999,
    ] {
        let mut socket = ann.socket("/ws/").await;
        socket.write_bytes(&close(code, "Grüße".as_bytes())).await;
        assert_eq!(socket.expect_close().await, code);
    }
    for code in [
        0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65_535,
    ] {
        let mut socket = ann.socket("/ws/").await;
        socket.write_bytes(&close(code, b"")).await;
        assert_eq!(socket.expect_close().await, 1002, "{code}");
    }
}

/// The head of a response, in lower case.
struct Head(String);

impl Head {
    fn status(&self) -> u16 {
        self.0.split(' ').nth(1).unwrap().parse().unwrap()
    }

    fn encode_header(&self, name: &str) -> Option<&str> {
        let mut lines = self.0.lines().filter_map(|line| line.split_once(": "));
        lines.find_map(|(found, value)| (found == name).then_some(value))
    }
}

/// Sends a request with these lines, and returns the head of the response.
async fn head_of(app: &TestApp, lines: &[&str]) -> Head {
    let mut stream = TcpStream::connect(app.site().address()).await.unwrap();
    let request = format!("{}\r\n\r\n", lines.join("\r\n"));
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = async {
        while !answer.windows(4).any(|four| four == b"\r\n\r\n") {
            assert!(stream.read_buf(&mut answer).await.unwrap() > 0);
        }
    };
    within("the head of a response", read).await;
    Head(String::from_utf8_lossy(&answer).to_lowercase())
}

const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
const VERSION: &str = "Sec-WebSocket-Version: 13";
const UPGRADE: &str = "Upgrade: websocket";
const CONNECTION: &str = "Connection: Upgrade";

/// Sends a handshake with these lines in addition to those of every request.
async fn handshake_of(app: &TestApp, person: &TestUser, lines: &[&str]) -> Head {
    let token = format!("Authorization: Bearer {}", person.token);
    let all = [&["GET /ws/ HTTP/1.1", "Host: here", &token], lines].concat();
    head_of(app, &all).await
}

#[tokio::test]
async fn broken_handshake_is_refused_by_kind() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    let key = |key: &str| format!("Sec-WebSocket-Key: {key}");
    let version = |version: &str| format!("Sec-WebSocket-Version: {version}");
    let with_key = |text: &str| vec![UPGRADE.into(), CONNECTION.into(), VERSION.into(), key(text)];
    let with_version =
        |text: &str| vec![UPGRADE.into(), CONNECTION.into(), version(text), KEY.into()];
    let lines = |lines: &[&str]| lines.iter().map(ToString::to_string).collect::<Vec<_>>();
    let mut cases = vec![
        (lines(&[UPGRADE, CONNECTION, VERSION]), 400),
        (lines(&[UPGRADE, CONNECTION, KEY]), 400),
        (lines(&[UPGRADE, CONNECTION, VERSION, VERSION, KEY]), 400),
        (lines(&[UPGRADE, CONNECTION, VERSION, KEY, KEY]), 400),
        (lines(&[CONNECTION, VERSION, KEY]), 426),
        (lines(&[UPGRADE, VERSION, KEY]), 426),
        (
            lines(&[UPGRADE, "Connection: keep-alive", VERSION, KEY]),
            426,
        ),
        (
            lines(&["Upgrade: websockets", CONNECTION, VERSION, KEY]),
            426,
        ),
        (lines(&["Upgrade: h2c", CONNECTION, VERSION, KEY]), 426),
        (lines(&[UPGRADE, "Connection: upgraded", VERSION, KEY]), 426),
    ];
    for wrong in [
        "abc",
        "",
        "dGhlIHNhbXBsZSBub25jZQ",
        "dGhlIHNhbXBsZSBub25jZTE=",
        "dGhlIHNhbXBsZSBub25j",
        "not base64 at all!!!!!==",
    ] {
        cases.push((with_key(wrong), 400));
    }
    for wrong in ["14", "8", "7", "0", "255", "13, 14", "thirteen", "013"] {
        cases.push((with_version(wrong), 426));
    }
    for (lines, status) in cases {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let head = handshake_of(&app, &ann, &lines).await;
        assert_eq!(head.status(), status, "{lines:?}");
        let version = (status == 426).then_some("13");
        assert_eq!(
            head.encode_header("sec-websocket-version"),
            version,
            "{lines:?}"
        );
        let upgrade = (status == 426).then_some("websocket");
        assert_eq!(head.encode_header("upgrade"), upgrade, "{lines:?}");
    }
}

/// HTTP/1.0 has no upgrade (RFC 9110, section 7.8).
#[tokio::test]
async fn handshake_by_http_10_is_refused() {
    let app = TestApp::spawn().await;
    let lines = [
        "GET /ws/ HTTP/1.0",
        "Host: here",
        UPGRADE,
        CONNECTION,
        VERSION,
        KEY,
    ];
    assert_eq!(head_of(&app, &lines).await.status(), 426);
}

#[tokio::test]
async fn handshake_reads_lists_in_several_lines() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    let bearer = format!("Sec-WebSocket-Protocol: bearer.{}", ann.token);
    let ours = "Sec-WebSocket-Protocol: other, tidings.v1";
    let usual = ["GET /ws/ HTTP/1.1", "Host: here", VERSION, KEY];
    for rest in [
        vec![UPGRADE, CONNECTION, &bearer, ours],
        vec![UPGRADE, CONNECTION, ours, &bearer],
        vec![UPGRADE, "Connection: keep-alive", CONNECTION, &bearer, ours],
        vec![UPGRADE, "Connection: keep-alive, UPGRADE", &bearer, ours],
        vec![
            "Upgrade: h2c",
            "Upgrade: WebSocket",
            CONNECTION,
            &bearer,
            ours,
        ],
    ] {
        let head = head_of(&app, &[&usual, &*rest].concat()).await;
        assert_eq!(head.status(), 101, "{rest:?}");
        assert_eq!(
            head.encode_header("sec-websocket-protocol"),
            Some("tidings.v1")
        );
        // The example of RFC 6455, section 1.3.
        let accept = head.encode_header("sec-websocket-accept");
        assert_eq!(accept, Some("s3pplmbitxaq9kygzzhzrbk+xoo="), "{rest:?}");
    }
    let alone = head_of(
        &app,
        &[&usual, &[UPGRADE, CONNECTION, &*bearer][..]].concat(),
    )
    .await;
    assert_eq!(
        (
            alone.status(),
            alone.encode_header("sec-websocket-protocol")
        ),
        (101, None)
    );
}

#[tokio::test]
async fn socket_opened_by_several_lines_works() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    let mut stream = TcpStream::connect(app.site().address()).await.unwrap();
    let request = format!(
        "GET /ws/ HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {}\r\nUpgrade: h2c\r\n{UPGRADE}\r\n\
         Connection: keep-alive\r\n{CONNECTION}\r\n{VERSION}\r\n{KEY}\r\n\r\n",
        ann.token
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let ping = json!({ "type": "ping" }).to_string();
    stream
        .write_all(&encode_frame(TEXT | FINAL_BIT, ping.as_bytes()))
        .await
        .unwrap();
    let mut answer = Vec::new();
    let read = async {
        while !answer.ends_with(br#"{"type":"pong"}"#) {
            assert!(stream.read_buf(&mut answer).await.unwrap() > 0);
        }
    };
    within("an answer", read).await;
}

#[tokio::test]
async fn accept_lines_form_one_list() {
    let app = TestApp::spawn().await;
    for (lines, kind) in [
        (
            ["Accept: application/json", "Accept: text/html"],
            "text/html; charset=utf-8",
        ),
        (
            ["Accept: text/html;q=0", "Accept: */*"],
            "application/problem+json",
        ),
    ] {
        let head = head_of(
            &app,
            &["GET /nothing HTTP/1.1", "Host: here", lines[0], lines[1]],
        )
        .await;
        assert_eq!(head.status(), 404);
        assert_eq!(head.encode_header("content-type"), Some(kind), "{lines:?}");
    }
}

#[tokio::test]
async fn etags_in_two_lines_match() {
    let app = TestApp::spawn().await;
    let request = ["GET /static/css/base.css HTTP/1.1", "Host: here"];
    let first = head_of(&app, &request).await;
    let tag = first
        .encode_header("etag")
        .expect("an asset has a tag")
        .to_owned();
    let tag = format!("If-None-Match: {}", tag.replace("w/", "W/"));
    let lines = [&request[..], &["If-None-Match: \"other\"", &tag]].concat();
    assert_eq!(head_of(&app, &lines).await.status(), 304);
    let lines = [
        &request[..],
        &[
            "If-None-Match: \"other\", W/\"more\"",
            "If-None-Match: \"else\"",
        ],
    ];
    assert_eq!(head_of(&app, &lines.concat()).await.status(), 200);
}
