//! Message order: all sessions receive messages in the same order.

use serde_json::{Value, json};

use crate::support::{TestApp, TestSocket};

const EACH: usize = 60;

/// Sends numbered messages and yields after each, so that the senders
/// interleave.
async fn send_all(socket: &mut TestSocket, name: usize) {
    for at in 0..EACH {
        socket
            .send_text_as(&at.to_string(), &format!("{name}.{at}"))
            .await;
        tokio::task::yield_now().await;
    }
}

async fn read_all(socket: &mut TestSocket) -> Vec<Value> {
    socket.expect("conversation").await;
    let mut messages = Vec::new();
    for _ in 0..4 * EACH {
        messages.push(socket.expect_message().await);
    }
    socket.expect_nothing_until_pong().await;
    messages
}

/// Guards the order between commit and fan-out: two users with two sockets each
/// race, and all four sockets read the same history.
#[tokio::test]
async fn sessions_see_one_order_during_race() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct(&ben).await;
    let mut one = ann.chat_socket(id).await;
    let mut two = ben.chat_socket(id).await;
    let mut three = ann.chat_socket(id).await;
    let mut four = ben.chat_socket(id).await;
    tokio::join!(
        send_all(&mut one, 1),
        send_all(&mut two, 2),
        send_all(&mut three, 3),
        send_all(&mut four, 4),
    );
    let seen = read_all(&mut one).await;
    for socket in [&mut two, &mut three, &mut four] {
        assert_eq!(read_all(socket).await, seen);
    }

    for (at, message) in seen.iter().enumerate() {
        assert_eq!(message["seq"], json!(at + 1));
        assert_eq!(message["version"], json!(at + 1));
    }
    // Each socket's messages keep the order in which it sent them.
    for name in 1..=4 {
        let prefix = format!("{name}.");
        let own = seen
            .iter()
            .filter_map(|message| message["client_id"].as_str().unwrap().strip_prefix(&prefix));
        let own: Vec<usize> = own.map(|at| at.parse().unwrap()).collect();
        assert_eq!(own, (0..EACH).collect::<Vec<_>>());
    }
    let mut kept = Vec::new();
    let mut next = Some(format!(
        "/api/conversations/{id}/messages/?after=0&limit=100"
    ));
    while let Some(path) = next {
        let page = ann.get(&path).await;
        next = page.link("next");
        kept.extend(page.expect(200).as_array().unwrap().clone());
    }
    let ids = |messages: &[Value]| -> Vec<Value> {
        messages
            .iter()
            .map(|message| message["id"].clone())
            .collect()
    };
    assert_eq!(ids(&kept), ids(&seen));
}

#[tokio::test]
async fn messages_keep_order_in_each_conversation() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    let mut conversations = Vec::new();
    for at in 0..5 {
        let friend = app.register_user(&format!("friend{at}")).await;
        ann.connect_with(&friend).await;
        let id = ann.open_direct_used(&friend).await;
        conversations.push((id, friend.chat_socket(id).await));
    }
    let mut socket = ann.socket("/ws/").await;
    for at in 0..20 {
        for (id, _) in &conversations {
            let text = at.to_string();
            let frame = json!({ "type": "message", "conversation_id": id, "message": text });
            socket.send(frame).await;
        }
    }
    for (_, friend) in &mut conversations {
        for at in 0..20 {
            let message = friend.expect_message().await;
            assert_eq!(message["text"], at.to_string());
            assert_eq!(message["seq"], json!(at + 2));
        }
        friend.expect_nothing_until_pong().await;
    }
}
