//! The cost of many users who come online at once.

use std::collections::HashSet;
use std::time::Duration;

use entity::{ConversationId, LoginId, Millis, UserId};
use futures_util::future::join_all;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use tidings::auth::{LoginTokens, Secret};
use tidings::engine::directory::{Directory, SocketScope};
use tidings::engine::presence::{PresenceNotifier, StatusChanges};
use tidings::store::PresenceRecord;

use super::counting::CountingSession;
use super::without_grace;
use crate::store::statements::{Cost, watched};
use crate::support::{TestApp, TestDatabase, TestSocket, TestUser};

/// The first id of the crowd; registered users have lower ids.
pub(super) const FIRST: i64 = 1_001;

/// Creates `count` users with logins, all connected with the watcher.
async fn crowd(database: &TestDatabase, watcher: i64, count: i64) {
    let numbers = numbers(count);
    let connection = database.connection().await;
    for statement in [
        users(count),
        format!(
            "INSERT INTO login (id, user_id, device, address, created_at, last_used_at, \
             expires_at) {numbers} SELECT n, n, '', '', 0, 0, {} FROM g",
            i64::MAX / 2_000
        ),
        format!(
            "INSERT INTO connection (low_id, high_id, requested_by, state, created_at) \
             {numbers} SELECT {watcher}, n, n, 1, 0 FROM g"
        ),
    ] {
        connection.execute_unprepared(&statement).await.unwrap();
    }
    connection.close().await.unwrap();
}

/// Returns the ids of a crowd as the table expression `g(n)`.
pub(super) fn numbers(count: i64) -> String {
    format!(
        "WITH RECURSIVE g(n) AS (SELECT {FIRST} UNION ALL SELECT n + 1 FROM g \
         WHERE n < {FIRST} + {count} - 1)"
    )
}

/// Returns a statement that creates the accounts of a crowd.
pub(super) fn users(count: i64) -> String {
    format!(
        "INSERT INTO \"user\" (id, username, username_key, display_name, about, \
         password_hash, is_admin, created_at) {} \
         SELECT n, 'c' || n, 'c' || n, 'One of many', '', 'none', FALSE, 0 FROM g",
        numbers(count)
    )
}

fn people(app: &TestApp, count: i64) -> Vec<TestUser> {
    let secret = Secret::load_or_create(app.folder()).unwrap();
    let tokens = LoginTokens::new(&secret, Duration::from_secs(3_600));
    let token = |id| tokens.issue(UserId(id), LoginId(id), Millis::now());
    let people = (FIRST..FIRST + count).map(|id| TestUser {
        site: app.site().clone(),
        username: format!("c{id}"),
        id,
        token: token(id).unwrap(),
    });
    people.collect()
}

#[tokio::test]
async fn crowd_status_arrives_once_per_user() {
    const COUNT: i64 = 200;
    let app = without_grace().await;
    let ann = app.register_user("ann").await;
    crowd(app.database(), ann.id, COUNT).await;
    let people = people(&app, COUNT);
    let mut watcher = ann.socket("/ws/").await;
    let opening = people.iter().map(|person| person.socket("/ws/"));
    let sockets = join_all(opening).await;
    expect_statuses(&mut watcher, COUNT, json!(true)).await;
    drop(sockets);
    expect_statuses(&mut watcher, COUNT, json!(false)).await;
    watcher.expect_nothing_until_pong().await;
    assert_eq!(watcher.take_statuses(), [] as [serde_json::Value; 0]);
}

/// Expects one status of each of `count` users.
async fn expect_statuses(watcher: &mut TestSocket, count: i64, expected: Value) {
    let mut told = HashSet::new();
    for _ in 0..count {
        let status = watcher.expect_status().await;
        assert_eq!(status["is_online"], expected, "{status}");
        assert!(told.insert(status["username"].to_string()), "{status}");
    }
}

/// Sends the status of `count` users that come online. Returns the numbers of
/// statements and rows.
pub(super) async fn arrive(teller: &PresenceNotifier, count: i64) -> (usize, u64) {
    let came = FIRST..FIRST + count;
    let news = StatusChanges {
        changed: came
            .map(|id| (UserId(id), PresenceRecord::ONLINE))
            .collect(),
        ..StatusChanges::default()
    };
    let (told, log) = watched(teller.notify_viewers(&news)).await;
    told.unwrap();
    let Cost { statements, rows } = log.cost();
    (statements, rows)
}

async fn cost_of_a_thousand() {
    const WATCHER: i64 = 1;
    let folder = tempfile::tempdir().unwrap();
    let database = TestDatabase::migrated(folder.path()).await;
    let connection = database.connection().await;
    let watcher = "INSERT INTO \"user\" (id, username, username_key, display_name, about, \
                   password_hash, is_admin, created_at) \
                   VALUES (1, 'ann', 'ann', 'ann', '', 'none', FALSE, 0)";
    connection.execute_unprepared(watcher).await.unwrap();
    connection.close().await.unwrap();
    crowd(&database, WATCHER, 1_000).await;
    let teller = PresenceNotifier {
        store: database.store().await,
        directory: Directory::default(),
    };
    let nothing = arrive(&teller, 1_000).await;
    assert_eq!(nothing, (0, 0), "no session is open");
    let enter = |user, scope| CountingSession::enter(&teller.directory, user, scope);
    let unbound = [
        enter(WATCHER, SocketScope::Everything),
        enter(WATCHER, SocketScope::Notifications),
    ];
    // A user of the crowd, connected only with the watcher.
    let other = enter(FIRST, SocketScope::Everything);
    // Per user, a row with the name and a row with the watcher.
    for (count, statements) in [(1, 1), (500, 1), (1_000, 2)] {
        let cost = arrive(&teller, count).await;
        assert_eq!(cost, (statements, 2 * count as u64), "{count} came");
        for session in &unbound {
            assert_eq!(session.frame_counts().await, [count as usize]);
        }
        assert!(other.frame_counts().await.is_empty());
    }
    // A session bound to a conversation doubles the statements, and receives no
    // status of users outside the conversation.
    let bound = enter(WATCHER, SocketScope::Conversation(ConversationId(7)));
    for (count, statements) in [(1, 2), (500, 2), (1_000, 4)] {
        let cost = arrive(&teller, count).await;
        assert_eq!(cost, (statements, 2 * count as u64), "{count} came");
        assert_eq!(unbound[0].frame_counts().await, [count as usize]);
        assert!(bound.frame_counts().await.is_empty());
    }
    teller.store.close().await;
}

#[test]
fn thousand_arrivals_are_one_delivery_each() {
    actix::System::new().block_on(cost_of_a_thousand());
}
