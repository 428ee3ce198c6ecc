//! Direct messages require a connection, on every endpoint and socket.

use serde_json::json;

use crate::support::{TestApp, TestUser, within};

async fn end(person: &TestUser, connection: i64) {
    let path = format!("/api/connections/{connection}/");
    person.delete(&path).await.expect(204);
}

#[tokio::test]
async fn unconnected_users_are_refused_everywhere() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    ann.post_direct(&ben)
        .await
        .expect_problem(403, "not_connected");
    let connection = ann.connect_with(&ben).await;
    let id = ann.open_direct_used(&ben).await;
    // These sockets are opened before the connection ends; others are opened
    // after its end. Frames of all of them reach the live Room.
    let mut bound = ann.chat_socket(id).await;
    let mut unbound = ann.socket("/ws/").await;
    end(&ben, connection).await;
    unbound.expect("connection").await;

    let unaddressed = json!({
        "type": "message", "conversation_id": id, "message": "Hello", "client_id": "a",
    });
    for person in [&ann, &ben] {
        person
            .send(id, "Hello")
            .await
            .expect_problem(403, "not_connected");
        let mut later = person.chat_socket(id).await;
        later.send_text_as("Hello", "a").await;
        let error = later.expect_error("not_connected").await;
        assert_eq!(
            (&error["conversation_id"], &error["client_id"]),
            (&json!(id), &json!("a"))
        );
        let mut later = person.socket("/ws/").await;
        later.send(unaddressed.clone()).await;
        later.expect_error("not_connected").await;
    }
    bound.send_text("Hello").await;
    bound.expect_error("not_connected").await;
    unbound.send(unaddressed).await;
    unbound.expect_error("not_connected").await;
    assert_eq!(ann.history(id).await.len(), 1);
}

#[tokio::test]
async fn history_outlives_connection() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let connection = ann.connect_with(&ben).await;
    let id = ann.open_direct_used(&ben).await;
    let before = ann.history(id).await;
    end(&ann, connection).await;
    for (person, other) in [(&ann, &ben), (&ben, &ann)] {
        assert_eq!(person.history(id).await, before);
        let list = person.get("/api/conversations/").await.expect(200);
        assert_eq!(list[0]["id"], id);
        assert_eq!(person.post_direct(other).await.expect(200)["id"], id);
    }
}

#[tokio::test]
async fn reconnected_users_continue_their_conversation() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let mut connection = ann.connect_with(&ben).await;
    let id = ann.open_direct_used(&ben).await;
    let mut socket = ann.chat_socket(id).await;
    for seq in 2..12 {
        end(&ben, connection).await;
        socket.send_text("Hello").await;
        socket.expect_error("not_connected").await;
        connection = ann.connect_with(&ben).await;
        socket.send_text("Hello").await;
        assert_eq!(socket.expect_message().await["seq"], seq);
    }
}

#[tokio::test]
async fn deactivated_user_receives_but_cannot_send() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let store = app.store().await;
    let act = tidings::store::AuditContext::from_command_line(entity::Millis::now());
    store
        .accounts()
        .deactivate(entity::UserId(ben.id), &act)
        .await
        .unwrap();
    // The store here acts like another process. The server learns of the ended
    // login within a second, but checks the right to send in each transaction.
    let refused = within("the login to be refused", async {
        loop {
            let answer = ben.send(id, "Hello").await;
            if answer.status != 403 {
                return answer;
            }
            answer.expect_problem(403, "deactivated");
        }
    });
    refused.await.expect_problem(401, "unauthenticated");
    ann.send(id, "Are you there?").await.expect(201);
}

#[tokio::test]
async fn bound_socket_accepts_own_conversation_only() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let cat = app.register_user("cat").await;
    ann.connect_with(&cat).await;
    let id = ann.open_direct_used(&ben).await;
    let other = ann.open_direct_used(&cat).await;
    let mut socket = ann.chat_socket(id).await;
    let to = |id: i64| json!({ "type": "message", "message": "Hello", "conversation_id": id });
    socket.send(to(other)).await;
    let error = socket.expect_error("invalid").await;
    assert_eq!(error["conversation_id"], other);
    socket.send(to(id)).await;
    assert_eq!(socket.expect_message().await["seq"], 2);
    ann.send(other, "Elsewhere").await.expect(201);
    socket.expect_nothing_until_pong().await;
    assert_eq!(ann.history(other).await.len(), 2);
}
