//! Unread messages that are deleted: counts stay exact, and their number
//! doesn't change the cost of a request.

use entity::{ConversationId, Millis, UserId, receipt};
use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::json;
use tidings::protocol::{ConversationAction, MessageAction};

use super::unread;
use crate::groups::crew::{group, leave};
use crate::groups::largest_group::{fill, run};
use crate::receipts::mark;
use crate::store::meter::Metered;
use crate::store::statements::Cost;
use crate::support::{TestApp, TestDatabase, TestUser};

const MEMBERS: usize = 20;
const READING: &str = "a marker that reads to the end";

/// Returns statements that append `count` deleted messages of the owner to a
/// group.
fn deleted(id: i64, count: usize) -> Vec<String> {
    let all = format!(
        "INSERT INTO message (id, conversation_id, seq, ord, version, posted_version, sender_id, \
         client_id, kind, text, furthest, created_at, deleted_at) WITH RECURSIVE g(n) AS \
         (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < {count}) SELECT 1000000 + n, {id}, \
         c.last_seq + n, c.last_ord + n, c.version + n, c.version + n, c.opened_by, NULL, 0, '', \
         2, 0, 0 FROM g, conversation c WHERE c.id = {id} AND {count} > 0"
    );
    let owner = format!("(SELECT opened_by FROM conversation WHERE id = {id})");
    let conversation = format!(
        "UPDATE conversation SET last_seq = last_seq + {count}, last_ord = last_ord + {count}, \
         version = version + {count}, last_message_id = (SELECT MAX(id) FROM message \
         WHERE conversation_id = {id}) WHERE id = {id}"
    );
    let others = format!(
        "UPDATE participant SET unread_deleted = {count} \
         WHERE conversation_id = {id} AND user_id <> {owner}"
    );
    let own = format!(
        "UPDATE participant SET delivered_seq = delivered_seq + {count}, \
         read_seq = read_seq + {count}, read_ord = read_ord + {count} \
         WHERE conversation_id = {id} AND user_id = {owner}"
    );
    let ids = "UPDATE id_block SET next = 2000000".to_owned();
    vec![all, conversation, others, own, ids]
}

/// Returns the cost of each kind of request after `count` deleted messages.
async fn costs(count: usize) -> Vec<(&'static str, Cost, u64)> {
    let app = TestApp::spawn().await;
    let (id, crew) = group(&app, &["ann", "ben"]).await;
    fill(&app, id, MEMBERS - 2).await;
    crew[0].send(id, "Hello").await.expect(201);
    run(&app, &deleted(id, count)).await;
    let metered = Metered::of(&app).await;
    let (ann, ben) = (crew[0].id, crew[1].id);
    let first = metered.post(id, ann).await;
    metered.post(id, ann).await;
    let (store, me) = (&metered.store, UserId(ben));
    let mut all = Vec::new();
    let (list, cost, steps) = metered
        .cost(store.conversations().list(me, None, 100))
        .await;
    assert_eq!(list.unwrap().conversations[0].unread_count, 3);
    all.push(("list", cost, steps));
    let (waiting, cost, steps) = metered.cost(store.unread().list(me)).await;
    assert_eq!(waiting.unwrap()[0].count, 3);
    all.push(("hello", cost, steps));
    let (total, cost, steps) = metered
        .cost(store.unread().count_total(me, Millis::now()))
        .await;
    assert_eq!(total.unwrap(), 3);
    all.push(("total", cost, steps));
    let (room, cost, steps) = metered.cost(store.rooms().load(ConversationId(id))).await;
    assert_eq!(room.unwrap().members.len(), MEMBERS);
    all.push(("room", cost, steps));
    let delete = ConversationAction::Act {
        message: first,
        action: MessageAction::Delete,
    };
    let (_, cost, steps) = metered.append(id, ann, delete).await;
    all.push(("deletion", cost, steps));
    let last = metered.post(id, ann).await;
    let read = ConversationAction::mark(receipt::ReceiptKind::Read, last);
    let (_, cost, steps) = metered.append(id, ben, read).await;
    all.push((READING, cost, steps));
    assert_eq!(store.maintenance().run_doctor().await.unwrap(), []);
    metered.store.close().await;
    all
}

#[tokio::test]
async fn deleted_messages_cost_later_requests_nothing() {
    let [none, some, many] = [costs(0).await, costs(1_500).await, costs(3_000).await];
    for ((none, some), (what, cost, steps)) in none.into_iter().zip(some).zip(many) {
        // A marker reads the authors of up to 1,000 messages that it passes.
        let (_, fewer, least) = match what {
            READING => some,
            _ => none,
        };
        assert_eq!(cost, fewer, "{what}");
        // SQLite reports steps in tens, so counts are inexact.
        assert!(
            steps <= least + 20,
            "{what}: {steps} steps instead of {least}"
        );
    }
}

async fn delete(person: &TestUser, id: i64, message: &serde_json::Value) {
    let path = format!(
        "/api/conversations/{id}/messages/{}/",
        message["id"].as_i64().unwrap()
    );
    assert_eq!(person.delete(&path).await.status, 204);
}

#[tokio::test]
async fn marker_subtracts_deleted_messages_it_passes() {
    let app = TestApp::spawn().await;
    let (id, crew) = group(&app, &["ann", "ben", "cas"]).await;
    let [ann, ben, cas] = &crew[..] else {
        panic!("three");
    };
    let mut sent = vec![json!(null)];
    for _ in 1..=10 {
        sent.push(cas.send(id, "Hello").await.expect(201));
    }
    for at in [3, 5] {
        delete(cas, id, &sent[at]).await;
    }
    // An admin deletes a message of another member.
    delete(ann, id, &sent[8]).await;
    assert_eq!(unread(ben, id).await, 7);
    assert_eq!(mark(ben, "read", &sent[4]).await.status, 204);
    assert_eq!(unread(ben, id).await, 4, "6, 7, 9 and 10");
    delete(cas, id, &sent[9]).await;
    delete(cas, id, &sent[2]).await;
    assert_eq!(unread(ben, id).await, 3, "2 was read before");
    assert_eq!(mark(ben, "delivered", &sent[10]).await.status, 204);
    assert_eq!(unread(ben, id).await, 3);
    leave(ben, id).await.expect(200);
    cas.send(id, "Later").await.expect(201);
    delete(cas, id, &sent[7]).await;
    assert_eq!(unread(ben, id).await, 2, "of a former member, too");
    assert_eq!(mark(ann, "read", &sent[10]).await.status, 204);
    assert_eq!(unread(ann, id).await, 1, "what was sent later");
    let store = app.store().await;
    assert_eq!(store.maintenance().run_doctor().await.unwrap(), []);
    store.close().await;
}

/// Ten texts, four of them deleted; one member, and one former member that left
/// after the eighth.
const BEFORE: [&str; 4] = [
    "INSERT INTO \"user\" (id, username, username_key, display_name, about, password_hash, \
     is_admin, created_at) VALUES (1, 'a', 'a', 'a', '', '', FALSE, 0), \
     (2, 'b', 'b', 'b', '', '', FALSE, 0)",
    "INSERT INTO conversation (id, kind, title, open, opened_by, last_seq, last_ord, version, \
     members_version, participant_count, delivered_low, read_low, created_at) \
     VALUES (1, 1, 'Crew', TRUE, 1, 10, 10, 20, 1, 1, 0, 0, 0)",
    "INSERT INTO participant (conversation_id, user_id, role, joined_seq, joined_at, left_seq, \
     left_version, delivered_seq, read_seq, read_ord, version, archived, pinned) \
     VALUES (1, 1, 2, 0, 0, NULL, NULL, 10, 4, 4, 1, FALSE, FALSE), \
     (1, 2, 0, 0, 0, 8, 8, 8, 2, 2, 9, FALSE, FALSE)",
    "INSERT INTO message (id, conversation_id, seq, ord, version, posted_version, sender_id, kind, \
     text, furthest, created_at, deleted_at) WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL \
     SELECT n + 1 FROM g WHERE n < 10) SELECT n, 1, n, n, n, n, 1, 0, '', 2, 0, \
     CASE WHEN n IN (3, 5, 8, 9) THEN 1 END FROM g",
];

#[tokio::test]
async fn migration_counts_deleted_messages_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let database = TestDatabase::empty(folder.path()).await;
    // Opening the store creates the file.
    database.store().await.close().await;
    let db = database.connection().await;
    let steps = Migrator::migrations();
    let before = steps
        .iter()
        .position(|step| step.name().ends_with("unread_deleted"));
    let before = u32::try_from(before.unwrap()).unwrap();
    Migrator::up(&db, Some(before)).await.unwrap();
    for statement in BEFORE {
        db.execute_unprepared(statement).await.unwrap();
    }
    Migrator::up(&db, None).await.unwrap();
    let counted = Statement::from_string(
        db.get_database_backend(),
        "SELECT unread_deleted FROM participant ORDER BY user_id",
    );
    let rows = db.query_all_raw(counted).await.unwrap();
    let counted: Vec<i64> = rows
        .iter()
        .map(|row| row.try_get_by_index(0).unwrap())
        .collect();
    assert_eq!(counted, [3, 3], "5, 8 and 9; 3, 5 and 8");
    db.close().await.unwrap();
}
