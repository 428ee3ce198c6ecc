//! Clients that say what they say a byte at a time, or never to the end: each
//! is let go, however long it would go on.

use std::time::Duration;

use sea_orm::ConnectionTrait;
use serde_json::json;
use tidings::config::Timings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::interval;

use crate::support::raw::{LAST, TEXT, header};
use crate::support::{Person, TestApp, within};

/// Between two bytes; the server's patience is many times that.
const DRIP: Duration = Duration::from_millis(10);
const PATIENCE: Duration = Duration::from_millis(500);
/// Of a server that others talk with meanwhile, who mustn't be late where the
/// machine stands still for a moment.
const MORE_PATIENCE: Duration = Duration::from_secs(2);

/// A server whose patience is short in one thing alone.
async fn impatient(shorten: impl FnOnce(&mut Timings) + 'static) -> TestApp {
    let app = TestApp::builder().settings(move |settings| shorten(&mut settings.timings));
    app.spawn().await
}

/// Says this byte now and then, and reads, until the server has ended the
/// connection: what it said.
async fn drip(mut reader: ReadHalf<'_>, mut writer: WriteHalf<'_>, byte: u8) -> Vec<u8> {
    let mut ticks = interval(DRIP);
    let mut heard = Vec::new();
    within("the connection to end", async {
        loop {
            tokio::select! {
                read = reader.read_buf(&mut heard) => match read {
                    Ok(1..) => {}
                    Ok(0) | Err(_) => return,
                },
                _ = ticks.tick() => {
                    // Where it is gone, reading says so.
                    let _ = writer.write_all(&[byte]).await;
                }
            }
        }
    })
    .await;
    heard
}

#[tokio::test]
async fn handshakes_that_stop_half_way_by_the_hundred_are_let_go() {
    const MANY: usize = 300;
    let app = impatient(|it| it.head_within = MORE_PATIENCE).await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let mut half_open = Vec::new();
    for _ in 0..MANY {
        let mut stream = TcpStream::connect(app.site().address()).await.unwrap();
        let head = b"GET /ws/ HTTP/1.1\r\nHost: here\r\nUpgrade: webso";
        stream.write_all(head).await.unwrap();
        half_open.push(stream);
    }
    // Others come and talk meanwhile.
    let mut here = ann.chat_socket(id).await;
    here.say("Is there room?").await;
    assert_eq!(here.expect_message().await["seq"], 2);
    for mut stream in half_open {
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        within("the connection to end", read).await.unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 408 "), "{answer:?}");
    }
}

/// Guards what actix-http gives no time: the head of a second request.
#[tokio::test]
async fn a_second_request_that_never_comes_to_an_end_is_let_go() {
    let app = impatient(|it| it.step_within = MORE_PATIENCE).await;
    let mut stream = TcpStream::connect(app.site().address()).await.unwrap();
    let first = b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n";
    stream.write_all(first).await.unwrap();
    read_answer(&mut stream).await;
    let second = b"GET /healthz HTTP/1.1\r\nHost: here\r\nNever: ";
    stream.write_all(second).await.unwrap();
    let (reader, writer) = stream.split();
    assert_eq!(drip(reader, writer, b'x').await, b"", "it never asked");
}

#[tokio::test]
async fn a_body_that_never_comes_to_an_end_is_refused() {
    let app = impatient(|it| it.body_within = PATIENCE).await;
    let mut stream = TcpStream::connect(app.site().address()).await.unwrap();
    let head = b"POST /api/auth/login/ HTTP/1.1\r\nHost: here\r\n\
        Content-Type: application/json\r\nContent-Length: 8000\r\n\r\n{";
    stream.write_all(head).await.unwrap();
    let (reader, writer) = stream.split();
    let answer = String::from_utf8(drip(reader, writer, b' ').await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("The body took too long."), "{answer}");
}

/// Bytes of a frame that is never whole are no sign of life.
#[tokio::test]
async fn a_frame_that_never_comes_to_an_end_is_silence() {
    let app = impatient(|it| {
        it.silence = MORE_PATIENCE;
        it.ping_every = MORE_PATIENCE / 20;
    });
    let app = app.await;
    let ann = app.person("ann").await;
    let mut socket = ann.socket("/ws/").await;
    socket.write(&header(TEXT | LAST, 100_000)).await;
    let (reader, writer) = socket.stream.get_mut().split();
    let heard = drip(reader, writer, b'x').await;
    assert!(heard.ends_with(b"server going away"), "{heard:?}");
    // It may come again at once, and goes on.
    let mut again = ann.socket("/ws/").await;
    again.send(json!({ "type": "ping" })).await;
    again.expect("pong").await;
}

/// A connection that does nothing wrong outlives every patience: each step
/// has its own.
#[tokio::test]
async fn a_connection_that_gets_on_stays() {
    let app = impatient(|it| it.step_within = MORE_PATIENCE).await;
    let mut stream = TcpStream::connect(app.site().address()).await.unwrap();
    let mut ticks = interval(MORE_PATIENCE / 20);
    // More than a step may take, in many.
    for _ in 0..40 {
        ticks.tick().await;
        let request = b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n";
        stream.write_all(request).await.unwrap();
        read_answer(&mut stream).await;
    }
}

/// The same of an answer: a long one that is taken piece by piece comes to its
/// end, and one that nobody takes doesn't.
#[tokio::test]
async fn a_long_download_lasts_as_long_as_it_gets_on() {
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
        // A busy machine is slow to fill what the connection holds; the step begins
        // after that.
        let mut waits = interval(4 * STEP);
        waits.tick().await;
        waits.tick().await;
        let mut csv = Vec::new();
        // Ended amid it, with or without a word from the kernel.
        let _ = stream.read_to_end(&mut csv).await;
        csv
    };
    let both = async { tokio::join!(taken, left) };
    let (taken, left) = within("two downloads", both).await;
    let end = b"\r\n0\r\n\r\n";
    assert!(taken.ends_with(end), "it is whole");
    assert!(!left.ends_with(end), "nobody waits for ever");
}

/// A download that was asked for, of which nothing is read yet. Its system
/// takes no more than this ahead of who reads.
async fn download(person: &Person) -> TcpStream {
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
