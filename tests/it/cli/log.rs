//! What the log never says, however closely one looks.

use serde_json::json;

use crate::support::{Binary, PASSWORD, Person, Socket, TokenBy};

const WORDS: &str = "a-word-between-us";

#[tokio::test]
async fn no_message_token_password_or_query_string_is_ever_logged() {
    let binary = Binary::migrated().await;
    let filter = ("TIDINGS_LOG", "debug,tidings=trace");
    let mut serving = binary.serve(&[filter]).await;
    let ann = Person::register(&serving.site, "ann").await;
    let ben = Person::register(&serving.site, "ben").await;
    let connection = ann.connect_with(&ben).await;
    let id = ann.direct_with(&ben).await;
    ann.send_as(id, WORDS, "a-name").await.expect(201);
    let chat = format!("/ws/chat/{id}/");
    for token in [TokenBy::Bearer, TokenBy::Subprotocol, TokenBy::Query] {
        let mut socket = ann.socket_by(&chat, token).await;
        socket.say(WORDS).await;
        socket.expect_message().await;
        // Refused ones neither.
        socket.send(json!({ "type": WORDS })).await;
        socket.expect_error("unknown_type").await;
        socket.send(json!([WORDS])).await;
        socket.expect_error("bad_json").await;
        socket
            .send(json!({ "type": "message", "message": [WORDS] }))
            .await;
        socket.expect_error("invalid").await;
    }
    let query = format!("/api/me/?token={}&q={WORDS}", ann.token);
    ann.get(&query).await.expect(200);
    ann.get(&format!("/nothing/?q={WORDS}")).await.expect(404);
    let path = format!("/api/conversations/{id}/messages/?before={WORDS}");
    ann.get(&path).await.refused(400, "bad_request");
    ann.delete(&format!("/api/connections/{connection}/"))
        .await
        .expect(204);
    ann.send(id, WORDS).await.refused(403, "not_connected");
    let mut knocking = ben.clone();
    knocking.token = format!("{}{WORDS}", ben.token);
    for token in [TokenBy::Bearer, TokenBy::Subprotocol, TokenBy::Query] {
        assert!(Socket::try_open(&knocking, &chat, token).await.is_none());
    }
    serving.signal("TERM").await;
    assert!(serving.ended().await.success());

    let log = binary.log();
    // It does say something, of these very requests.
    assert!(log.contains(&format!("GET /ws/chat/{id}")), "{log}");
    assert!(log.contains("closing a session"), "{log}");
    let (_, signature) = ann.token.rsplit_once('.').unwrap();
    let (_, other) = ben.token.rsplit_once('.').unwrap();
    for secret in [WORDS, PASSWORD, signature, other, "token=", "before="] {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret}");
    }
}
