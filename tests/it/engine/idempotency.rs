//! Idempotent sends: all requests with one `client_id`, over sockets and REST,
//! become one message, and each is answered with that message.

use serde_json::{Value, json};

use crate::support::raw_frames::{FINAL_BIT, TEXT, encode_frame};
use crate::support::{TestApp, TestSocket, TestUser};

async fn talk(app: &TestApp) -> (TestUser, TestUser, i64) {
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    (ann, ben, id)
}

/// Returns whether both are the same message, apart from the delivery status.
fn same(one: &Value, other: &Value) -> bool {
    ["id", "seq", "version", "text", "client_id", "created_at"]
        .iter()
        .all(|field| one[field] == other[field])
}

#[tokio::test]
async fn retry_on_same_socket_is_echoed() {
    let app = TestApp::spawn().await;
    let (ann, ben, id) = talk(&app).await;
    let mut here = ann.chat_socket(id).await;
    let mut there = ben.chat_socket(id).await;
    here.send_text_as("Once", "a").await;
    here.send_text_as("Once more", "a").await;
    let first = here.expect_message().await;
    assert_eq!(first["text"], "Once");
    assert_eq!(here.expect_message().await, first);
    assert_eq!(there.expect_message().await, first);
    here.expect_nothing_until_pong().await;
    there.expect_nothing_until_pong().await;
    assert_eq!(ann.history(id).await.len(), 2);
}

/// Guards the race of two sends with one `client_id`. The two sessions are
/// different actors, so both sends reach the Room before either is on disk.
#[tokio::test]
async fn concurrent_sockets_store_one_message() {
    let app = TestApp::spawn().await;
    let (ann, ben, id) = talk(&app).await;
    let mut one = ann.chat_socket(id).await;
    let mut two = ann.chat_socket(id).await;
    let mut there = ben.chat_socket(id).await;
    for round in 0..50 {
        let name = format!("round {round}");
        tokio::join!(
            one.send_text_as("From one", &name),
            two.send_text_as("From two", &name)
        );
        let told = there.expect_message().await;
        // Both sockets get the message; the sender of the retry also gets an
        // echo.
        assert_eq!(one.expect_message().await, told);
        assert_eq!(two.expect_message().await, told);
        let echo = if told["text"] == "From one" {
            two.expect_message().await
        } else {
            one.expect_message().await
        };
        assert_eq!(echo, told);
    }
    for socket in [&mut one, &mut two, &mut there] {
        socket.expect_nothing_until_pong().await;
    }
    assert_eq!(ann.history(id).await.len(), 51);
}

#[tokio::test]
async fn socket_and_rest_store_one_message() {
    let app = TestApp::spawn().await;
    let (ann, ben, id) = talk(&app).await;
    let mut here = ann.chat_socket(id).await;
    let mut there = ben.chat_socket(id).await;
    for round in 0..50 {
        let name = format!("round {round}");
        let ((), posted) = tokio::join!(
            here.send_text_as("By socket", &name),
            ann.send_as(id, "By REST", &name)
        );
        let told = there.expect_message().await;
        assert!(same(&posted.body, &told), "{} {told}", posted.body);
        assert_eq!(here.expect_message().await, told);
        match posted.status {
            // The REST request was first, so the socket's send is a retry and
            // is echoed.
            201 => assert_eq!(here.expect_message().await, told),
            status => assert_eq!(status, 200),
        }
    }
    here.expect_nothing_until_pong().await;
    there.expect_nothing_until_pong().await;
    assert_eq!(ann.history(id).await.len(), 51);
}

/// Guards duplicates inside one batch of the Journal, which a database lookup
/// can't find: 50 frames in one packet arrive before the first transaction.
#[tokio::test]
async fn duplicates_in_batch_are_one_message() {
    let app = TestApp::spawn().await;
    let (ann, ben, id) = talk(&app).await;
    let mut here = ann.chat_socket(id).await;
    let mut there = ben.chat_socket(id).await;
    let mut packet = Vec::new();
    for at in 0..50 {
        let name = format!("name {}", at % 5);
        let send = json!({ "type": "message", "message": at.to_string(), "client_id": name });
        packet.extend(encode_frame(TEXT | FINAL_BIT, send.to_string().as_bytes()));
    }
    here.write_bytes(&packet).await;
    let mut told = Vec::new();
    for at in 0..5 {
        let message = there.expect_message().await;
        // The first send of each `client_id` wins.
        assert_eq!(message["text"], at.to_string());
        told.push(message);
    }
    let mut counts = [0; 5];
    for _ in 0..50 {
        let echo = here.expect_message().await;
        let at = told.iter().position(|message| *message == echo).unwrap();
        counts[at] += 1;
    }
    assert_eq!(counts, [10; 5]);
    here.expect_nothing_until_pong().await;
    there.expect_nothing_until_pong().await;
    assert_eq!(ann.history(id).await.len(), 6);
}

#[tokio::test]
async fn reused_client_id_is_refused() {
    let app = TestApp::spawn().await;
    let (ann, _ben, id) = talk(&app).await;
    let cat = app.register_user("cat").await;
    ann.connect_with(&cat).await;
    let elsewhere = ann.open_direct_used(&cat).await;
    ann.send_as(id, "Hello", "used").await.expect(201);
    let reused = ann.send_as(elsewhere, "Hello", "used").await;
    reused.expect_problem(409, "client_id_reused");
    let mut socket = ann.chat_socket(elsewhere).await;
    socket.send_text_as("Hello", "used").await;
    let error = socket.expect_error("client_id_reused").await;
    assert_eq!(error["conversation_id"], elsewhere);
    assert_eq!(error["client_id"], "used");
    assert_eq!(ann.history(elsewhere).await.len(), 1);

    // Of two concurrent sends, the second is refused.
    for round in 0..20 {
        let name = format!("round {round}");
        let (one, two) = tokio::join!(
            ann.send_as(id, "Here", &name),
            ann.send_as(elsewhere, "There", &name)
        );
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409]);
    }
}

#[tokio::test]
async fn retry_after_restart_returns_first_message() {
    let mut app = TestApp::spawn().await;
    let (ann, _ben, id) = talk(&app).await;
    let first = ann.send_as(id, "Hello", "a").await.expect(201);
    app.restart().await;
    let again = ann.send_as(id, "Hello?", "a").await.expect(200);
    assert!(same(&again, &first), "{again}");
    let mut socket = ann.chat_socket(id).await;
    socket.send_text_as("Hello??", "a").await;
    assert!(same(&socket.expect_message().await, &first));
    assert_eq!(ann.history(id).await.len(), 2);
}

/// Idempotency is checked before permission: a retry of a stored message is
/// never refused, since the first send may have been acknowledged.
#[tokio::test]
async fn retry_without_connection_returns_first_message() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let connection = ann.connect_with(&ben).await;
    let id = ann.open_direct_used(&ben).await;
    let mut socket = ann.chat_socket(id).await;
    socket.send_text_as("Hello", "a").await;
    let first = socket.expect_message().await;
    let path = format!("/api/connections/{connection}/");
    ben.delete(&path).await.expect(204);

    let again = ann.send_as(id, "Hello?", "a").await.expect(200);
    assert!(same(&again, &first), "{again}");
    socket.send_text_as("Hello?", "a").await;
    assert!(same(&socket.expect_message().await, &first));
    socket.send_text_as("Hello?", "b").await;
    let error = socket.expect_error("not_connected").await;
    assert_eq!(error["client_id"], "b");
    let new = ann.send_as(id, "Hello?", "c").await;
    new.expect_problem(403, "not_connected");
}

#[tokio::test]
async fn retry_is_echoed_to_requester_only() {
    let app = TestApp::spawn().await;
    let (ann, ben, id) = talk(&app).await;
    let mut asks = ann.chat_socket(id).await;
    let mut others = [
        ann.chat_socket(id).await,
        ann.socket("/ws/").await,
        ben.chat_socket(id).await,
        ben.socket("/ws/").await,
    ];
    asks.send_text_as("Hello", "a").await;
    let first = asks.expect_message().await;
    for other in &mut others {
        assert_eq!(other.expect_message().await, first);
    }
    asks.send_text_as("Something else", "a").await;
    assert!(same(&asks.expect_message().await, &first));
    ann.send_as(id, "Something else", "a").await.expect(200);
    for other in &mut others {
        other.expect_nothing_until_pong().await;
    }
    asks.expect_nothing_until_pong().await;
}

#[tokio::test]
async fn client_ids_are_scoped_to_sender() {
    let app = TestApp::spawn().await;
    let (ann, ben, id) = talk(&app).await;
    ann.send_as(id, "From Ann", "a").await.expect(201);
    let theirs = ben.send_as(id, "From Ben", "a").await.expect(201);
    assert_eq!(theirs["text"], "From Ben");
    // A `client_id` is case-sensitive, unlike a username.
    ann.send_as(id, "From Ann", "A").await.expect(201);
}

#[tokio::test]
async fn texts_without_client_id_stay_separate() {
    let app = TestApp::spawn().await;
    let (ann, _ben, id) = talk(&app).await;
    let mut socket: TestSocket = ann.chat_socket(id).await;
    socket.send_text("Hello").await;
    socket.send_text("Hello").await;
    let first = socket.expect_message().await;
    let second = socket.expect_message().await;
    assert_ne!(first["id"], second["id"]);
    assert_eq!(ann.history(id).await.len(), 3);
}

/// Guards a client's outbox: a retry is acknowledged by a `message` with its
/// `client_id`, even if the message was edited since.
#[tokio::test]
async fn retry_of_edited_message_is_echoed() {
    let app = TestApp::spawn().await;
    let (ann, ben, id) = talk(&app).await;
    let mut here = ann.chat_socket(id).await;
    let mut there = ben.chat_socket(id).await;
    here.send_text_as("Once", "a").await;
    let first = here.expect_message().await;
    there.expect_message().await;
    let edit = json!({ "type": "edit", "message_id": first["id"], "message": "Twice" });
    here.send(edit.clone()).await;
    let edited = here.expect("message_updated").await;
    there.expect("message_updated").await;
    here.send_text_as("Once", "a").await;
    let echo = here.expect_message().await;
    assert_eq!(echo, edited["message"]);
    assert_eq!(echo["client_id"], "a");
    // An edit without effect is answered to its sender alone.
    here.send(edit).await;
    assert_eq!(here.expect("message_updated").await, edited);
    for socket in [&mut here, &mut there] {
        socket.expect_nothing_until_pong().await;
    }
}

/// A stored message is acknowledged even if its retry has invalid content.
#[tokio::test]
async fn retry_with_invalid_content_is_answered() {
    let app = TestApp::spawn().await;
    let (ann, ben, id) = talk(&app).await;
    let first = ann.send_as(id, "Once", "a").await.expect(201);
    let mut socket = ann.chat_socket(id).await;
    let rest = format!("/api/conversations/{id}/messages/");
    let long = "x".repeat(10_001);
    for content in [
        json!({ "text": "" }),
        json!({ "text": long }),
        json!({ "text": "a\0" }),
        json!({ "text": 7 }),
        json!({}),
        json!({ "text": "Twice", "reply_to": "x" }),
        json!({ "text": "Twice", "reply_to": 1_000_000 }),
        json!({ "text": "", "reply_to": [] }),
    ] {
        let mut body = content.clone();
        body["client_id"] = "a".into();
        let again = ann.post(&rest, body.clone()).await.expect(200);
        assert!(same(&again, &first), "{content}: {again}");
        if let Some(text) = body.as_object_mut().unwrap().remove("text") {
            body["message"] = text;
        }
        let by_name = ann.post("/messages/send/ben/", body.clone()).await;
        // This endpoint ignores `reply_to`.
        assert!(same(&by_name.expect(200), &first), "{content}");
        body["type"] = "message".into();
        socket.send(body).await;
        assert!(same(&socket.expect_message().await, &first), "{content}");
        // With a new `client_id` the content is validated.
        let mut new = content.clone();
        new["client_id"] = "b".into();
        ann.post(&rest, new).await.expect(422);
    }
    socket.expect_nothing_until_pong().await;
    assert_eq!(ann.history(id).await.len(), 2);

    // A `client_id` of another conversation is refused before the text is
    // checked.
    let cat = app.register_user("cat").await;
    ann.connect_with(&cat).await;
    let elsewhere = ann.open_direct_used(&cat).await;
    let reused = ann.send_as(elsewhere, "", "a").await;
    reused.expect_problem(409, "client_id_reused");
    // The check must not reveal conversations to other users.
    let dan = app.register_user("dan").await;
    for id in [id, 1_000_000] {
        dan.send_as(id, "", "a")
            .await
            .expect_problem(404, "not_found");
    }
    ben.send_as(id, "", "a")
        .await
        .expect_problem(422, "text_empty");
    // Sent by username, an invalid message must not open a conversation.
    ann.connect_with(&dan).await;
    let empty = json!({ "message": "", "client_id": "c" });
    let refused = ann.post("/messages/send/dan/", empty).await;
    refused.expect_problem(422, "text_empty");
    let list = ann.get("/api/conversations/").await.expect(200);
    assert_eq!(list.as_array().unwrap().len(), 2);
}

/// Guards the order of one sender's requests: an invalid retry arrives while
/// the first send is still in progress.
#[tokio::test]
async fn invalid_concurrent_retry_is_answered() {
    let app = TestApp::spawn().await;
    let (ann, _ben, id) = talk(&app).await;
    let mut socket = ann.chat_socket(id).await;
    let frames =
        ["Once", ""].map(|text| json!({ "type": "message", "message": text, "client_id": "a" }));
    socket.send_together(frames).await;
    let first = socket.expect_message().await;
    assert_eq!(first["text"], "Once");
    assert_eq!(socket.expect_message().await, first);
    socket.expect_nothing_until_pong().await;
}
