//! Many who come at once: what it costs.

use std::collections::HashSet;
use std::time::Duration;

use entity::{ConversationId, LoginId, Millis, UserId};
use futures_util::future::join_all;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use tidings::auth::{Secret, Tokens};
use tidings::engine::directory::{Directory, Door};
use tidings::engine::presence::{News, Teller};
use tidings::store::Status;

use super::counting::Here;
use super::without_grace;
use crate::store::statements::{Cost, watched};
use crate::support::{Person, Socket, TestApp, TestDatabase};

/// The first of the crowd; those before have real accounts.
pub(super) const FIRST: i64 = 1_001;

/// People who may log in, each connected with the one watcher.
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

/// The numbers of a crowd, as `g(n)`.
pub(super) fn numbers(count: i64) -> String {
    format!(
        "WITH RECURSIVE g(n) AS (SELECT {FIRST} UNION ALL SELECT n + 1 FROM g \
         WHERE n < {FIRST} + {count} - 1)"
    )
}

/// A statement that makes accounts for a crowd.
pub(super) fn users(count: i64) -> String {
    format!(
        "INSERT INTO \"user\" (id, username, username_key, display_name, about, \
         password_hash, is_admin, created_at) {} \
         SELECT n, 'c' || n, 'c' || n, 'One of many', '', 'none', FALSE, 0 FROM g",
        numbers(count)
    )
}

fn people(app: &TestApp, count: i64) -> Vec<Person> {
    let secret = Secret::load_or_create(app.folder()).unwrap();
    let tokens = Tokens::new(&secret, Duration::from_secs(3_600));
    let token = |id| tokens.issue(UserId(id), LoginId(id), Millis::now());
    let people = (FIRST..FIRST + count).map(|id| Person {
        site: app.site().clone(),
        username: format!("c{id}"),
        id,
        token: token(id).unwrap(),
    });
    people.collect()
}

#[tokio::test]
async fn everybody_is_told_once_of_many_who_come_at_once() {
    const COUNT: i64 = 200;
    let app = without_grace().await;
    let ann = app.person("ann").await;
    crowd(app.database(), ann.id, COUNT).await;
    let people = people(&app, COUNT);
    let mut watcher = ann.socket("/ws/").await;
    let opening = people.iter().map(|person| person.socket("/ws/"));
    let sockets = join_all(opening).await;
    hear_of_all(&mut watcher, COUNT, json!(true)).await;
    drop(sockets);
    hear_of_all(&mut watcher, COUNT, json!(false)).await;
    watcher.expect_nothing_until_pong().await;
    assert_eq!(watcher.take_statuses(), [] as [serde_json::Value; 0]);
}

/// So many are told to be online, or offline, each once.
async fn hear_of_all(watcher: &mut Socket, count: i64, expected: Value) {
    let mut told = HashSet::new();
    for _ in 0..count {
        let status = watcher.expect_status().await;
        assert_eq!(status["is_online"], expected, "{status}");
        assert!(told.insert(status["username"].to_string()), "{status}");
    }
}

/// Tells that so many came; what it took.
pub(super) async fn arrive(teller: &Teller, count: i64) -> (usize, u64) {
    let came = FIRST..FIRST + count;
    let news = News {
        changed: came.map(|id| (UserId(id), Status::ONLINE)).collect(),
        ..News::default()
    };
    let (told, heard) = watched(teller.tell(&news)).await;
    told.unwrap();
    let Cost { statements, rows } = heard.cost();
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
    let teller = Teller {
        store: database.store().await,
        directory: Directory::default(),
    };
    let nothing = arrive(&teller, 1_000).await;
    assert_eq!(nothing, (0, 0), "nobody is here to be told");
    let enter = |user, door| Here::enter(&teller.directory, user, door);
    let unbound = [
        enter(WATCHER, Door::Everything),
        enter(WATCHER, Door::Notifications),
    ];
    // One of them, who knows nobody but the watcher.
    let other = enter(FIRST, Door::Everything);
    // Of each of them a name, and a row for who knows them.
    for (count, statements) in [(1, 1), (500, 1), (1_000, 2)] {
        let cost = arrive(&teller, count).await;
        assert_eq!(cost, (statements, 2 * count as u64), "{count} came");
        for session in &unbound {
            assert_eq!(session.heard().await, [count as usize]);
        }
        assert!(other.heard().await.is_empty());
    }
    // With sockets that are bound to a conversation it is twice as many, and
    // they hear of nobody who isn't in it.
    let bound = enter(WATCHER, Door::Conversation(ConversationId(7)));
    for (count, statements) in [(1, 2), (500, 2), (1_000, 4)] {
        let cost = arrive(&teller, count).await;
        assert_eq!(cost, (statements, 2 * count as u64), "{count} came");
        assert_eq!(unbound[0].heard().await, [count as usize]);
        assert!(bound.heard().await.is_empty());
    }
    teller.store.close().await;
}

#[test]
fn a_thousand_who_come_at_once_cost_each_session_one_delivery() {
    actix::System::new().block_on(cost_of_a_thousand());
}
