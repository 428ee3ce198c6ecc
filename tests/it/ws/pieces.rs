//! Messages that come in several frames (RFC 6455, section 5.4), and frames
//! that come in several packets.

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::support::TestApp;
use crate::support::raw::{CONTINUATION, LAST, TEXT, frame};

#[tokio::test]
async fn pieces_are_put_together_also_around_pings_and_inside_a_character() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let mut socket = ann.chat_socket(id).await;
    let text = json!({ "type": "message", "message": "Grüße 🙂" }).to_string();
    let text = text.as_bytes();
    // Inside the two bytes of an ü, and the four of a smile.
    let inside = text.iter().position(|byte| *byte == 0xc3).unwrap() + 1;
    let smile = text.iter().position(|byte| *byte == 0xf0).unwrap() + 2;
    socket.write(&frame(TEXT, &text[..inside])).await;
    socket.send_raw(Message::Ping("one".into())).await;
    socket
        .write(&frame(CONTINUATION, &text[inside..smile]))
        .await;
    socket.write(&frame(CONTINUATION, b"")).await;
    socket.send_raw(Message::Ping("two".into())).await;
    socket
        .write(&frame(CONTINUATION | LAST, &text[smile..]))
        .await;
    for ping in ["one", "two"] {
        assert_eq!(socket.next_raw().await, Message::Pong(ping.into()));
    }
    assert_eq!(socket.expect_message().await["text"], "Grüße 🙂");
}

#[tokio::test]
async fn frames_are_found_wherever_packets_end() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let mut socket = ann.chat_socket(id).await;
    let mut bytes = Vec::new();
    for length in [1, 200, 3000] {
        let text = json!({ "type": "message", "message": "x".repeat(length) });
        bytes.extend(frame(TEXT | LAST, text.to_string().as_bytes()));
    }
    for packet in bytes.chunks(7) {
        socket.write(packet).await;
    }
    for length in [1, 200, 3000] {
        assert_eq!(socket.expect_message().await["text"], "x".repeat(length));
    }
}

#[tokio::test]
async fn pieces_out_of_turn_close_the_socket() {
    let app = TestApp::spawn().await;
    let ann = app.person("ann").await;
    let out_of_turn = [
        vec![frame(CONTINUATION, b"{}")],
        vec![frame(CONTINUATION | LAST, b"{}")],
        vec![frame(TEXT, b"{"), frame(TEXT, b"}")],
        vec![frame(TEXT, b"{"), frame(TEXT | LAST, b"{}")],
    ];
    for frames in out_of_turn {
        let mut socket = ann.socket("/ws/").await;
        for frame in frames {
            socket.write(&frame).await;
        }
        assert_eq!(socket.expect_close().await, 1002);
    }
}
