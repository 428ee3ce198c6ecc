//! Full and failing disks, simulated by a limit on file sizes and by failing
//! writes.

use std::fs;

use reqwest::Method;
use serde_json::Value;

use crate::support::{BinaryServer, DiskFault, FaultyDisk, PASSWORD, TestBinary, TestUser};

/// Bytes that still fit before the disk is full.
const ROOM: u64 = 64 * 1024;
/// Number of failing attempts. SQLite rolls back without sqlx's knowledge. In
/// the past, the second failure then left a transaction open for good, and
/// messages acknowledged later never reached the disk.
const AGAIN: usize = 4;

/// Registers Ann and Ben and opens their conversation.
async fn connected_pair(serving: &BinaryServer) -> (TestUser, TestUser, i64) {
    let ann = TestUser::register(&serving.site, "ann").await;
    let ben = TestUser::register(&serving.site, "ben").await;
    ann.connect_with(&ben).await;
    let id = ann.open_direct_used(&ben).await;
    (ann, ben, id)
}

#[tokio::test]
async fn full_disk_refuses_writes_without_loss() {
    let binary = TestBinary::migrated().await;
    if !binary.is_sqlite() {
        // PostgreSQL manages its own disk.
        return;
    }
    let mut serving = binary.serve_under_limits().await;
    let (ann, ben, id) = connected_pair(&serving).await;
    let mut here = ann.chat_socket(id).await;
    let mut there = ben.chat_socket(id).await;

    let log = binary.folder().join("tidings.db-wal");
    let size = fs::metadata(log).unwrap().len();
    serving.limit_files(Some(size + ROOM)).await;
    let mut acknowledged: Vec<Value> = Vec::new();
    let mut name = 0;
    loop {
        name += 1;
        let answer = ann.send_as(id, &"x".repeat(9_000), &name.to_string()).await;
        if answer.status == 201 {
            acknowledged.push(answer.body);
            continue;
        }
        assert_eq!(answer.header("retry-after"), Some("1"));
        answer.expect_problem(503, "unavailable");
        break;
    }
    for message in &acknowledged {
        assert_eq!(&here.expect_message().await, message);
        assert_eq!(there.expect_message().await["id"], message["id"]);
    }
    for _ in 0..AGAIN {
        here.send_text_as(&"x".repeat(9_000), "socket").await;
        here.expect_error("unavailable").await;
    }
    // Reads still work.
    let well = serving.site.request(Method::GET, "/healthz");
    serving.site.send(well).await.expect(200);
    assert_eq!(ann.history(id).await.len(), 1 + acknowledged.len());
    there.expect_nothing_until_pong().await;

    serving.limit_files(None).await;
    let next = 2 + acknowledged.len();
    let again = ann.send_as(id, "There is room.", &name.to_string()).await;
    assert_eq!(again.expect(201)["seq"], next);
    assert_eq!(here.expect_message().await["seq"], next);
    here.send_text_as("There is room.", "socket").await;
    assert_eq!(here.expect_message().await["seq"], next + 1);
    let history = ben.history(id).await;
    for (message, seq) in history.iter().zip(1..) {
        assert_eq!(message["seq"], seq, "dense");
    }
    assert_eq!(history.len(), next + 1);
    assert_eq!(ben.conversation(id).await["unread_count"], next + 1);

    // The messages are on disk, not only in the process's memory.
    serving.signal("KILL").await;
    serving.wait_for_exit().await;
    let serving = binary.serve(&[]).await;
    let ben = TestUser::log_in(&serving.site, "ben", PASSWORD).await;
    assert_eq!(ben.history(id).await, history);
}

#[tokio::test]
async fn failed_disk_writes_lose_nothing() {
    survives(DiskFault::RejectsWrites).await;
}

/// A power cut may lose data that was written but not synced, so it must not be
/// acknowledged.
#[tokio::test]
async fn failed_disk_syncs_lose_nothing() {
    survives(DiskFault::RejectsSyncs).await;
}

async fn survives(ails: DiskFault) {
    let binary = TestBinary::migrated().await;
    if !binary.is_sqlite() {
        return;
    }
    let disk = FaultyDisk::under(binary.folder()).await;
    let mut serving = binary.serve_on(&disk).await;
    let (ann, ben, id) = connected_pair(&serving).await;
    let mut here = ann.chat_socket(id).await;
    let mut there = ben.chat_socket(id).await;

    disk.inject(ails);
    for _ in 0..AGAIN {
        ann.send_as(id, "Hello?", "rest")
            .await
            .expect_problem(503, "unavailable");
        here.send_text_as("Hello?", "socket").await;
        here.expect_error("unavailable").await;
    }
    // Reads still work, and no client gets a message that isn't on disk.
    assert_eq!(ben.history(id).await.len(), 1);
    there.expect_nothing_until_pong().await;

    disk.clear(ails);
    let sent = ann.send_as(id, "Hello?", "rest").await.expect(201);
    assert_eq!(sent["seq"], 2, "the failed attempts wrote nothing");
    assert_eq!(here.expect_message().await, sent);
    here.send_text_as("Hello?", "socket").await;
    for seq in [2, 3] {
        assert_eq!(there.expect_message().await["seq"], seq);
    }
    let history = ben.history(id).await;
    assert_eq!(history.len(), 3);

    serving.signal("KILL").await;
    serving.wait_for_exit().await;
    let serving = binary.serve(&[]).await;
    let ben = TestUser::log_in(&serving.site, "ben", PASSWORD).await;
    assert_eq!(ben.history(id).await, history);
}
