//! Ids that nobody gave out.

use std::net::{Ipv4Addr, SocketAddr};

use crate::support::{TestApp, until};

/// Guards the memory: each costs a Room, for as long as it takes to find that
/// there is no such conversation.
#[tokio::test]
async fn a_conversation_that_there_is_not_keeps_no_room() {
    let app = TestApp::builder()
        .settings(|settings| {
            settings.metrics.listen = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        })
        .spawn()
        .await;
    let ann = app.person("ann").await;
    for id in 1_000_000..1_000_100 {
        ann.send(id, "Hello?").await.refused(404, "not_found");
    }
    until("the Rooms to go", async || {
        let metrics = app.metrics().request(reqwest::Method::GET, "/metrics");
        let text = metrics.send().await.unwrap().text().await.unwrap();
        text.contains("\ntidings_rooms 0\n").then_some(())
    })
    .await;
    // What is asked in a row is answered in a row.
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
