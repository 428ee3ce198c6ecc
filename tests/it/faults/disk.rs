//! A disk that takes no more: here, a process whose files mustn't grow, or
//! whose writes fail.

use std::fs;

use reqwest::Method;
use serde_json::Value;

use crate::support::{AilingDisk, Ails, Binary, PASSWORD, Person, Serving};

/// What still fits until the disk is full.
const ROOM: u64 = 64 * 1024;
/// How often somebody tries in vain. Guards the connection after a rollback
/// that sqlx hasn't heard of: with the second failure it had a transaction
/// open for good, and what was acknowledged after that was never on disk.
const AGAIN: usize = 4;

/// Ann and Ben, and their conversation.
async fn two_who_talk(serving: &Serving) -> (Person, Person, i64) {
    let ann = Person::register(&serving.site, "ann").await;
    let ben = Person::register(&serving.site, "ben").await;
    ann.connect_with(&ben).await;
    let id = ann.talk_with(&ben).await;
    (ann, ben, id)
}

#[tokio::test]
async fn a_full_disk_refuses_and_loses_nothing_and_goes_on_when_there_is_room() {
    let binary = Binary::migrated().await;
    if !binary.is_sqlite() {
        // PostgreSQL's disk is PostgreSQL's.
        return;
    }
    let mut serving = binary.serve_under_limits().await;
    let (ann, ben, id) = two_who_talk(&serving).await;
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
        answer.refused(503, "unavailable");
        break;
    }
    for message in &acknowledged {
        assert_eq!(&here.expect_message().await, message);
        assert_eq!(there.expect_message().await["id"], message["id"]);
    }
    for _ in 0..AGAIN {
        here.say_as(&"x".repeat(9_000), "socket").await;
        here.expect_error("unavailable").await;
    }
    // Reading goes on.
    let well = serving.site.request(Method::GET, "/healthz");
    serving.site.send(well).await.expect(200);
    assert_eq!(ann.history(id).await.len(), 1 + acknowledged.len());
    there.expect_nothing_until_pong().await;

    serving.limit_files(None).await;
    let next = 2 + acknowledged.len();
    let again = ann.send_as(id, "There is room.", &name.to_string()).await;
    assert_eq!(again.expect(201)["seq"], next);
    assert_eq!(here.expect_message().await["seq"], next);
    here.say_as("There is room.", "socket").await;
    assert_eq!(here.expect_message().await["seq"], next + 1);
    let history = ben.history(id).await;
    for (message, seq) in history.iter().zip(1..) {
        assert_eq!(message["seq"], seq, "dense");
    }
    assert_eq!(history.len(), next + 1);
    assert_eq!(ben.conversation(id).await["unread_count"], next + 1);

    // It is on disk, and not only with the process that said so.
    serving.signal("KILL").await;
    serving.ended().await;
    let serving = binary.serve(&[]).await;
    let ben = Person::log_in(&serving.site, "ben", PASSWORD).await;
    assert_eq!(ben.history(id).await, history);
}

#[tokio::test]
async fn a_disk_that_takes_no_writes_any_more_loses_nothing_and_goes_on_when_it_is_mended() {
    survives(Ails::TakesNoWrites).await;
}

/// What was written and not synced may be lost by a power cut: nobody hears
/// that it is there.
#[tokio::test]
async fn a_disk_that_fails_to_sync_loses_nothing_and_goes_on_when_it_is_mended() {
    survives(Ails::TakesNoSyncs).await;
}

async fn survives(ails: Ails) {
    let binary = Binary::migrated().await;
    if !binary.is_sqlite() {
        return;
    }
    let disk = AilingDisk::under(binary.folder()).await;
    let mut serving = binary.serve_on(&disk).await;
    let (ann, ben, id) = two_who_talk(&serving).await;
    let mut here = ann.chat_socket(id).await;
    let mut there = ben.chat_socket(id).await;

    disk.begins_to(ails);
    for _ in 0..AGAIN {
        ann.send_as(id, "Hello?", "rest")
            .await
            .refused(503, "unavailable");
        here.say_as("Hello?", "socket").await;
        here.expect_error("unavailable").await;
    }
    // Reading goes on, and nobody is told what isn't on disk.
    assert_eq!(ben.history(id).await.len(), 1);
    there.expect_nothing_until_pong().await;

    disk.is_mended(ails);
    let sent = ann.send_as(id, "Hello?", "rest").await.expect(201);
    assert_eq!(sent["seq"], 2, "nothing was written by those before");
    assert_eq!(here.expect_message().await, sent);
    here.say_as("Hello?", "socket").await;
    for seq in [2, 3] {
        assert_eq!(there.expect_message().await["seq"], seq);
    }
    let history = ben.history(id).await;
    assert_eq!(history.len(), 3);

    serving.signal("KILL").await;
    serving.ended().await;
    let serving = binary.serve(&[]).await;
    let ben = Person::log_in(&serving.site, "ben", PASSWORD).await;
    assert_eq!(ben.history(id).await, history);
}
