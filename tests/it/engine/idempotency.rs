//! Sends with a `client_id`: however often and on whatever way one comes, it
//! becomes one message, and everybody who asked is answered with that.

use serde_json::{Value, json};

use crate::support::raw::{LAST, TEXT, frame};
use crate::support::{Person, Socket, TestApp};

async fn talk(app: &TestApp) -> (Person, Person, i64) {
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    (ann, ben, id)
}

/// As history has it, which knows meanwhile how far it has come.
fn same(one: &Value, other: &Value) -> bool {
    ["id", "seq", "version", "text", "client_id", "created_at"]
        .iter()
        .all(|field| one[field] == other[field])
}

#[tokio::test]
async fn the_same_twice_on_one_socket_is_one_message_with_two_echoes() {
    let app = TestApp::spawn().await;
    let (ann, ben, id) = talk(&app).await;
    let mut here = ann.chat_socket(id).await;
    let mut there = ben.chat_socket(id).await;
    here.say_as("Once", "a").await;
    here.say_as("Once more", "a").await;
    let first = here.expect_message().await;
    assert_eq!(first["text"], "Once");
    assert_eq!(here.expect_message().await, first);
    assert_eq!(there.expect_message().await, first);
    here.expect_nothing_until_pong().await;
    there.expect_nothing_until_pong().await;
    assert_eq!(ann.history(id).await.len(), 2);
}

/// Guards the race of one `client_id` on two sockets, whose sessions are
/// different actors: both reach the Room before either is on disk.
#[tokio::test]
async fn the_same_on_two_sockets_at_once_is_one_message() {
    let app = TestApp::spawn().await;
    let (ann, ben, id) = talk(&app).await;
    let mut one = ann.chat_socket(id).await;
    let mut two = ann.chat_socket(id).await;
    let mut there = ben.chat_socket(id).await;
    for round in 0..50 {
        let name = format!("round {round}");
        tokio::join!(one.say_as("From one", &name), two.say_as("From two", &name));
        let told = there.expect_message().await;
        // Both are told, and whoever came second is answered besides.
        assert_eq!(one.expect_message().await, told);
        assert_eq!(two.expect_message().await, told);
        let echo = match told["text"] == "From one" {
            true => two.expect_message().await,
            false => one.expect_message().await,
        };
        assert_eq!(echo, told);
    }
    for socket in [&mut one, &mut two, &mut there] {
        socket.expect_nothing_until_pong().await;
    }
    assert_eq!(ann.history(id).await.len(), 51);
}

#[tokio::test]
async fn the_same_on_a_socket_and_over_rest_at_once_is_one_message() {
    let app = TestApp::spawn().await;
    let (ann, ben, id) = talk(&app).await;
    let mut here = ann.chat_socket(id).await;
    let mut there = ben.chat_socket(id).await;
    for round in 0..50 {
        let name = format!("round {round}");
        let ((), posted) = tokio::join!(
            here.say_as("By socket", &name),
            ann.send_as(id, "By REST", &name)
        );
        let told = there.expect_message().await;
        assert!(same(&posted.body, &told), "{} {told}", posted.body);
        assert_eq!(here.expect_message().await, told);
        match posted.status {
            // The request was first, so that the socket asked again.
            201 => assert_eq!(here.expect_message().await, told),
            status => assert_eq!(status, 200),
        }
    }
    here.expect_nothing_until_pong().await;
    there.expect_nothing_until_pong().await;
    assert_eq!(ann.history(id).await.len(), 51);
}

/// Guards the doubles inside one batch of the Journal, which no look into the
/// database can find: fifty frames in one packet are there before the first
/// transaction begins.
#[tokio::test]
async fn the_same_many_times_in_one_batch_is_one_message() {
    let app = TestApp::spawn().await;
    let (ann, ben, id) = talk(&app).await;
    let mut here = ann.chat_socket(id).await;
    let mut there = ben.chat_socket(id).await;
    let mut packet = Vec::new();
    for at in 0..50 {
        let name = format!("name {}", at % 5);
        let send = json!({ "type": "message", "message": at.to_string(), "client_id": name });
        packet.extend(frame(TEXT | LAST, send.to_string().as_bytes()));
    }
    here.write(&packet).await;
    let mut told = Vec::new();
    for at in 0..5 {
        let message = there.expect_message().await;
        // The first of each name.
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
async fn a_client_id_of_another_conversation_is_refused() {
    let app = TestApp::spawn().await;
    let (ann, _ben, id) = talk(&app).await;
    let cat = app.person("cat").await;
    ann.connect_with(&cat).await;
    let elsewhere = ann.talk_with(&cat).await;
    ann.send_as(id, "Hello", "used").await.expect(201);
    let reused = ann.send_as(elsewhere, "Hello", "used").await;
    reused.refused(409, "client_id_reused");
    let mut socket = ann.chat_socket(elsewhere).await;
    socket.say_as("Hello", "used").await;
    let error = socket.expect_error("client_id_reused").await;
    assert_eq!(error["conversation_id"], elsewhere);
    assert_eq!(error["client_id"], "used");
    assert_eq!(ann.history(elsewhere).await.len(), 1);

    // Both at once: whichever is second.
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
async fn a_retry_is_answered_by_the_first_also_after_a_restart() {
    let mut app = TestApp::spawn().await;
    let (ann, _ben, id) = talk(&app).await;
    let first = ann.send_as(id, "Hello", "a").await.expect(201);
    app.restart().await;
    let again = ann.send_as(id, "Hello?", "a").await.expect(200);
    assert!(same(&again, &first), "{again}");
    let mut socket = ann.chat_socket(id).await;
    socket.say_as("Hello??", "a").await;
    assert!(same(&socket.expect_message().await, &first));
    assert_eq!(ann.history(id).await.len(), 2);
}

/// Idempotency is looked at before permission: what was acknowledged, or may
/// have been, isn't denied afterwards.
#[tokio::test]
async fn a_retry_is_answered_by_the_first_also_after_the_connection_ended() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (app.person("ann").await, app.person("ben").await);
    let connection = ann.connect_with(&ben).await;
    let id = ann.talk_with(&ben).await;
    let mut socket = ann.chat_socket(id).await;
    socket.say_as("Hello", "a").await;
    let first = socket.expect_message().await;
    let path = format!("/api/connections/{connection}/");
    ben.delete(&path).await.expect(204);

    let again = ann.send_as(id, "Hello?", "a").await.expect(200);
    assert!(same(&again, &first), "{again}");
    socket.say_as("Hello?", "a").await;
    assert!(same(&socket.expect_message().await, &first));
    socket.say_as("Hello?", "b").await;
    let error = socket.expect_error("not_connected").await;
    assert_eq!(error["client_id"], "b");
    let new = ann.send_as(id, "Hello?", "c").await;
    new.refused(403, "not_connected");
}

#[tokio::test]
async fn a_retry_is_echoed_to_the_one_socket_that_asked() {
    let app = TestApp::spawn().await;
    let (ann, ben, id) = talk(&app).await;
    let mut asks = ann.chat_socket(id).await;
    let mut others = [
        ann.chat_socket(id).await,
        ann.socket("/ws/").await,
        ben.chat_socket(id).await,
        ben.socket("/ws/").await,
    ];
    asks.say_as("Hello", "a").await;
    let first = asks.expect_message().await;
    for other in &mut others {
        assert_eq!(other.expect_message().await, first);
    }
    asks.say_as("Something else", "a").await;
    assert!(same(&asks.expect_message().await, &first));
    ann.send_as(id, "Something else", "a").await.expect(200);
    for other in &mut others {
        other.expect_nothing_until_pong().await;
    }
    asks.expect_nothing_until_pong().await;
}

#[tokio::test]
async fn a_client_id_is_its_senders_own() {
    let app = TestApp::spawn().await;
    let (ann, ben, id) = talk(&app).await;
    ann.send_as(id, "From Ann", "a").await.expect(201);
    let theirs = ben.send_as(id, "From Ben", "a").await.expect(201);
    assert_eq!(theirs["text"], "From Ben");
    // It has case, unlike a username.
    ann.send_as(id, "From Ann", "A").await.expect(201);
}

#[tokio::test]
async fn without_a_client_id_the_same_text_is_two_messages() {
    let app = TestApp::spawn().await;
    let (ann, _ben, id) = talk(&app).await;
    let mut socket: Socket = ann.chat_socket(id).await;
    socket.say("Hello").await;
    socket.say("Hello").await;
    let first = socket.expect_message().await;
    let second = socket.expect_message().await;
    assert_ne!(first["id"], second["id"]);
    assert_eq!(ann.history(id).await.len(), 3);
}

/// Guards the outbox of a client: what it tried is acknowledged by a `message`
/// with its name, whatever became of the first one.
#[tokio::test]
async fn a_retry_of_what_was_edited_is_echoed_as_a_message() {
    let app = TestApp::spawn().await;
    let (ann, ben, id) = talk(&app).await;
    let mut here = ann.chat_socket(id).await;
    let mut there = ben.chat_socket(id).await;
    here.say_as("Once", "a").await;
    let first = here.expect_message().await;
    there.expect_message().await;
    let edit = json!({ "type": "edit", "message_id": first["id"], "message": "Twice" });
    here.send(edit.clone()).await;
    let edited = here.expect("message_updated").await;
    there.expect("message_updated").await;
    here.say_as("Once", "a").await;
    let echo = here.expect_message().await;
    assert_eq!(echo, edited["message"]);
    assert_eq!(echo["client_id"], "a");
    // What changes nothing is told to who asked.
    here.send(edit).await;
    assert_eq!(here.expect("message_updated").await, edited);
    for socket in [&mut here, &mut there] {
        socket.expect_nothing_until_pong().await;
    }
}

/// What was sent is acknowledged, whatever a client says when it tries again.
#[tokio::test]
async fn retry_is_answered_before_its_content() {
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
        // There a `reply_to` is no field that is used.
        assert!(same(&by_name.expect(200), &first), "{content}");
        body["type"] = "message".into();
        socket.send(body).await;
        assert!(same(&socket.expect_message().await, &first), "{content}");
        // Of a new name the content counts.
        let mut new = content.clone();
        new["client_id"] = "b".into();
        ann.post(&rest, new).await.expect(422);
    }
    socket.expect_nothing_until_pong().await;
    assert_eq!(ann.history(id).await.len(), 2);

    // A name of another conversation is that, whatever the text.
    let cat = app.person("cat").await;
    ann.connect_with(&cat).await;
    let elsewhere = ann.talk_with(&cat).await;
    let reused = ann.send_as(elsewhere, "", "a").await;
    reused.refused(409, "client_id_reused");
    // A stranger learns of no conversation by it.
    let dan = app.person("dan").await;
    for id in [id, 1_000_000] {
        dan.send_as(id, "", "a").await.refused(404, "not_found");
    }
    ben.send_as(id, "", "a").await.refused(422, "text_empty");
    // By name, nothing is opened by what can't be sent.
    ann.connect_with(&dan).await;
    let empty = json!({ "message": "", "client_id": "c" });
    let refused = ann.post("/messages/send/dan/", empty).await;
    refused.refused(422, "text_empty");
    let list = ann.get("/api/conversations/").await.expect(200);
    assert_eq!(list.as_array().unwrap().len(), 2);
}

/// Guards the order of one asker: the retry comes while the first is under way.
#[tokio::test]
async fn faulty_retry_right_behind_is_answered() {
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
