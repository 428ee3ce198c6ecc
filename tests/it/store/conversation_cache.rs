//! The Journal's cache of its last batches: it saves lookups for the next
//! batch, and out-of-date rows in it do no harm.

use std::sync::Arc;

use entity::{ConversationId, MessageId, Millis, UserId, receipt, user};
use sea_orm::{ConnectionTrait, EntityTrait};
use tidings::protocol::ConversationAction;
use tidings::store::StoreError;
use tidings::store::append::{AppendEntry, AppendOutcome, ConversationChange};

use super::flow::post;
use super::statements::watched;
use crate::support::{TestApp, TestDatabase};

#[tokio::test]
async fn change_by_another_process_is_seen() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    ann.send_as(id, "One", "one").await.expect(201);
    // Appends as another process would: this server's Journal isn't notified.
    let beside = Beside::of(&app, (id, ben.id)).await;
    let (outcome, _) = beside.append(post("two", None)).await;
    assert!(outcome.is_written(), "{outcome:?}");
    let three = ann.send_as(id, "Three", "three").await.expect(201);
    assert_eq!(three["seq"], 4);
    // Both `client_id`s are found, also by the process that hasn't cached them.
    let again = ann.send_as(id, "One", "one").await.expect(200);
    assert_eq!(again["seq"], 2);
    let (outcome, _) = beside.append(post("two", None)).await;
    assert!(
        matches!(outcome, AppendOutcome::AlreadySent(_)),
        "{outcome:?}"
    );
    let seqs: Vec<_> = ann
        .history(id)
        .await
        .iter()
        .map(|it| it["seq"].clone())
        .collect();
    assert_eq!(seqs, [1, 2, 3, 4]);
    beside.store.close().await;
}

/// Tests the check of the cached version alone: a read marker takes a version,
/// but no `seq` that could conflict.
#[tokio::test]
async fn version_is_assigned_only_once() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let one = ann.send_as(id, "One", "one").await.expect(201);
    let beside = Beside::of(&app, (id, ben.id)).await;
    let read = receipt::ReceiptKind::Read;
    let mark = ConversationAction::mark(read, MessageId(one["id"].as_i64().unwrap()));
    let (outcome, _) = beside.append(mark).await;
    let version = one["version"].as_i64().unwrap() + 1;
    assert!(
        matches!(&outcome, AppendOutcome::Written(change) if change.version() == version),
        "{outcome:?}"
    );
    let two = ann.send_as(id, "Two", "two").await.expect(201);
    assert_eq!(two["version"], version + 1);
    assert_eq!(two["seq"], 3);
    beside.store.close().await;
}

/// Tests the check of the cached `members_version`: permission is checked again
/// if it ended without the Room's knowledge.
#[tokio::test]
async fn outdated_permission_writes_nothing() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    ann.send_as(id, "One", "one").await.expect(201);
    let close = format!(
        "UPDATE conversation SET open = FALSE, members_version = members_version + 1 \
         WHERE id = {id}"
    );
    let database = app.database().connection().await;
    database.execute_unprepared(&close).await.unwrap();
    database.close().await.unwrap();
    ann.send_as(id, "Two", "two")
        .await
        .expect_problem(403, "not_connected");
    assert_eq!(ann.conversation(id).await["last_seq"], 2);
}

/// Only a failed condition is a reason to read again. Any other failure of a
/// write from cached rows is an internal fault.
#[tokio::test]
async fn internal_fault_is_not_retried() {
    if !TestDatabase::is_sqlite() {
        return;
    }
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let beside = Beside::of(&app, (id, ben.id)).await;
    beside.append(post("one", None)).await;
    let database = app.database().connection().await;
    let fault = "CREATE TRIGGER fault BEFORE INSERT ON message \
                 BEGIN SELECT RAISE(ABORT, 'message constraint failed: test'); END";
    database.execute_unprepared(fault).await.unwrap();
    let (done, log) = beside.try_append(post("two", None)).await;
    assert!(matches!(done, Err(StoreError::Internal(_))), "{done:?}");
    let transactions = log.iter().filter(|it| it.contains("BEGIN"));
    assert_eq!(transactions.count(), 1, "{log:?}");
    database
        .execute_unprepared("DROP TRIGGER fault")
        .await
        .unwrap();
    database.close().await.unwrap();
    let (outcome, _) = beside.append(post("two", None)).await;
    assert!(outcome.is_written(), "{outcome:?}");
    beside.store.close().await;
}

/// On SQLite, the second append needs no lookup. PostgreSQL must lock the
/// conversations first, and reads the sender's row in the same statement.
#[tokio::test]
async fn cached_sender_is_not_looked_up() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let beside = Beside::of(&app, (id, ben.id)).await;
    let (_, first) = beside.append(post("one", None)).await;
    let (_, second) = beside.append(post("two", None)).await;
    let looks = |all: &[String]| all.iter().any(|it| it.contains("LEFT JOIN participant p"));
    assert!(looks(&first), "{first:?}");
    assert_eq!(looks(&second), !TestDatabase::is_sqlite(), "{second:?}");
    beside.store.close().await;
}

/// A second store, as in another process, and the user who appends to it.
struct Beside {
    store: tidings::store::Store,
    conversation: ConversationId,
    actor: user::Model,
}

impl Beside {
    async fn of(app: &TestApp, (id, actor): (i64, i64)) -> Self {
        let database = app.database().connection().await;
        let found = user::Entity::find_by_id(UserId(actor)).one(&database).await;
        database.close().await.unwrap();
        Self {
            store: app.store().await,
            conversation: ConversationId(id),
            actor: found.unwrap().unwrap(),
        }
    }

    /// Appends, and returns the outcome and the statements.
    async fn append(
        &self,
        what: ConversationAction<Arc<ConversationChange>>,
    ) -> (AppendOutcome, Vec<String>) {
        let (done, log) = self.try_append(what).await;
        (done.unwrap(), log)
    }

    async fn try_append(
        &self,
        what: ConversationAction<Arc<ConversationChange>>,
    ) -> (Result<AppendOutcome, StoreError>, Vec<String>) {
        let room = self.store.rooms().load(self.conversation).await.unwrap();
        let append = AppendEntry {
            conversation: self.conversation,
            members_version: room.members_version,
            verdict: Ok(()),
            actor: (&self.actor).into(),
            action: what,
            may_moderate: false,
            has_others: true,
            has_archived: false,
        };
        let (done, log) =
            watched(self.store.journal().append_batch(&[append], Millis::now())).await;
        let done = done.map(|mut commit| commit.outcomes.remove(0));
        (done, log.statements())
    }
}
