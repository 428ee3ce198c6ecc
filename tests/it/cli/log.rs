//! What the log never says, however closely one looks.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Binary, PASSWORD, Person, Socket, TokenBy};

const WORDS: &str = "a-word-between-us";

#[tokio::test]
async fn no_message_token_password_or_query_string_is_ever_logged() {
    let binary = Binary::migrated().await;
    let filter = ("TIDINGS_LOG", "debug,actix_http=trace,tidings=trace");
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

/// A stop closes the store, and whatever used it has to end before that: what
/// begins with the server, what looks again and again, what requests and
/// sockets leave behind.
#[tokio::test]
async fn repeated_stops_log_no_warning() {
    let binary = Binary::migrated().await;
    for at in 0..12 {
        let mut serving = binary.serve(&[]).await;
        if at % 2 == 1 {
            let ann = Person::register(&serving.site, &format!("ann{at}")).await;
            let ben = Person::register(&serving.site, &format!("ben{at}")).await;
            ann.connect_with(&ben).await;
            let id = ann.direct_with(&ben).await;
            let mut socket = Socket::open(&ann, "/ws/", TokenBy::Bearer).await;
            ben.send(id, "Hello").await.expect(201);
            // Its `hello` is still being read.
            let _second = Socket::open(&ben, "/ws/", TokenBy::Bearer).await;
            serving.signal("TERM").await;
            assert_eq!(socket.closes_in_the_end().await, 1001);
        } else {
            serving.signal("TERM").await;
        }
        assert!(serving.ended().await.success());
        let log = binary.log();
        assert!(log.contains("stopped"), "{log}");
        // What is unsafe in its settings is said before it listens.
        let (_, since) = log.split_once("listening").unwrap();
        assert!(!since.contains("ERROR") && !since.contains("WARN"), "{log}");
    }
}

/// Guards against anybody who can reach the server filling its disk.
#[tokio::test]
async fn what_is_no_http_is_not_worth_a_line() {
    let binary = Binary::migrated().await;
    let mut serving = binary.serve(&[]).await;
    for rubbish in [
        &b"\x16\x03\x01\x02\x00\x01\x00"[..],
        b"GET / HTTP/1.1\r\nx: \0\r\n\r\n",
        b"\r\n\r\n{}\r\n",
    ] {
        let mut stream = TcpStream::connect(serving.site.address()).await.unwrap();
        stream.write_all(rubbish).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        // It may be cut off, since nobody reads what came after.
        let _ = crate::support::within("the end", read).await;
    }
    serving.signal("TERM").await;
    assert!(serving.ended().await.success());
    let log = binary.log();
    let is_loud = |line: &&str| line.contains("ERROR") || line.contains("WARN");
    // The tests' servers have no limits, of which one is warned at the start.
    let is_said_at_the_start = |line: &str| line.contains("Limits are off");
    let mut loud = log.lines().filter(is_loud);
    assert_eq!(loud.find(|line| !is_said_at_the_start(line)), None, "{log}");
}
