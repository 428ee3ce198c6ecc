//! Messages in several frames (RFC 6455, section 5.4), and frames in several
//! packets.

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::support::TestApp;
use crate::support::raw_frames::{CONTINUATION, FINAL_BIT, TEXT, encode_frame};

#[tokio::test]
async fn fragments_are_joined_around_pings() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let mut socket = ann.chat_socket(id).await;
    let text = json!({ "type": "message", "message": "Grüße 🙂" }).to_string();
    let text = text.as_bytes();
    // Split inside the two bytes of ü, and inside the four bytes of 🙂.
    let inside = text.iter().position(|byte| *byte == 0xc3).unwrap() + 1;
    let smile = text.iter().position(|byte| *byte == 0xf0).unwrap() + 2;
    socket
        .write_bytes(&encode_frame(TEXT, &text[..inside]))
        .await;
    socket.send_raw(Message::Ping("one".into())).await;
    socket
        .write_bytes(&encode_frame(CONTINUATION, &text[inside..smile]))
        .await;
    socket.write_bytes(&encode_frame(CONTINUATION, b"")).await;
    socket.send_raw(Message::Ping("two".into())).await;
    socket
        .write_bytes(&encode_frame(CONTINUATION | FINAL_BIT, &text[smile..]))
        .await;
    for ping in ["one", "two"] {
        assert_eq!(socket.next_raw().await, Message::Pong(ping.into()));
    }
    assert_eq!(socket.expect_message().await["text"], "Grüße 🙂");
}

#[tokio::test]
async fn frames_are_parsed_across_packets() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let mut socket = ann.chat_socket(id).await;
    let mut bytes = Vec::new();
    for length in [1, 200, 3000] {
        let text = json!({ "type": "message", "message": "x".repeat(length) });
        bytes.extend(encode_frame(TEXT | FINAL_BIT, text.to_string().as_bytes()));
    }
    for packet in bytes.chunks(7) {
        socket.write_bytes(packet).await;
    }
    for length in [1, 200, 3000] {
        assert_eq!(socket.expect_message().await["text"], "x".repeat(length));
    }
}

#[tokio::test]
async fn misplaced_fragment_closes_socket() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    let out_of_turn = [
        vec![encode_frame(CONTINUATION, b"{}")],
        vec![encode_frame(CONTINUATION | FINAL_BIT, b"{}")],
        vec![encode_frame(TEXT, b"{"), encode_frame(TEXT, b"}")],
        vec![
            encode_frame(TEXT, b"{"),
            encode_frame(TEXT | FINAL_BIT, b"{}"),
        ],
    ];
    for frames in out_of_turn {
        let mut socket = ann.socket("/ws/").await;
        for frame in frames {
            socket.write_bytes(&frame).await;
        }
        assert_eq!(socket.expect_close().await, 1002);
    }
}
