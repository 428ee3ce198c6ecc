//! Ids of conversations that don't exist.

use std::net::{Ipv4Addr, SocketAddr};

use crate::support::{TestApp, until};

/// Guards memory: a request with an unknown id starts a Room, which must stop
/// when it doesn't find the conversation.
#[tokio::test]
async fn unknown_conversation_keeps_no_room() {
    let app = TestApp::builder()
        .settings(|settings| {
            settings.metrics.listen = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        })
        .spawn()
        .await;
    let ann = app.register_user("ann").await;
    for id in 1_000_000..1_000_100 {
        ann.send(id, "Hello?")
            .await
            .expect_problem(404, "not_found");
    }
    until("the Rooms to go", async || {
        let metrics = app.metrics().request(reqwest::Method::GET, "/metrics");
        let text = metrics.send().await.unwrap().text().await.unwrap();
        text.contains("\ntidings_rooms 0\n").then_some(())
    })
    .await;
    // Consecutive commands are answered in order.
    let mut socket = ann.socket("/ws/").await;
    for at in 0..10 {
        let name = at.to_string();
        let frame = serde_json::json!({
            "type": "message", "conversation_id": 1_000_000, "message": "Hello?", "client_id": name,
        });
        socket.send(frame).await;
    }
    for at in 0..10 {
        let refused = socket.expect_error("not_found").await;
        assert_eq!(refused["client_id"], at.to_string());
    }
}
