//! Presence among connected users.

use serde_json::{Value, json};

use super::{statuses_until, without_grace};
use crate::support::{TestUser, redact};

fn assert_status(name: &str, frame: Value) {
    let settings = redact::status_settings();
    settings.bind(|| insta::assert_json_snapshot!(name, frame));
}

/// Returns the presence of `other` from each endpoint that has it.
async fn read(person: &TestUser, other: &TestUser, conversation: i64) -> Vec<Value> {
    let profile = person.get(&format!("/api/users/{}/", other.username)).await;
    let status = format!("/messages/status/{}/", other.username);
    let status = person.get(&status).await;
    let seen = person.conversation(conversation).await;
    let people = seen["participants"].as_array().unwrap().iter();
    let them = people.filter(|one| one["user"]["id"] == other.id);
    let found = [profile.expect(200), status.expect(200)];
    let found = found.into_iter().chain(them.cloned());
    found
        .map(|one| json!([one["is_online"], one["last_seen"]]))
        .collect()
}

#[tokio::test]
async fn connected_user_receives_status_changes() {
    let app = without_grace().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let mut all = ben.socket("/ws/").await;
    let mut news = ben.socket("/ws/notifications/").await;
    for _ in 0..2 {
        let here = ann.socket("/ws/").await;
        let came = all.expect_status().await;
        assert_eq!(news.expect_status().await, came);
        assert_status("user_status_online", came);
        let read_online = read(&ben, &ann, id).await;
        assert_eq!(read_online, vec![json!([true, null]); 3]);
        drop(here);
        let went = all.expect_status().await;
        assert_eq!(news.expect_status().await, went);
        assert_status("user_status_offline", went.clone());
        let read_offline = read(&ben, &ann, id).await;
        assert_eq!(read_offline, vec![json!([false, went["last_seen"]]); 3]);
    }
    all.expect_nothing_until_pong().await;
    assert!(all.take_statuses().is_empty(), "each status was sent once");
}

#[tokio::test]
async fn strangers_and_requesters_receive_no_status() {
    let app = without_grace().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let (cat, zoe) = app.register_connected("cat", "zoe").await;
    let dan = app.register_user("dan").await;
    dan.connect_with(&zoe).await;
    dan.request_connection(&ann).await.expect(201);
    let mut friend = ben.socket("/ws/").await;
    let mut stranger = cat.socket("/ws/").await;
    let mut asker = dan.socket("/ws/").await;
    let _here = ann.socket("/ws/").await;
    assert_eq!(statuses_until(&mut friend, "+ann").await, ["+ann"]);
    let _there = zoe.socket("/ws/").await;
    assert_eq!(statuses_until(&mut stranger, "+zoe").await, ["+zoe"]);
    assert_eq!(statuses_until(&mut asker, "+zoe").await, ["+zoe"]);
}

#[tokio::test]
async fn user_receives_no_own_status() {
    let app = without_grace().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let mut here = ann.socket("/ws/").await;
    let mut news = ann.socket("/ws/notifications/").await;
    let there = ben.socket("/ws/").await;
    for socket in [&mut here, &mut news] {
        assert_eq!(statuses_until(socket, "+ben").await, ["+ben"]);
    }
    drop(there);
    assert_eq!(statuses_until(&mut here, "-ben").await, ["-ben"]);
}
