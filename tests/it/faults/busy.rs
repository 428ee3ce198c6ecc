//! A Room that blocks its thread for a long time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc;

use parking_lot::Mutex;
use tidings::engine::testing::FaultHooks;

use crate::support::{TestApp, TestUser, within};

/// Guards the Journal and the Hub against Rooms: if a Room blocks, only the
/// Rooms on its thread wait.
#[tokio::test]
async fn busy_room_delays_only_its_thread() {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let is_busy = Arc::new(AtomicI64::new(0));
    let (says_when, mut when) = tokio::sync::mpsc::unbounded_channel();
    let (go_on, waits) = mpsc::channel();
    let (busy, waits) = (Arc::clone(&is_busy), Mutex::new(waits));
    let faults = FaultHooks {
        before_fan_out: Some(Arc::new(move |conversation| {
            let this = busy.compare_exchange(conversation.0, 0, Ordering::SeqCst, Ordering::SeqCst);
            if this.is_ok() {
                says_when.send(()).unwrap();
                waits.lock().recv().unwrap();
            }
        })),
        ..FaultHooks::default()
    };
    let app = TestApp::builder().faults(faults).spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let hung = ann.open_direct_used(&ben).await;
    // Each core has one thread for Rooms, and the conversation's id determines
    // the thread.
    let mut others: Vec<(TestUser, i64)> = Vec::new();
    for number in 1..=cores {
        let other = app.register_user(&format!("other{number}")).await;
        ann.connect_with(&other).await;
        let id = ann.open_direct_used(&other).await;
        others.push((other, id));
    }
    let mut there = ben.chat_socket(hung).await;

    is_busy.store(hung, Ordering::SeqCst);
    let mut here = ann.chat_socket(hung).await;
    here.send_text_as("Is this slow?", "slow").await;
    within("a Room to be busy", when.recv()).await.unwrap();
    let (beside, apart): (Vec<_>, Vec<_>) = others
        .iter()
        .partition(|(_, id)| ((id - hung).unsigned_abs() as usize).is_multiple_of(cores));
    assert!(!beside.is_empty(), "one Room shares its thread");
    for (person, id) in &apart {
        let mut socket = person.chat_socket(*id).await;
        socket.send_text_as("And this?", "quick").await;
        assert_eq!(socket.expect_message().await["seq"], 2);
    }
    app.get("/healthz").await.expect(200);
    // The committed message can be read before its fan-out.
    assert_eq!(ben.history(hung).await.len(), 2);
    let mut waiting = beside[0].0.chat_socket(beside[0].1).await;
    waiting.send_text_as("And this?", "late").await;
    there.expect_nothing_until_pong().await;

    go_on.send(()).unwrap();
    assert_eq!(here.expect_message().await["client_id"], "slow");
    assert_eq!(there.expect_message().await["client_id"], "slow");
    assert_eq!(waiting.expect_message().await["client_id"], "late");
}
