//! PostgreSQL outages. On SQLite these tests do nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use super::{behind_a_proxy, number};
use crate::support::{DatabaseProxy, TestApp, TestSocket, TestUser, until};

/// Counts the holders of the server's advisory lock.
const HOLDERS: &str = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted \
     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
/// Selects the key of the server's advisory lock.
const LOCK: &str = "SELECT (classid::bigint << 32) | objid::bigint FROM pg_locks \
     WHERE locktype = 'advisory' \
     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

/// Connections are cut repeatedly while two users chat: acknowledged messages
/// are stored, and retries succeed.
#[tokio::test]
async fn acknowledged_messages_survive_connection_cuts() {
    const SENDS: usize = 200;
    const UNDER_WAY: usize = 6;
    const CUT_EVERY: usize = 10;
    let Some((app, proxy)) = behind_a_proxy(|_| {}).await else {
        return;
    };
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let mut here = ann.chat_socket(id).await;

    let mut open: BTreeMap<String, ()> = (0..SENDS).map(|at| (format!("{at:03}"), ())).collect();
    let mut echoes: BTreeMap<String, Value> = BTreeMap::new();
    let names: Vec<String> = open.keys().cloned().collect();
    let mut next = names.iter();
    for name in next.by_ref().take(UNDER_WAY) {
        here.send_text_as(name, name).await;
    }
    let mut refusals = 0;
    while !open.is_empty() {
        let mut frame = here.next().await;
        match frame["type"].as_str().unwrap() {
            "conversation" => {}
            "error" => {
                assert!(
                    ["busy", "unavailable"].contains(&frame["code"].as_str().unwrap()),
                    "{frame}"
                );
                refusals += 1;
                let name = frame["client_id"].as_str().unwrap();
                here.send_text_as(name, name).await;
            }
            "message" => {
                let message = frame["message"].take();
                let name = message["client_id"].as_str().unwrap().to_owned();
                if open.remove(&name).is_some() {
                    if open.len().is_multiple_of(CUT_EVERY) {
                        proxy.close_connections();
                    }
                    if let Some(name) = next.next() {
                        here.send_text_as(name, name).await;
                    }
                }
                echoes.insert(name, message);
            }
            _ => panic!("{frame}"),
        }
    }
    assert!(refusals > 0, "nothing was ever cut");
    proxy.close_connections();
    check(&ann, &ben, id, &echoes).await;
}

/// Checks that each echoed message is stored once, in order, and counted as
/// unread.
async fn check(ann: &TestUser, ben: &TestUser, id: i64, echoes: &BTreeMap<String, Value>) {
    let well = async || (ann.get("/healthz").await.status == 200).then_some(());
    until("the database to be back", well).await;
    let mut after = 1;
    while after <= echoes.len() {
        let path = format!("/api/conversations/{id}/messages/?limit=100&after={after}");
        let page = until("a page", async || {
            let answer = ann.get(&path).await;
            (answer.status == 200).then_some(answer.body)
        });
        for message in page.await.as_array().unwrap() {
            after += 1;
            assert_eq!(message["seq"], after, "dense");
            let echo = &echoes[message["client_id"].as_str().unwrap()];
            for field in ["id", "seq", "version", "text", "created_at"] {
                assert_eq!(message[field], echo[field], "{field}");
            }
        }
    }
    assert_eq!(after, 1 + echoes.len());
    let seen = until("an answer", async || {
        let answer = ben.get(&format!("/api/conversations/{id}/")).await;
        (answer.status == 200).then_some(answer.body)
    });
    assert_eq!(seen.await["unread_count"], 1 + echoes.len());
}

#[tokio::test]
async fn database_outage_is_reported_and_recovered() {
    let Some((app, proxy)) = behind_a_proxy(|_| {}).await else {
        return;
    };
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let mut here = ann.chat_socket(id).await;
    let mut there = ben.chat_socket(id).await;

    proxy.stop();
    app.get("/healthz").await.expect_problem(503, "unavailable");
    here.send_text_as("Hello?", "socket").await;
    here.expect_error("unavailable").await;
    let refused = ann.send_as(id, "Hello?", "rest").await;
    assert_eq!(refused.header("retry-after"), Some("1"));
    refused.expect_problem(503, "unavailable");
    ann.get("/api/conversations/")
        .await
        .expect_problem(503, "unavailable");
    // Open sockets stay open.
    there.expect_nothing_until_pong().await;

    proxy.start();
    comes_back(&app).await;
    for (seq, name) in (2..).zip(["socket", "rest"]) {
        here.send_text_as("Hello?", name).await;
        assert_eq!(here.expect_message().await["seq"], seq);
        assert_eq!(there.expect_message().await["seq"], seq);
    }
}

/// A PostgreSQL standby is read-only, and an operator may make any PostgreSQL
/// server read-only.
#[tokio::test]
async fn read_only_database_refuses_writes() {
    let Some((app, proxy)) = behind_a_proxy(|_| {}).await else {
        return;
    };
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let mut here = ann.chat_socket(id).await;
    let text = app.database().url_text();
    let (_, name) = text.rsplit_once('/').unwrap();
    let database = app.database().connection().await;

    let only_read = format!("ALTER DATABASE {name} SET default_transaction_read_only = on");
    database.execute_unprepared(&only_read).await.unwrap();
    proxy.close_connections();
    comes_back(&app).await;
    refused_once_anew(&mut here).await;
    ann.send_as(id, "Hello?", "rest")
        .await
        .expect_problem(503, "unavailable");
    assert_eq!(ann.history(id).await.len(), 1);

    let written = format!("ALTER DATABASE {name} RESET default_transaction_read_only");
    database.execute_unprepared(&written).await.unwrap();
    proxy.close_connections();
    comes_back(&app).await;
    let sent = until("a write", async || {
        let answer = ann.send_as(id, "Hello?", "rest").await;
        (answer.status == 201).then_some(answer.body)
    });
    assert_eq!(sent.await["seq"], 2);
    database.close().await.unwrap();
}

/// Raises the error of PostgreSQL when it can't extend a table's file.
#[tokio::test]
async fn full_postgresql_disk_loses_nothing() {
    const FULL: &str = "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN RAISE disk_full USING MESSAGE = 'could not extend file'; END $$; \
         CREATE TRIGGER full_disk BEFORE INSERT ON message EXECUTE FUNCTION full_disk()";
    let Some((app, _proxy)) = behind_a_proxy(|_| {}).await else {
        return;
    };
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let mut here = ann.chat_socket(id).await;
    let mut there = ben.chat_socket(id).await;
    let database = app.database().connection().await;

    database.execute_unprepared(FULL).await.unwrap();
    ann.send_as(id, "Hello?", "rest")
        .await
        .expect_problem(503, "unavailable");
    refused_once_anew(&mut here).await;
    assert_eq!(ben.history(id).await.len(), 1, "reading goes on");
    there.expect_nothing_until_pong().await;

    let room = "DROP TRIGGER full_disk ON message";
    database.execute_unprepared(room).await.unwrap();
    let sent = ann.send_as(id, "Hello?", "rest").await.expect(201);
    assert_eq!(sent["seq"], 2, "the failed attempts wrote nothing");
    assert_eq!(here.expect_message().await, sent);
    assert_eq!(there.expect_message().await["seq"], 2);
    database.close().await.unwrap();
}

/// Expects a send to fail as `unavailable`: its connection is cut or read-only.
async fn refused_once_anew(socket: &mut TestSocket) {
    socket
        .send(json!({ "type": "message", "message": "Hello?", "client_id": "socket" }))
        .await;
    socket.expect_error("unavailable").await;
}

/// Waits until all connections work again: each cut connection makes one
/// request fail.
async fn comes_back(app: &TestApp) {
    const IN_A_ROW: usize = 20;
    until("the database to be back", async || {
        for _ in 0..IN_A_ROW {
            if app.get("/healthz").await.status != 200 {
                return None;
            }
        }
        Some(())
    })
    .await;
}

/// Guards against a second server on the same database. PostgreSQL frees the
/// server's lock when its connection is cut, and the server takes the lock
/// again.
#[tokio::test]
async fn cut_server_lock_is_taken_again() {
    let Some((app, proxy)) = frequent_lock_checks().await else {
        return;
    };
    let database = app.database().connection().await;
    assert_eq!(number(&database, HOLDERS).await, 1);
    proxy.stop();
    until("the lock to be free", async || {
        (number(&database, HOLDERS).await == 0).then_some(())
    })
    .await;
    proxy.start();
    until("the lock to be held", async || {
        (number(&database, HOLDERS).await == 1).then_some(())
    })
    .await;
    database.close().await.unwrap();
}

#[tokio::test]
async fn server_stops_after_losing_lock() {
    let Some((mut app, proxy)) = frequent_lock_checks().await else {
        return;
    };
    let database = app.database().connection().await;
    let lock = number(&database, LOCK).await;
    // Another server waits for the lock and gets it as soon as it is free.
    let other = app.database().connection().await;
    let take = format!("SELECT pg_advisory_lock({lock})");
    let (taken, ()) = tokio::join!(other.execute_unprepared(&take), async {
        until("another to wait", async || {
            let waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
            (number(&database, waits).await > 0).then_some(())
        })
        .await;
        proxy.close_connections();
    });
    taken.unwrap();
    let ended = app.ended().await;
    let error = ended.unwrap_err().to_string();
    assert_eq!(error, "another server has taken over the database");
    for connection in [database, other] {
        connection.close().await.unwrap();
    }
}

/// Starts a server that checks its lock every 20 ms.
async fn frequent_lock_checks() -> Option<(TestApp, DatabaseProxy)> {
    behind_a_proxy(|settings| {
        settings.timings.lock_check_every = Duration::from_millis(20);
        settings.timings.lock_loss_grace = Duration::from_millis(200);
    })
    .await
}
