//! A complete conversation, starting from an empty data folder.

use serde_json::json;

use crate::support::TestApp;

#[tokio::test]
async fn live_conversation_survives_restart() {
    let mut app = TestApp::spawn().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let asked = ann.request_connection(&ben).await.expect(201);
    let accept = format!("/api/connections/{}/accept/", asked["id"]);
    ben.post(&accept, json!({})).await.expect(200);
    let id = ann.post_direct(&ben).await.expect(201)["id"]
        .as_i64()
        .unwrap();

    let mut here = ann.chat_socket(id).await;
    let mut there = ben.socket("/ws/").await;
    here.send_text_as("Hello, Ben!", "first").await;
    // The first message also sends `conversation` to both users.
    assert_eq!(here.expect("conversation").await["conversation"]["id"], id);
    let echo = here.expect_message().await;
    assert_eq!(
        (&echo["seq"], &echo["client_id"]),
        (&json!(1), &json!("first"))
    );
    assert_eq!(there.expect("conversation").await["conversation"]["id"], id);
    assert_eq!(there.expect_message().await, echo);

    there
        .send(json!({ "type": "message", "conversation_id": id, "message": "Hello, Ann!" }))
        .await;
    let answer = there.expect_message().await;
    assert_eq!(
        (&answer["seq"], &answer["text"]),
        (&json!(2), &json!("Hello, Ann!"))
    );
    assert_eq!(here.expect_message().await, answer);

    let before = ann.history(id).await;
    assert_eq!(before.len(), 2);
    app.restart().await;
    assert_eq!(ann.history(id).await, before);
    let mut again = ben.chat_socket(id).await;
    assert_eq!(again.hello["conversation"]["last_seq"], 2);
    again.send_text("Still there?").await;
    assert_eq!(again.expect_message().await["seq"], 3);
}
