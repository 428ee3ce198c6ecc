//! One can only message people one is connected with: at every door.

use serde_json::json;

use crate::support::{Person, TestApp, within};

async fn end(person: &Person, connection: i64) {
    let path = format!("/api/connections/{connection}/");
    person.delete(&path).await.expect(204);
}

#[tokio::test]
async fn nobody_writes_to_whom_they_are_not_connected_with_at_any_door() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (app.person("ann").await, app.person("ben").await);
    ann.open_with(&ben).await.refused(403, "not_connected");
    let connection = ann.connect_with(&ben).await;
    let id = ann.talk_with(&ben).await;
    // Open before and after the end: both have a live Room before them.
    let mut bound = ann.chat_socket(id).await;
    let mut unbound = ann.socket("/ws/").await;
    end(&ben, connection).await;
    unbound.expect("connection").await;

    let unaddressed = json!({
        "type": "message", "conversation_id": id, "message": "Hello", "client_id": "a",
    });
    for person in [&ann, &ben] {
        person.send(id, "Hello").await.refused(403, "not_connected");
        let mut later = person.chat_socket(id).await;
        later.say_as("Hello", "a").await;
        let error = later.expect_error("not_connected").await;
        assert_eq!(
            (&error["conversation_id"], &error["client_id"]),
            (&json!(id), &json!("a"))
        );
        let mut later = person.socket("/ws/").await;
        later.send(unaddressed.clone()).await;
        later.expect_error("not_connected").await;
    }
    bound.say("Hello").await;
    bound.expect_error("not_connected").await;
    unbound.send(unaddressed).await;
    unbound.expect_error("not_connected").await;
    assert_eq!(ann.history(id).await.len(), 1);
}

#[tokio::test]
async fn what_was_said_stays_readable() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (app.person("ann").await, app.person("ben").await);
    let connection = ann.connect_with(&ben).await;
    let id = ann.talk_with(&ben).await;
    let before = ann.history(id).await;
    end(&ann, connection).await;
    for (person, other) in [(&ann, &ben), (&ben, &ann)] {
        assert_eq!(person.history(id).await, before);
        let list = person.get("/api/conversations/").await.expect(200);
        assert_eq!(list[0]["id"], id);
        assert_eq!(person.open_with(other).await.expect(200)["id"], id);
    }
}

#[tokio::test]
async fn who_connects_again_goes_on_where_they_stopped() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (app.person("ann").await, app.person("ben").await);
    let mut connection = ann.connect_with(&ben).await;
    let id = ann.talk_with(&ben).await;
    let mut socket = ann.chat_socket(id).await;
    for seq in 2..12 {
        end(&ben, connection).await;
        socket.say("Hello").await;
        socket.expect_error("not_connected").await;
        connection = ann.connect_with(&ben).await;
        socket.say("Hello").await;
        assert_eq!(socket.expect_message().await["seq"], seq);
    }
}

#[tokio::test]
async fn who_is_deactivated_says_no_more_and_is_said_to_no_less() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let store = app.store().await;
    let act = tidings::store::Act::at_the_command_line(entity::Millis::now());
    store
        .deactivate(entity::UserId(ben.id), &act)
        .await
        .unwrap();
    // Another process did it. That their login is over is known here within a
    // second; what they may do is judged under the lock.
    let refused = within("the login to be refused", async {
        loop {
            let answer = ben.send(id, "Hello").await;
            if answer.status != 403 {
                return answer;
            }
            answer.refused(403, "deactivated");
        }
    });
    refused.await.refused(401, "unauthenticated");
    ann.send(id, "Are you there?").await.expect(201);
}

#[tokio::test]
async fn a_bound_socket_speaks_of_its_own_conversation_alone() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let cat = app.person("cat").await;
    ann.connect_with(&cat).await;
    let id = ann.talk_with(&ben).await;
    let other = ann.talk_with(&cat).await;
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
