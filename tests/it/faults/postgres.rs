//! PostgreSQL that goes and comes again. On SQLite there is nothing to go.

use std::collections::BTreeMap;
use std::time::Duration;

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use super::{behind_a_proxy, number};
use crate::support::{Person, Proxy, Socket, TestApp, until};

/// Everything that holds the database's lock of whoever serves.
const HOLDERS: &str = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted \
     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
/// Which lock that is.
const LOCK: &str = "SELECT (classid::bigint << 32) | objid::bigint FROM pg_locks \
     WHERE locktype = 'advisory' \
     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

/// Its connections are cut again and again while two people talk: whatever
/// was acknowledged is there, and whoever tries again gets through.
#[tokio::test]
async fn what_was_acknowledged_outlives_every_cut_of_the_database() {
    const SENDS: usize = 200;
    const UNDER_WAY: usize = 6;
    const CUT_EVERY: usize = 10;
    let Some((app, proxy)) = behind_a_proxy(|_| {}).await else {
        return;
    };
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let mut here = ann.chat_socket(id).await;

    let mut open: BTreeMap<String, ()> = (0..SENDS).map(|at| (format!("{at:03}"), ())).collect();
    let mut echoes: BTreeMap<String, Value> = BTreeMap::new();
    let names: Vec<String> = open.keys().cloned().collect();
    let mut next = names.iter();
    for name in next.by_ref().take(UNDER_WAY) {
        here.say_as(name, name).await;
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
                here.say_as(name, name).await;
            }
            "message" => {
                let message = frame["message"].take();
                let name = message["client_id"].as_str().unwrap().to_owned();
                if open.remove(&name).is_some() {
                    if open.len().is_multiple_of(CUT_EVERY) {
                        proxy.cut();
                    }
                    if let Some(name) = next.next() {
                        here.say_as(name, name).await;
                    }
                }
                echoes.insert(name, message);
            }
            _ => panic!("{frame}"),
        }
    }
    assert!(refusals > 0, "nothing was ever cut");
    proxy.cut();
    check(&ann, &ben, id, &echoes).await;
}

/// All of it is there once, in its place, and counted.
async fn check(ann: &Person, ben: &Person, id: i64, echoes: &BTreeMap<String, Value>) {
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
async fn while_the_database_is_gone_all_are_told_so_and_then_go_on() {
    let Some((app, proxy)) = behind_a_proxy(|_| {}).await else {
        return;
    };
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let mut here = ann.chat_socket(id).await;
    let mut there = ben.chat_socket(id).await;

    proxy.go_down();
    app.get("/healthz").await.refused(503, "unavailable");
    here.say_as("Hello?", "socket").await;
    here.expect_error("unavailable").await;
    let refused = ann.send_as(id, "Hello?", "rest").await;
    assert_eq!(refused.header("retry-after"), Some("1"));
    refused.refused(503, "unavailable");
    ann.get("/api/conversations/")
        .await
        .refused(503, "unavailable");
    // The sockets that are open stay so.
    there.expect_nothing_until_pong().await;

    proxy.come_up();
    comes_back(&app).await;
    for (seq, name) in (2..).zip(["socket", "rest"]) {
        here.say_as("Hello?", name).await;
        assert_eq!(here.expect_message().await["seq"], seq);
        assert_eq!(there.expect_message().await["seq"], seq);
    }
}

/// As a server is that stands by for another, or an operator may have it.
#[tokio::test]
async fn a_database_that_is_only_read_is_unavailable_for_what_would_write() {
    let Some((app, proxy)) = behind_a_proxy(|_| {}).await else {
        return;
    };
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let mut here = ann.chat_socket(id).await;
    let text = app.database().text();
    let (_, name) = text.rsplit_once('/').unwrap();
    let database = app.database().connection().await;

    let only_read = format!("ALTER DATABASE {name} SET default_transaction_read_only = on");
    database.execute_unprepared(&only_read).await.unwrap();
    proxy.cut();
    comes_back(&app).await;
    refused_once_anew(&mut here).await;
    ann.send_as(id, "Hello?", "rest")
        .await
        .refused(503, "unavailable");
    assert_eq!(ann.history(id).await.len(), 1);

    let written = format!("ALTER DATABASE {name} RESET default_transaction_read_only");
    database.execute_unprepared(&written).await.unwrap();
    proxy.cut();
    comes_back(&app).await;
    let sent = until("a write", async || {
        let answer = ann.send_as(id, "Hello?", "rest").await;
        (answer.status == 201).then_some(answer.body)
    });
    assert_eq!(sent.await["seq"], 2);
    database.close().await.unwrap();
}

/// What PostgreSQL says where it can't make a table's file longer.
#[tokio::test]
async fn a_full_disk_of_postgresql_refuses_and_loses_nothing_and_goes_on_when_there_is_room() {
    const FULL: &str = "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN RAISE disk_full USING MESSAGE = 'could not extend file'; END $$; \
         CREATE TRIGGER full_disk BEFORE INSERT ON message EXECUTE FUNCTION full_disk()";
    let Some((app, _proxy)) = behind_a_proxy(|_| {}).await else {
        return;
    };
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let mut here = ann.chat_socket(id).await;
    let mut there = ben.chat_socket(id).await;
    let database = app.database().connection().await;

    database.execute_unprepared(FULL).await.unwrap();
    ann.send_as(id, "Hello?", "rest")
        .await
        .refused(503, "unavailable");
    refused_once_anew(&mut here).await;
    assert_eq!(ben.history(id).await.len(), 1, "reading goes on");
    there.expect_nothing_until_pong().await;

    let room = "DROP TRIGGER full_disk ON message";
    database.execute_unprepared(room).await.unwrap();
    let sent = ann.send_as(id, "Hello?", "rest").await.expect(201);
    assert_eq!(sent["seq"], 2, "nothing was written by those before");
    assert_eq!(here.expect_message().await, sent);
    assert_eq!(there.expect_message().await["seq"], 2);
    database.close().await.unwrap();
}

/// It is said to be unavailable, whether the connection was an old one that is
/// gone or a new one that only reads.
async fn refused_once_anew(socket: &mut Socket) {
    socket
        .send(json!({ "type": "message", "message": "Hello?", "client_id": "socket" }))
        .await;
    socket.expect_error("unavailable").await;
}

/// Waits until connections are good again: what was cut is found out one by
/// one, by whoever uses it next.
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

/// Guards the lock that went with its connection, so that a second server
/// could come unseen.
#[tokio::test]
async fn the_lock_of_whoever_serves_is_taken_again_when_its_connection_was_cut() {
    let Some((app, proxy)) = hurried().await else {
        return;
    };
    let database = app.database().connection().await;
    assert_eq!(number(&database, HOLDERS).await, 1);
    proxy.go_down();
    until("the lock to be free", async || {
        (number(&database, HOLDERS).await == 0).then_some(())
    })
    .await;
    proxy.come_up();
    until("the lock to be held", async || {
        (number(&database, HOLDERS).await == 1).then_some(())
    })
    .await;
    database.close().await.unwrap();
}

#[tokio::test]
async fn a_server_whose_database_another_has_taken_stops() {
    let Some((mut app, proxy)) = hurried().await else {
        return;
    };
    let database = app.database().connection().await;
    let lock = number(&database, LOCK).await;
    // Another stands in line, and has it as soon as it is free.
    let other = app.database().connection().await;
    let take = format!("SELECT pg_advisory_lock({lock})");
    let (taken, ()) = tokio::join!(other.execute_unprepared(&take), async {
        until("another to wait", async || {
            let waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
            (number(&database, waits).await > 0).then_some(())
        })
        .await;
        proxy.cut();
    });
    taken.unwrap();
    let ended = app.ended().await;
    let error = ended.unwrap_err().to_string();
    assert_eq!(error, "another server has taken the database");
    for connection in [database, other] {
        connection.close().await.unwrap();
    }
}

/// One that looks at its lock all the time.
async fn hurried() -> Option<(TestApp, Proxy)> {
    behind_a_proxy(|settings| {
        settings.timings.alone_check_every = Duration::from_millis(20);
        settings.timings.alone_patience = Duration::from_millis(200);
    })
    .await
}
