//! What a process that died or stopped leaves behind.

use entity::{Millis, UserId};
use serde_json::json;
use tidings::store::Status;

use super::{heard_until, without_grace};

/// A minute, in milliseconds: more than the half that a process may stay
/// silent.
const A_WHILE: i64 = 60_000;

#[tokio::test]
async fn whom_a_dead_process_left_online_was_seen_when_it_was_last_alive() {
    let mut app = without_grace().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let cat = app.person("cat").await;
    app.stop().await;
    let store = app.store().await;
    let [ann, ben, cat] = [ann, ben, cat].map(|person| UserId(person.id));
    let start = Millis::now();
    let node = store.join_as_node(start).await.unwrap();
    store.set_online(node, &[ann, ben, cat]).await.unwrap();
    let gone = Millis(start.0 + 5);
    store.set_offline(&[(cat, gone)]).await.unwrap();
    let alive = Millis(start.0 + A_WHILE / 2);
    store.node_alive(node, alive).await.unwrap();
    let statuses = store.statuses(&[ann]).await.unwrap();
    assert_eq!(statuses, [(ann, Status::ONLINE)]);
    // It dies here, and another starts.
    let now = Millis(start.0 + A_WHILE);
    store.join_as_node(now).await.unwrap();
    let mut statuses = store.statuses(&[ann, ben, cat]).await.unwrap();
    statuses.sort_unstable_by_key(|(user, _)| *user);
    let seen = Status::gone(alive);
    assert_eq!(
        statuses,
        [(ann, seen), (ben, seen), (cat, Status::gone(gone))]
    );
    store.close().await;
}

#[tokio::test]
async fn a_restart_leaves_nobody_online_and_tells_who_comes_back() {
    let mut app = without_grace().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let mut there = ben.socket("/ws/").await;
    let _here = ann.socket("/ws/").await;
    heard_until(&mut there, "+ann").await;
    let before = Millis::now();
    app.restart().await;
    let seen = ben.get("/api/users/ann/").await.expect(200);
    assert_eq!(seen["is_online"], json!(false));
    let at: jiff::Timestamp = seen["last_seen"].as_str().unwrap().parse().unwrap();
    assert!((before.0..=Millis::now().0).contains(&at.as_millisecond()));
    let mut there = ben.socket("/ws/").await;
    let _here = ann.socket("/ws/").await;
    assert_eq!(heard_until(&mut there, "+ann").await, ["+ann"]);
}

/// Guards who went and came again since the process last said that it is
/// alive: nobody was seen earlier than they were told to have been.
#[tokio::test]
async fn who_came_again_before_a_death_was_seen_no_earlier_than_before() {
    let mut app = without_grace().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    app.stop().await;
    let store = app.store().await;
    let [ann, ben] = [ann, ben].map(|person| UserId(person.id));
    let alive = Millis::now();
    let node = store.join_as_node(alive).await.unwrap();
    store.set_online(node, &[ann, ben]).await.unwrap();
    let gone = Millis(alive.0 + A_WHILE / 4);
    store.set_offline(&[(ann, gone)]).await.unwrap();
    store.set_online(node, &[ann]).await.unwrap();
    store.join_as_node(Millis(alive.0 + A_WHILE)).await.unwrap();
    let mut statuses = store.statuses(&[ann, ben]).await.unwrap();
    statuses.sort_unstable_by_key(|(user, _)| *user);
    assert_eq!(
        statuses,
        [(ann, Status::gone(gone)), (ben, Status::gone(alive))]
    );
    store.close().await;
}
