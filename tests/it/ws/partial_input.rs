//! Clients that send a byte at a time, or never finish: the server ends each
//! connection, however long the client would go on.

use std::time::Duration;

use sea_orm::ConnectionTrait;
use serde_json::json;
use tidings::config::ServerTimings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::interval;

use crate::support::raw_frames::{FINAL_BIT, TEXT, encode_header};
use crate::support::{TestApp, TestUser, within};

/// Time between two bytes; the server's timeouts are many times longer.
const DRIP: Duration = Duration::from_millis(10);
const TIMEOUT: Duration = Duration::from_millis(500);
/// A longer timeout for tests with other active clients, which must not be late
/// if the machine stalls for a moment.
const LONG_TIMEOUT: Duration = Duration::from_secs(2);

/// Starts a server on which only one timeout is short.
async fn with_short_timeout(shorten: impl FnOnce(&mut ServerTimings) + 'static) -> TestApp {
    let app = TestApp::builder().settings(move |settings| shorten(&mut settings.timings));
    app.spawn().await
}

/// Sends this byte at intervals, and reads until the server ends the
/// connection; returns all that was read.
async fn drip(mut reader: ReadHalf<'_>, mut writer: WriteHalf<'_>, byte: u8) -> Vec<u8> {
    let mut ticks = interval(DRIP);
    let mut received = Vec::new();
    within("the connection to end", async {
        loop {
            tokio::select! {
                read = reader.read_buf(&mut received) => match read {
                    Ok(1..) => {}
                    Ok(0) | Err(_) => return,
                },
                _ = ticks.tick() => {
                    // If the connection is gone, the read reports it.
                    let _ = writer.write_all(&[byte]).await;
                }
            }
        }
    })
    .await;
    received
}

#[tokio::test]
async fn unfinished_handshakes_time_out() {
    const MANY: usize = 300;
    let app = with_short_timeout(|it| it.head_within = LONG_TIMEOUT).await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let mut half_open = Vec::new();
    for _ in 0..MANY {
        let mut stream = TcpStream::connect(app.site().address()).await.unwrap();
        let head = b"GET /ws/ HTTP/1.1\r\nHost: here\r\nUpgrade: webso";
        stream.write_all(head).await.unwrap();
        half_open.push(stream);
    }
    // Other clients connect and send meanwhile.
    let mut here = ann.chat_socket(id).await;
    here.send_text("Is there room?").await;
    assert_eq!(here.expect_message().await["seq"], 2);
    for mut stream in half_open {
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        within("the connection to end", read).await.unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 408 "), "{answer:?}");
    }
}

/// Guards the head of a second request, for which actix-http has no timeout.
#[tokio::test]
async fn endless_second_request_times_out() {
    let app = with_short_timeout(|it| it.step_within = LONG_TIMEOUT).await;
    let mut stream = TcpStream::connect(app.site().address()).await.unwrap();
    let first = b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n";
    stream.write_all(first).await.unwrap();
    read_answer(&mut stream).await;
    let second = b"GET /healthz HTTP/1.1\r\nHost: here\r\nNever: ";
    stream.write_all(second).await.unwrap();
    let (reader, writer) = stream.split();
    assert_eq!(
        drip(reader, writer, b'x').await,
        b"",
        "the second request is unfinished"
    );
}

#[tokio::test]
async fn endless_body_is_refused() {
    let app = with_short_timeout(|it| it.body_within = TIMEOUT).await;
    let mut stream = TcpStream::connect(app.site().address()).await.unwrap();
    let head = b"POST /api/auth/login/ HTTP/1.1\r\nHost: here\r\n\
        Content-Type: application/json\r\nContent-Length: 8000\r\n\r\n{";
    stream.write_all(head).await.unwrap();
    let (reader, writer) = stream.split();
    let answer = String::from_utf8(drip(reader, writer, b' ').await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(
        answer.contains("The body took too long to arrive."),
        "{answer}"
    );
}

/// Bytes of an unfinished frame are no sign of life.
#[tokio::test]
async fn endless_frame_counts_as_silence() {
    let app = with_short_timeout(|it| {
        it.silence = LONG_TIMEOUT;
        it.ping_every = LONG_TIMEOUT / 20;
    });
    let app = app.await;
    let ann = app.register_user("ann").await;
    let mut socket = ann.socket("/ws/").await;
    socket
        .write_bytes(&encode_header(TEXT | FINAL_BIT, 100_000))
        .await;
    let (reader, writer) = socket.stream.get_mut().split();
    let received = drip(reader, writer, b'x').await;
    assert!(received.ends_with(b"server going away"), "{received:?}");
    // The client may connect again at once.
    let mut again = ann.socket("/ws/").await;
    again.send(json!({ "type": "ping" })).await;
    again.expect("pong").await;
}

/// A connection that does nothing wrong outlives every timeout: each step has
/// its own timeout.
#[tokio::test]
async fn active_connection_outlives_timeouts() {
    let app = with_short_timeout(|it| it.step_within = LONG_TIMEOUT).await;
    let mut stream = TcpStream::connect(app.site().address()).await.unwrap();
    let mut ticks = interval(LONG_TIMEOUT / 20);
    // In total longer than one step may take.
    for _ in 0..40 {
        ticks.tick().await;
        let request = b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n";
        stream.write_all(request).await.unwrap();
        read_answer(&mut stream).await;
    }
}

/// A long response that is read slowly is sent whole; one that the client stops
/// reading is cut off.
#[tokio::test]
async fn slow_download_outlives_step_timeout() {
    const STEP: Duration = Duration::from_secs(3);
    let app = TestApp::builder().settings(|settings| settings.timings.step_within = STEP);
    let app = app.spawn().await;
    let root = crate::admin::admin(&app, "root").await;
    let database = app.database().connection().await;
    let fill = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) \
         INSERT INTO audit (at, action, target, address, reason) \
         SELECT i, 'user.promote', 'user:1', '', '{}' FROM n",
        "x".repeat(400)
    );
    database.execute_unprepared(&fill).await.unwrap();
    database.close().await.unwrap();

    let taken = async {
        let mut stream = download(&root).await;
        let mut ticks = interval(2 * DRIP);
        let mut csv = Vec::new();
        let mut piece = vec![0; 24 * 1024];
        loop {
            ticks.tick().await;
            match stream.read(&mut piece).await.unwrap() {
                0 => return csv,
                read => csv.extend_from_slice(&piece[..read]),
            }
        }
    };
    let left = async {
        let mut stream = download(&root).await;
        // A busy machine is slow to fill the buffers of the connection; the
        // step begins only after that.
        let mut waits = interval(4 * STEP);
        waits.tick().await;
        waits.tick().await;
        let mut csv = Vec::new();
        // The download ends early, with or without an error from the kernel.
        let _ = stream.read_to_end(&mut csv).await;
        csv
    };
    let both = async { tokio::join!(taken, left) };
    let (taken, left) = within("two downloads", both).await;
    let end = b"\r\n0\r\n\r\n";
    assert!(taken.ends_with(end), "the download is complete");
    assert!(!left.ends_with(end), "the download is cut off");
}

/// Requests a download without reading any of it. The small receive buffer
/// limits the bytes that the kernel accepts before the test reads them.
async fn download(person: &TestUser) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(64 * 1024).unwrap();
    let mut stream = socket.connect(person.site.address()).await.unwrap();
    let request = format!(
        "POST /admin/audit.csv HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {}\r\n\
         Content-Length: 0\r\nConnection: close\r\n\r\n",
        person.token
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

async fn read_answer(stream: &mut TcpStream) {
    let mut answer = Vec::new();
    while !answer.ends_with(br#"{"status":"ok"}"#) {
        let read = stream.read_buf(&mut answer);
        assert!(within("an answer", read).await.unwrap() > 0);
    }
}
