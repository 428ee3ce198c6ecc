//! Unread counts survive idle Rooms, dead Rooms and a restart.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use tidings::engine::testing::FaultHooks;

use super::{next_unread, read_unread, total, unread};
use crate::groups::crew::{group, leave};
use crate::receipts::has_read;
use crate::support::{TestApp, TestSocket, TestUser};

/// Reads `unread` frames up to the one with the counts `expected`.
async fn until_counts(socket: &mut TestSocket, expected: (i64, i64)) {
    while next_unread(socket).await != expected {}
}

/// The server's Rooms stop as soon as they are idle.
#[tokio::test]
async fn idle_room_restart_keeps_counts() {
    let app = TestApp::builder()
        .settings(|settings| settings.timings.room_idle_after = Duration::from_millis(1))
        .spawn()
        .await;
    let (id, people) = group(&app, &["ann", "ben", "cas"]).await;
    let mut bens = people[1].socket("/ws/").await;
    let mut cass = people[2].socket("/ws/").await;
    for round in 0..30 {
        let sent = people[0].send(id, "One").await.expect(201);
        assert_eq!(next_unread(&mut bens).await, (1, 1), "round {round}");
        let count = 2 * round + 1;
        assert_eq!(next_unread(&mut cass).await, (count, count));
        people[0].send(id, "Two").await.expect(201);
        assert_eq!(next_unread(&mut bens).await, (2, 2));
        assert_eq!(next_unread(&mut cass).await, (count + 1, count + 1));
        has_read(&people[1], &sent).await;
        assert_eq!(next_unread(&mut bens).await, (1, 1));
        people[1].send(id, "Three").await.expect(201);
        assert_eq!(next_unread(&mut bens).await, (0, 0));
        let last = people[2].history(id).await.pop().unwrap();
        next_unread(&mut cass).await;
        let path = format!("/api/conversations/{id}/messages/{}/", last["id"]);
        assert_eq!(people[1].delete(&path).await.status, 204);
        assert_eq!(next_unread(&mut cass).await, (count + 1, count + 1));
    }
    assert_eq!(total(&people[2]).await, 60);
}

#[tokio::test]
async fn counts_survive_restart() {
    let mut app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cas"]).await;
    let first = people[0].send(id, "One").await.expect(201);
    people[0].send(id, "Two").await.expect(201);
    has_read(&people[1], &first).await;
    app.restart().await;
    for (person, count) in people.iter().zip([0, 1, 2]) {
        assert_eq!(
            (unread(person, id).await, total(person).await),
            (count, count)
        );
    }
    let mut bens = people[1].socket("/ws/").await;
    people[0].send(id, "Three").await.expect(201);
    assert_eq!(next_unread(&mut bens).await, (2, 2));
}

/// Makes a Room of one conversation panic before a fan-out that the test
/// chooses.
#[derive(Clone, Default)]
struct Death {
    of: Arc<AtomicI64>,
    /// Number of fan-outs before the panic.
    survives: Arc<AtomicUsize>,
}

impl Death {
    fn faults(&self) -> FaultHooks {
        let death = self.clone();
        FaultHooks {
            before_fan_out: Some(Arc::new(move |conversation| {
                death.maybe_panic(conversation.0)
            })),
            ..FaultHooks::default()
        }
    }

    fn maybe_panic(&self, conversation: i64) {
        if conversation != self.of.load(Ordering::SeqCst) {
            return;
        }
        let less = |left: usize| left.checked_sub(1);
        let left = self
            .survives
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less);
        if left.is_err() {
            self.of.store(0, Ordering::SeqCst);
            panic!("a fault that a test asked for");
        }
    }

    fn arm(&self, conversation: i64, survives: usize) {
        self.survives.store(survives, Ordering::SeqCst);
        self.of.store(conversation, Ordering::SeqCst);
    }

    fn has_happened(&self) -> bool {
        self.of.load(Ordering::SeqCst) == 0
    }
}

/// Creates a group of Ann, Ben and Cas with three messages of Ann's. Ben has
/// read the first.
async fn crew(app: &TestApp) -> (i64, Vec<TestUser>, Vec<serde_json::Value>) {
    let (id, people) = group(app, &["ann", "ben", "cas"]).await;
    let mut sent = Vec::new();
    for text in ["One", "Two", "Three"] {
        sent.push(people[0].send(id, text).await.expect(201));
    }
    has_read(&people[1], &sent[0]).await;
    (id, people, sent)
}

#[tokio::test]
async fn successor_room_sends_missed_counts() {
    let death = Death::default();
    let app = TestApp::builder().faults(death.faults()).spawn().await;
    let (id, people, _) = crew(&app).await;
    let mut bens = people[1].socket("/ws/").await;
    let mut cass = people[2].socket("/ws/").await;
    death.arm(id, 0);
    people[0].send(id, "Four").await.expect_problem(503, "busy");
    until_counts(&mut bens, (3, 3)).await;
    until_counts(&mut cass, (4, 4)).await;
    assert!(death.has_happened());
    people[0].send(id, "Five").await.expect(201);
    until_counts(&mut bens, (4, 4)).await;
    until_counts(&mut cass, (5, 5)).await;
    let marked = crate::receipts::mark(&people[2], "read", &people[2].history(id).await[5]).await;
    assert_eq!(marked.status, 204);
    until_counts(&mut cass, (0, 0)).await;
}

/// Guards the recount after a deletion. In the past, the deletion's fan-out was
/// stored as done before the recount, so a Room's death during the recount left
/// the counts wrong.
#[tokio::test]
async fn room_death_during_deletion_recounts() {
    let death = Death::default();
    let app = TestApp::builder().faults(death.faults()).spawn().await;
    for survives in [0, 1] {
        let names = ["ann", "ben"].map(|name| format!("{name}-{survives}"));
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (id, people) = group(&app, &names).await;
        people[0].send(id, "One").await.expect(201);
        let sent = people[0].send(id, "Two").await.expect(201);
        let mut bens = people[1].socket("/ws/").await;
        // The fan-out of the deletion comes first, then that of the counts.
        death.arm(id, survives);
        let path = format!("/api/conversations/{id}/messages/{}/", sent["id"]);
        people[0].delete(&path).await.expect_problem(503, "busy");
        assert!(death.has_happened());
        // No other command follows.
        until_counts(&mut bens, (1, 1)).await;
        let seen = (unread(&people[1], id).await, total(&people[1]).await);
        assert_eq!(seen, (1, 1));
        people[0].send(id, "Three").await.expect(201);
        assert_eq!(read_unread(&mut bens).await, [(2, 2)], "{survives}");
    }
}

#[tokio::test]
async fn successor_room_sends_missed_markers() {
    let death = Death::default();
    let app = TestApp::builder().faults(death.faults()).spawn().await;
    let (id, people, sent) = crew(&app).await;
    let mut anns = people[0].chat_socket(id).await;
    let mut bens = people[1].socket("/ws/").await;
    death.arm(id, 0);
    let marked = crate::receipts::mark(&people[1], "read", &sent[2]).await;
    marked.expect_problem(503, "busy");
    until_counts(&mut bens, (0, 0)).await;
    let shown = anns.expect("conversation").await["conversation"].take();
    assert_eq!(shown["participants"][1]["read_seq"], sent[2]["seq"]);
    // The client retries as `busy` asks; the marker has moved already.
    has_read(&people[1], &sent[2]).await;
    assert_eq!(read_unread(&mut bens).await, []);
}

#[tokio::test]
async fn leave_during_room_death_is_uncounted() {
    let death = Death::default();
    let app = TestApp::builder().faults(death.faults()).spawn().await;
    let (id, people, _) = crew(&app).await;
    let mut cass = people[2].socket("/ws/").await;
    assert_eq!(cass.hello["total_unread"], 3);
    death.arm(id, 0);
    leave(&people[2], id).await.expect_problem(503, "busy");
    cass.expect("conversation_removed").await;
    assert_eq!(
        read_unread(&mut cass)
            .await
            .last()
            .map_or(0, |(_, total)| *total),
        0
    );
    assert_eq!(total(&people[2]).await, 0);
}
