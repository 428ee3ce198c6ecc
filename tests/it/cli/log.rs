//! The log contains no secrets and no needless warnings.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{PASSWORD, TestBinary, TestSocket, TestUser, TokenTransport, warnings};

const WORDS: &str = "a-word-between-us";

const TRANSPORTS: [TokenTransport; 3] = [
    TokenTransport::Bearer,
    TokenTransport::Subprotocol,
    TokenTransport::Query,
];

#[tokio::test]
async fn secrets_are_never_logged() {
    let binary = TestBinary::migrated().await;
    let filter = ("TIDINGS_LOG", "debug,actix_http=trace,tidings=trace");
    let mut serving = binary.serve(&[filter]).await;
    let ann = TestUser::register(&serving.site, "ann").await;
    let ben = TestUser::register(&serving.site, "ben").await;
    let connection = ann.connect_with(&ben).await;
    let id = ann.open_direct(&ben).await;
    ann.send_as(id, WORDS, "a-name").await.expect(201);
    let chat = format!("/ws/chat/{id}/");
    for token in TRANSPORTS {
        let mut socket = ann.socket_by(&chat, token).await;
        socket.send_text(WORDS).await;
        socket.expect_message().await;
        // Refused frames aren't logged either.
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
    ann.get(&path).await.expect_problem(400, "bad_request");
    ann.delete(&format!("/api/connections/{connection}/"))
        .await
        .expect(204);
    ann.send(id, WORDS)
        .await
        .expect_problem(403, "not_connected");
    let mut knocking = ben.clone();
    knocking.token = format!("{}{WORDS}", ben.token);
    for token in TRANSPORTS {
        let socket = TestSocket::try_open(&knocking, &chat, token).await;
        assert!(socket.is_none());
    }
    serving.signal("TERM").await;
    assert!(serving.wait_for_exit().await.success());

    let log = binary.log();
    // The log does have lines about these requests.
    assert!(log.contains(&format!("GET /ws/chat/{id}")), "{log}");
    assert!(log.contains("closing a session"), "{log}");
    let (_, signature) = ann.token.rsplit_once('.').unwrap();
    let (_, other) = ben.token.rsplit_once('.').unwrap();
    for secret in [WORDS, PASSWORD, signature, other, "token=", "before="] {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret}");
    }
}

/// A stop closes the store. Start-up tasks, periodic tasks, and work left by
/// requests and sockets must end before that.
#[tokio::test]
async fn repeated_stops_log_no_warning() {
    let binary = TestBinary::migrated().await;
    for at in 0..12 {
        let mut serving = binary.serve(&[]).await;
        if at % 2 == 1 {
            let ann = TestUser::register(&serving.site, &format!("ann{at}")).await;
            let ben = TestUser::register(&serving.site, &format!("ben{at}")).await;
            ann.connect_with(&ben).await;
            let id = ann.open_direct(&ben).await;
            let mut socket = TestSocket::open(&ann, "/ws/", TokenTransport::Bearer).await;
            ben.send(id, "Hello").await.expect(201);
            // The stop begins while the server still loads the data for this
            // `hello`.
            let _second = TestSocket::open(&ben, "/ws/", TokenTransport::Bearer).await;
            serving.signal("TERM").await;
            assert_eq!(socket.wait_for_close().await, 1001);
        } else {
            serving.signal("TERM").await;
        }
        assert!(serving.wait_for_exit().await.success());
        let log = binary.log();
        assert!(log.contains("stopped"), "{log}");
        // Warnings about unsafe settings come before the server listens.
        let (_, since) = log.split_once("listening").unwrap();
        assert_eq!(warnings(since).next(), None, "{log}");
    }
}

/// Guards against clients that fill the disk with log lines.
#[tokio::test]
async fn invalid_http_logs_no_warning() {
    let binary = TestBinary::migrated().await;
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
        // The server may reset the connection without reading the rest.
        let _ = crate::support::within("the end", read).await;
    }
    serving.signal("TERM").await;
    assert!(serving.wait_for_exit().await.success());
    let log = binary.log();
    // Test servers run without limits, which a warning at the start reports.
    let is_said_at_the_start = |line: &str| line.contains("Limits are off");
    let unexpected = warnings(&log).find(|line| !is_said_at_the_start(line));
    assert_eq!(unexpected, None, "{log}");
}
