//! Presence after a process died or stopped.

use entity::{Millis, UserId};
use serde_json::json;
use tidings::store::PresenceRecord;

use super::{statuses_until, without_grace};

/// A minute, in milliseconds: longer than the 30 seconds within which a process
/// must report that it is alive.
const A_WHILE: i64 = 60_000;

#[tokio::test]
async fn dead_process_leaves_users_last_seen() {
    let mut app = without_grace().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let cat = app.register_user("cat").await;
    app.stop().await;
    let store = app.store().await;
    let [ann, ben, cat] = [ann, ben, cat].map(|person| UserId(person.id));
    let start = Millis::now();
    let node = store.presence().register_node(start).await.unwrap();
    store
        .presence()
        .set_online(node, &[ann, ben, cat])
        .await
        .unwrap();
    let gone = Millis(start.0 + 5);
    store.presence().set_offline(&[(cat, gone)]).await.unwrap();
    let alive = Millis(start.0 + A_WHILE / 2);
    store.presence().touch_node(node, alive).await.unwrap();
    let statuses = store.presence().load_statuses(&[ann]).await.unwrap();
    assert_eq!(statuses, [(ann, PresenceRecord::ONLINE)]);
    // The process dies here, and another one starts.
    let now = Millis(start.0 + A_WHILE);
    store.presence().register_node(now).await.unwrap();
    let mut statuses = store
        .presence()
        .load_statuses(&[ann, ben, cat])
        .await
        .unwrap();
    statuses.sort_unstable_by_key(|(user, _)| *user);
    let seen = PresenceRecord::offline_since(alive);
    assert_eq!(
        statuses,
        [
            (ann, seen),
            (ben, seen),
            (cat, PresenceRecord::offline_since(gone))
        ]
    );
    store.close().await;
}

#[tokio::test]
async fn restart_takes_users_offline() {
    let mut app = without_grace().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let mut there = ben.socket("/ws/").await;
    let _here = ann.socket("/ws/").await;
    statuses_until(&mut there, "+ann").await;
    let before = Millis::now();
    app.restart().await;
    let seen = ben.get("/api/users/ann/").await.expect(200);
    assert_eq!(seen["is_online"], json!(false));
    let at: jiff::Timestamp = seen["last_seen"].as_str().unwrap().parse().unwrap();
    assert!((before.0..=Millis::now().0).contains(&at.as_millisecond()));
    let mut there = ben.socket("/ws/").await;
    let _here = ann.socket("/ws/").await;
    assert_eq!(statuses_until(&mut there, "+ann").await, ["+ann"]);
}

/// Guards users who went offline and came back after the process last reported
/// that it was alive: their `last_seen` must not become earlier.
#[tokio::test]
async fn last_seen_never_becomes_earlier() {
    let mut app = without_grace().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    app.stop().await;
    let store = app.store().await;
    let [ann, ben] = [ann, ben].map(|person| UserId(person.id));
    let alive = Millis::now();
    let node = store.presence().register_node(alive).await.unwrap();
    store
        .presence()
        .set_online(node, &[ann, ben])
        .await
        .unwrap();
    let gone = Millis(alive.0 + A_WHILE / 4);
    store.presence().set_offline(&[(ann, gone)]).await.unwrap();
    store.presence().set_online(node, &[ann]).await.unwrap();
    store
        .presence()
        .register_node(Millis(alive.0 + A_WHILE))
        .await
        .unwrap();
    let mut statuses = store.presence().load_statuses(&[ann, ben]).await.unwrap();
    statuses.sort_unstable_by_key(|(user, _)| *user);
    assert_eq!(
        statuses,
        [
            (ann, PresenceRecord::offline_since(gone)),
            (ben, PresenceRecord::offline_since(alive))
        ]
    );
    store.close().await;
}
