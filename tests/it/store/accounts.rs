//! Actions on an account with many rows use transactions of at most 100 rows.

use entity::{Millis, UserId};
use sea_orm::{ConnectionTrait, Statement};
use tidings::protocol::ErrorCode;
use tidings::store::{AuditContext, Store, StoreError};

use super::statements::watched;
use crate::groups::crew::group;
use crate::groups::largest_group::{fill, run};
use crate::receipts::cost::copies;
use crate::support::TestApp;

/// Creates Ben with this many conversations and connections.
async fn ben(app: &TestApp, conversations: usize, connections: usize) -> UserId {
    let (id, people) = group(app, &["ann", "ben"]).await;
    let ben = people[1].id;
    if conversations > 1 {
        run(app, &copies(id, conversations - 1)).await;
    }
    fill(app, id, connections - 1).await;
    let connected = format!(
        "INSERT INTO connection (low_id, high_id, requested_by, state, created_at) \
         SELECT {ben}, id, id, 1, 0 FROM \"user\" WHERE username LIKE 'crowd%'"
    );
    run(app, &[connected]).await;
    UserId(ben)
}

/// Runs `work` and counts its statements that begin with `begin`.
async fn count_statements<T>(work: impl Future<Output = T>, begin: &str) -> (T, usize) {
    let (done, log) = watched(work).await;
    let statements = log.statements();
    let like = statements.iter().filter(|it| it.starts_with(begin));
    (done, like.count())
}

fn act() -> AuditContext {
    AuditContext::from_command_line(Millis::now())
}

async fn connections(app: &TestApp, of: UserId) -> i64 {
    let database = app.database().connection().await;
    let sql = format!("SELECT COUNT(*) FROM connection WHERE low_id = {of} OR high_id = {of}");
    let statement = Statement::from_string(database.get_database_backend(), sql);
    let row = database.query_one_raw(statement).await.unwrap().unwrap();
    database.close().await.unwrap();
    row.try_get_by_index(0).unwrap()
}

#[tokio::test]
async fn account_actions_write_batches_of_100() {
    let app = TestApp::spawn().await;
    let ben = ben(&app, 250, 120).await;
    let store = app.store().await;
    let raises = "UPDATE \"conversation\" SET \"members_version\"";
    let (done, times) = count_statements(store.accounts().deactivate(ben, &act()), raises).await;
    done.unwrap();
    assert_eq!(times, 3, "250 conversations");
    let (done, times) = count_statements(store.accounts().reactivate(ben, &act()), raises).await;
    done.unwrap();
    assert_eq!(times, 3);
    let act = act();
    let deletion = store.accounts().delete(ben, "deleted-1".to_owned(), &act);
    let (done, times) = count_statements(deletion, "DELETE FROM \"connection\"").await;
    assert_eq!(done.unwrap().connection_changes.len(), 120);
    assert_eq!(times, 3, "each connection writes two rows");
    store.close().await;
}

#[tokio::test]
async fn failed_deletion_is_completed_by_next() {
    let app = TestApp::spawn().await;
    let ben = ben(&app, 1, 120).await;
    let store = app.store().await;
    // Only the last step of a deletion finds that the new name is taken.
    let failed = store.accounts().delete(ben, "ann".to_owned(), &act()).await;
    assert!(
        matches!(failed, Err(StoreError::Refused(problem)) if problem.code == ErrorCode::UsernameTaken)
    );
    assert_eq!(connections(&app, ben).await, 20);
    assert_cannot_act(&store, ben).await;
    let act = act();
    let done = store.accounts().delete(ben, "deleted-1".to_owned(), &act);
    assert_eq!(done.await.unwrap().connection_changes.len(), 20);
    assert_eq!(connections(&app, ben).await, 0);
    let row = store.users().find(ben).await.unwrap().unwrap();
    assert_eq!(row.username, "deleted-1");
    store.close().await;
}

async fn assert_cannot_act(store: &Store, user: UserId) {
    let row = store.users().find(user).await.unwrap().unwrap();
    assert!(row.deactivated_at.is_some() && row.deleted_at.is_none());
    let logins = store.logins().list(user, None, 10).await.unwrap();
    assert!(logins.is_empty());
}
