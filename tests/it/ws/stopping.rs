//! Graceful shutdown.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tidings::engine::testing::FaultHooks;

use crate::admin::{Keeper, expect_frame};
use crate::support::{TestApp, TestSocket, TokenTransport, until};

/// A Journal that waits before its next transaction until it is released.
struct Held {
    is_held: Arc<AtomicBool>,
    go_on: Sender<()>,
}

impl Held {
    fn new() -> (Self, FaultHooks) {
        let (go_on, wait) = channel();
        let is_held = Arc::new(AtomicBool::new(false));
        let faults = FaultHooks {
            before_commit: Some(Arc::new(hold_once(Arc::clone(&is_held), wait))),
            ..FaultHooks::default()
        };
        (Self { is_held, go_on }, faults)
    }

    fn hold(&self) {
        self.is_held.store(true, Ordering::Release);
    }

    fn release(&self) {
        self.go_on.send(()).unwrap();
    }
}

fn hold_once(is_held: Arc<AtomicBool>, wait: Receiver<()>) -> impl Fn() + Send + Sync {
    let wait = Mutex::new(wait);
    move || {
        if is_held.swap(false, Ordering::AcqRel) {
            let _ = wait.lock().recv();
        }
    }
}

/// Guards the order of shutdown: new requests are refused, accepted messages
/// are stored and sent, and only then the sockets close.
#[tokio::test]
async fn stopping_server_finishes_accepted_messages_only() {
    let (held, faults) = Held::new();
    let mut app = TestApp::builder().faults(faults).spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let mut here = ann.chat_socket(id).await;
    let mut there = ben.chat_socket(id).await;
    held.hold();
    here.send_text("In time").await;
    // The session itself answers the ping, after it has passed the message to
    // the Room.
    here.expect_nothing_until_pong().await;

    let while_it_stops = async {
        until("new sockets to be refused", || async {
            let opened = TestSocket::try_open(&ben, "/ws/", TokenTransport::Bearer).await;
            opened.is_none().then_some(())
        })
        .await;
        ben.try_upgrade("/ws/").await.expect_problem(503, "busy");
        let answer = ann.send(id, "Too late").await;
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert_eq!(answer.expect_problem(503, "busy")["retry_after"], 1);
        there.send_text("Too late").await;
        there.expect_error("busy").await;
        held.release();
        for socket in [&mut here, &mut there] {
            assert_eq!(socket.expect_message().await["text"], "In time");
            assert_eq!(socket.expect_close().await, 1001);
        }
    };
    tokio::join!(app.stop(), while_it_stops);
    app.start().await;
    let kept = ann.history(id).await;
    assert_eq!(kept.len(), 2);
    assert_eq!(kept[1]["text"], "In time");
}

/// Guards the promise to stop within ten seconds, even if no step of the
/// shutdown completes. The message isn't stored, so its sender waits for a
/// response. The thread that would set users offline is blocked.
#[tokio::test]
async fn stuck_server_stops_within_ten_seconds() {
    let (held, faults) = Held::new();
    let mut app = TestApp::builder().faults(faults).spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let mut here = ann.chat_socket(id).await;
    held.hold();
    let sending = tokio::spawn(async move { ben.send_unanswered(id, "Never told").await });
    until("the journal to be held", || async {
        (!held.is_held.load(Ordering::Acquire)).then_some(())
    })
    .await;
    let began = Instant::now();
    app.stop().await;
    let took = began.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!(here.expect_close().await, 1001);
    held.release();
    sending.await.unwrap();
}

/// Guards changes that bypass the Room, here by an admin: they are sent before
/// the sockets close, like messages.
#[tokio::test]
async fn admin_change_is_sent_before_close() {
    let (held, before_commit) = Held::new();
    let faults = FaultHooks {
        before_fan_out: before_commit.before_commit.map(|hold| {
            let hold: Arc<dyn Fn(_) + Send + Sync> = Arc::new(move |_| hold());
            hold
        }),
        ..FaultHooks::default()
    };
    let mut app = TestApp::builder().faults(faults).spawn().await;
    let mut keeper = Keeper::at(&app).await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let bad = ann.send(id, "Something bad").await.expect(201);
    let mut there = ben.chat_socket(id).await;
    held.hold();
    let path = format!("/admin/conversations/{id}/messages/{}/delete", bad["id"]);
    keeper.act(&path, &[("reason", "Abuse")]).await.expect(303);
    until("the fan-out to be held", async || {
        (!held.is_held.load(Ordering::Acquire)).then_some(())
    })
    .await;
    let while_it_stops = async {
        until("new sockets to be refused", || async {
            let opened = TestSocket::try_open(&ben, "/ws/", TokenTransport::Bearer).await;
            opened.is_none().then_some(())
        })
        .await;
        held.release();
        let told = expect_frame(&mut there, "message_updated").await;
        assert_eq!(told["message"]["deleted"], true);
        assert_eq!(there.expect_close().await, 1001);
    };
    tokio::join!(app.stop(), while_it_stops);
}
