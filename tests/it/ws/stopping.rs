//! A server on its way out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tidings::engine::testing::Faults;

use crate::admin::{Keeper, hear};
use crate::support::{Socket, TestApp, TokenBy, until};

/// A Journal that waits before its next transaction until it is let go on.
struct Held {
    is_held: Arc<AtomicBool>,
    go_on: Sender<()>,
}

impl Held {
    fn new() -> (Self, Faults) {
        let (go_on, wait) = channel();
        let is_held = Arc::new(AtomicBool::new(false));
        let faults = Faults {
            before_commit: Some(Arc::new(holding(Arc::clone(&is_held), wait))),
            ..Faults::default()
        };
        (Self { is_held, go_on }, faults)
    }

    fn hold(&self) {
        self.is_held.store(true, Ordering::Release);
    }

    fn let_go(&self) {
        self.go_on.send(()).unwrap();
    }
}

fn holding(is_held: Arc<AtomicBool>, wait: Receiver<()>) -> impl Fn() + Send + Sync {
    let wait = Mutex::new(wait);
    move || {
        if is_held.swap(false, Ordering::AcqRel) {
            let _ = wait.lock().recv();
        }
    }
}

/// Guards the order of stopping: first nothing new is taken, then what was
/// taken is on disk and told, and only then the sockets are closed.
#[tokio::test]
async fn a_stopping_server_finishes_what_it_took_and_takes_nothing_new() {
    let (held, faults) = Held::new();
    let mut app = TestApp::builder().faults(faults).spawn().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let mut here = ann.chat_socket(id).await;
    let mut there = ben.chat_socket(id).await;
    held.hold();
    here.say("In time").await;
    // Answered by the session itself, after it passed the message on.
    here.expect_nothing_until_pong().await;

    let while_it_stops = async {
        until("the doors to close", || async {
            let opened = Socket::try_open(&ben, "/ws/", TokenBy::Bearer).await;
            opened.is_none().then_some(())
        })
        .await;
        ben.knock("/ws/").await.refused(503, "busy");
        let answer = ann.send(id, "Too late").await;
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert_eq!(answer.refused(503, "busy")["retry_after"], 1);
        there.say("Too late").await;
        there.expect_error("busy").await;
        held.let_go();
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

/// Guards the ten seconds that are promised: here each step waits in vain. What
/// was sent isn't written; the one who sent it waits for an answer; nobody can
/// be taken offline, for want of the thread that would.
#[tokio::test]
async fn a_server_that_waits_in_vain_stops_within_ten_seconds() {
    let (held, faults) = Held::new();
    let mut app = TestApp::builder().faults(faults).spawn().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let mut here = ann.chat_socket(id).await;
    held.hold();
    let sending = tokio::spawn(async move { ben.send_unheard(id, "Never told").await });
    until("the journal to be held", || async {
        (!held.is_held.load(Ordering::Acquire)).then_some(())
    })
    .await;
    let began = Instant::now();
    app.stop().await;
    let took = began.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!(here.expect_close().await, 1001);
    held.let_go();
    sending.await.unwrap();
}

/// Guards what was done past a Room, here by an admin: it is told before the
/// sockets are closed, as what was sent is.
#[tokio::test]
async fn what_an_admin_did_is_told_before_a_stop_closes_the_sockets() {
    let (held, before_commit) = Held::new();
    let faults = Faults {
        before_telling: before_commit.before_commit.map(|hold| {
            let hold: Arc<dyn Fn(_) + Send + Sync> = Arc::new(move |_| hold());
            hold
        }),
        ..Faults::default()
    };
    let mut app = TestApp::builder().faults(faults).spawn().await;
    let mut keeper = Keeper::at(&app).await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let bad = ann.send(id, "Something bad").await.expect(201);
    let mut there = ben.chat_socket(id).await;
    held.hold();
    let path = format!("/admin/conversations/{id}/messages/{}/withdraw", bad["id"]);
    keeper.act(&path, &[("reason", "Abuse")]).await.expect(303);
    until("the telling to be held", async || {
        (!held.is_held.load(Ordering::Acquire)).then_some(())
    })
    .await;
    let while_it_stops = async {
        until("the doors to close", || async {
            let opened = Socket::try_open(&ben, "/ws/", TokenBy::Bearer).await;
            opened.is_none().then_some(())
        })
        .await;
        held.let_go();
        let told = hear(&mut there, "message_updated").await;
        assert_eq!(told["message"]["deleted"], true);
        assert_eq!(there.expect_close().await, 1001);
    };
    tokio::join!(app.stop(), while_it_stops);
}
