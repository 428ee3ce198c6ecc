//! Changes of who may see whose presence, by connections, blocks and leaving.

use std::collections::BTreeSet;

use entity::UserId;
use reqwest::Method;
use sea_orm::{ConnectionTrait, DatabaseConnection};
use serde_json::json;
use tidings::protocol::Username;

use super::{statuses_until, without_grace};
use crate::groups::crew::{bring_back, friends, group, invite, leave, make, remove};
use crate::support::{TestApp, TestDatabase, TestSocket, TestUser, until};

async fn block(person: &TestUser, other: &TestUser) {
    let path = format!("/api/blocks/{}/", other.username);
    let request = person.site.request(Method::PUT, &path);
    let request = request.bearer_auth(&person.token);
    person.site.send(request).await.expect(200);
}

/// Expects a connection in this state, and no status before it.
async fn expect_connection(socket: &mut TestSocket, state: &str) {
    let told = socket.expect("connection").await;
    assert_eq!(told["connection"]["state"], state, "{told}");
    assert_eq!(socket.take_statuses(), [] as [serde_json::Value; 0]);
}

#[tokio::test]
async fn new_connection_sends_both_statuses() {
    let app = without_grace().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let cat = app.register_user("cat").await;
    let mut here = ann.socket("/ws/").await;
    let mut there = ben.socket("/ws/").await;
    wait_for_statuses(&app).await;
    ann.connect_with(&ben).await;
    for (socket, asked) in [(&mut here, "requested"), (&mut there, "incoming")] {
        expect_connection(socket, asked).await;
        expect_connection(socket, "connected").await;
    }
    assert_eq!(statuses_until(&mut here, "+ben").await, ["+ben"]);
    assert_eq!(statuses_until(&mut there, "+ann").await, ["+ann"]);
    // Cat was never online. Nothing about Ben is sent again.
    ann.connect_with(&cat).await;
    expect_connection(&mut here, "requested").await;
    expect_connection(&mut here, "connected").await;
    let status = here.expect_status().await;
    assert_eq!(
        status,
        json!({
            "type": "user_status",
            "user_id": cat.id,
            "username": "cat",
            "is_online": false,
            "last_seen": null,
        })
    );
    drop(there);
    assert_eq!(statuses_until(&mut here, "-ben").await, ["-ben"]);
}

#[tokio::test]
async fn mutual_requests_send_last_seen() {
    let app = without_grace().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let gone = ben.socket("/ws/").await;
    until_online(&ben, true).await;
    drop(gone);
    until_online(&ben, false).await;
    let mut here = ann.socket("/ws/").await;
    wait_for_statuses(&app).await;
    ann.request_connection(&ben).await.expect(201);
    ben.request_connection(&ann).await.expect(200);
    expect_connection(&mut here, "requested").await;
    expect_connection(&mut here, "connected").await;
    let seen = ann.get("/api/users/ben/").await.expect(200);
    let status = here.expect_status().await;
    assert!(seen["last_seen"].is_string(), "{seen}");
    for field in ["is_online", "last_seen"] {
        assert_eq!(status[field], seen[field]);
    }
}

#[tokio::test]
async fn block_hides_status_in_both_directions() {
    let app = without_grace().await;
    let (_id, people) = group(&app, &["zoe", "ann", "ben", "cat"]).await;
    let [zoe, ann, ben, cat] = &people[..] else {
        panic!("four people");
    };
    block(ann, ben).await;
    let mut anns = ann.socket("/ws/").await;
    let mut bens = ben.socket("/ws/").await;
    let mut cats = cat.socket("/ws/").await;
    assert_eq!(statuses_until(&mut anns, "+cat").await, ["+cat"]);
    assert_eq!(statuses_until(&mut bens, "+cat").await, ["+cat"]);
    let second = zoe.socket("/ws/").await;
    assert_eq!(statuses_until(&mut bens, "+zoe").await, ["+zoe"]);
    assert_eq!(statuses_until(&mut anns, "+zoe").await, ["+zoe"]);
    drop(bens);
    statuses_until(&mut cats, "-ben").await;
    drop(second);
    assert_eq!(statuses_until(&mut anns, "-zoe").await, ["-zoe"]);
}

/// Guards against a race: recipients that were read before a block must receive
/// no status after it.
#[tokio::test]
async fn status_is_never_sent_after_block() {
    let app = without_grace().await;
    let people = friends(&app, &["ann", "ben", "zoe"]).await;
    let (ann, ben, zoe) = (&people[0], &people[1], &people[2]);
    for round in 0..5 {
        if round > 0 {
            let path = "/api/blocks/ben/";
            ann.delete(path).await.expect(204);
            ann.connect_with(ben).await;
        }
        let mut here = ann.socket("/ws/").await;
        let flapping = async {
            for _ in 0..2 {
                let there = ben.socket("/ws/").await;
                until_online(ben, true).await;
                drop(there);
                until_online(ben, false).await;
            }
        };
        let blocking = async {
            if round > 0 {
                statuses_until(&mut here, "+ben").await;
            }
            block(ann, ben).await;
        };
        tokio::join!(flapping, blocking);
        expect_ended(&mut here).await;
        let there = zoe.socket("/ws/").await;
        let after = statuses_until(&mut here, "+zoe").await;
        assert_eq!(after, ["+zoe"], "round {round}");
        drop(there);
        statuses_until(&mut here, "-zoe").await;
    }
}

/// Guards against the same race for users who share only a group, when one of
/// the users leaves the group.
#[tokio::test]
async fn status_is_never_sent_after_leaving() {
    let app = without_grace().await;
    let people = friends(&app, &["zoe", "ann", "ben"]).await;
    let [zoe, ann, ben] = &people[..] else {
        panic!("three people");
    };
    let made = make(zoe, "Crew", &["ann", "ben"]).await.expect(201);
    let id = made["id"].as_i64().unwrap();
    for round in 0..6 {
        let mut here = ann.socket("/ws/").await;
        let flapping = async {
            for _ in 0..2 {
                let there = ben.socket("/ws/").await;
                until_online(ben, true).await;
                drop(there);
                until_online(ben, false).await;
            }
        };
        let leaving = async {
            match round % 2 {
                0 => leave(ann, id).await.expect(200),
                _ => remove(zoe, id, "ann").await.expect(204),
            };
        };
        tokio::join!(flapping, leaving);
        here.expect("conversation_removed").await;
        drop(here.take_statuses());
        let there = zoe.socket("/ws/").await;
        let after = statuses_until(&mut here, "+zoe").await;
        assert_eq!(after, ["+zoe"], "round {round}");
        drop(there);
        statuses_until(&mut here, "-zoe").await;
        match round % 2 {
            0 => bring_back(zoe, id, ann).await,
            _ => drop(invite(zoe, id, "ann").await.expect(201)),
        }
    }
}

/// The users still share a group, so after an unblock they see each other's
/// status again, although the status hasn't changed.
#[tokio::test]
async fn unblocking_sends_both_statuses() {
    let app = without_grace().await;
    let (_, people) = group(&app, &["ann", "ben", "cat"]).await;
    let (ben, cat) = (&people[1], &people[2]);
    block(ben, cat).await;
    let mut bens = ben.socket("/ws/").await;
    let mut cats = cat.socket("/ws/").await;
    until_online(ben, true).await;
    until_online(cat, true).await;
    assert_eq!(bens.take_statuses(), [] as [serde_json::Value; 0]);
    ben.delete("/api/blocks/cat/").await.expect(204);
    assert_eq!(statuses_until(&mut bens, "+cat").await, ["+cat"]);
    assert_eq!(statuses_until(&mut cats, "+ben").await, ["+ben"]);
}

/// Waits until the user's online status is stored.
async fn until_online(person: &TestUser, online: bool) {
    let path = format!("/api/users/{}/", person.username);
    until("the online status to be stored", || async {
        let seen = person.get(&path).await.expect(200);
        (seen["is_online"] == online).then_some(())
    })
    .await;
}

/// Waits until all earlier changes of statuses have been sent. Otherwise one may
/// also go to users who connect meanwhile. Changes are sent in order, so the
/// status of another user comes last.
async fn wait_for_statuses(app: &TestApp) {
    let (viewer, last) = app.register_connected("viewer", "last").await;
    let mut viewing = viewer.socket("/ws/").await;
    let _online = last.socket("/ws/").await;
    statuses_until(&mut viewing, "+last").await;
}

/// Expects the end of the connection, and discards the statuses before it.
async fn expect_ended(socket: &mut TestSocket) {
    let told = socket.expect("connection").await;
    assert_eq!(told["connection"]["state"], "none", "{told}");
    drop(socket.take_statuses());
}

/// Presence is sent to exactly those users who may read it, in every
/// combination of relations between two users.
#[tokio::test]
async fn status_recipients_are_permitted_readers() {
    let folder = tempfile::tempdir().unwrap();
    let database = TestDatabase::migrated(folder.path()).await;
    let connection = database.connection().await;
    let people = relate(&connection).await;
    connection.close().await.unwrap();
    let store = database.store().await;
    let known = store.presence().load_audience(&people).await.unwrap();
    let pairs = known
        .pairs
        .iter()
        .map(|(subject, viewer)| (*viewer, *subject));
    let told: BTreeSet<(UserId, UserId)> = pairs.collect();
    assert_eq!(told.len(), known.pairs.len(), "each pair once");
    let mut may_read = BTreeSet::new();
    for them in &people {
        let name = Username::parse(&format!("who{}", them.0)).unwrap();
        let row = store.users().find_by_name(&name).await.unwrap().unwrap();
        for me in people.iter().filter(|me| *me != them) {
            let profile = store.users().load_profile(*me, &row).await.unwrap();
            if profile.is_online.is_some() {
                may_read.insert((*me, *them));
            }
        }
    }
    store.close().await;
    assert_eq!(told, may_read);
    let all = people.len() * (people.len() - 1);
    assert!(
        (all / 10..all * 9 / 10).contains(&told.len()),
        "pairs of both kinds"
    );
}

/// Creates forty users; the numbers of two users determine their relation. Two
/// users have a connection in any state or none, and a block or none. They
/// share rooms of any size, which some have left.
async fn relate(database: &DatabaseConnection) -> Vec<UserId> {
    const COUNT: i64 = 40;
    let mut statements = vec![
        "INSERT INTO conversation (id, kind, open, opened_by, last_seq, last_ord, version, \
         members_version, participant_count, delivered_low, read_low, created_at) VALUES \
         (1, 1, TRUE, 1, 0, 0, 0, 0, 100, 0, 0, 0), (2, 1, TRUE, 1, 0, 0, 0, 0, 101, 0, 0, 0), \
         (3, 0, FALSE, 1, 0, 0, 0, 0, 2, 0, 0, 0)"
            .to_owned(),
    ];
    for id in 1..=COUNT {
        statements.push(format!(
            "INSERT INTO \"user\" (id, username, username_key, display_name, about, \
             password_hash, is_admin, created_at) \
             VALUES ({id}, 'who{id}', 'who{id}', 'Who', '', 'none', FALSE, 0)"
        ));
        for room in 1..=3 {
            if (id * 7 + room * 5) % 4 == 0 {
                let left = if id % 3 == 0 { "0" } else { "NULL" };
                statements.push(format!(
                    "INSERT INTO participant (conversation_id, user_id, role, joined_seq, \
                     joined_at, left_seq, delivered_seq, read_seq, read_ord, version, archived, \
                     pinned) VALUES ({room}, {id}, 0, 0, 0, {left}, 0, 0, 0, 0, FALSE, FALSE)"
                ));
            }
        }
        for other in id + 1..=COUNT {
            let mix = id * 31 + other * 17;
            if mix % 3 != 0 {
                let state = mix % 4 % 3;
                statements.push(format!(
                    "INSERT INTO connection (low_id, high_id, requested_by, state, created_at) \
                     VALUES ({id}, {other}, {id}, {state}, 0)"
                ));
            }
            if mix % 11 < 2 {
                let (one, two) = if mix % 2 == 0 {
                    (id, other)
                } else {
                    (other, id)
                };
                statements.push(format!(
                    "INSERT INTO block (blocker_id, blocked_id, created_at) \
                     VALUES ({one}, {two}, 0)"
                ));
            }
        }
    }
    // Users first, since the other rows reference them.
    statements.sort_by_key(|statement| !statement.contains("INTO \"user\""));
    database
        .execute_unprepared(&statements.join("; "))
        .await
        .unwrap();
    (1..=COUNT).map(UserId).collect()
}
