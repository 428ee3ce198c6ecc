//! Presence among members of a conversation.

use super::{statuses_until, without_grace};
use crate::groups::crew::{group, leave, remove};
use crate::groups::largest_group::fill;

#[tokio::test]
async fn group_sends_status_to_strangers() {
    let app = without_grace().await;
    let (_id, people) = group(&app, &["ann", "ben", "cat"]).await;
    let mut watcher = people[1].socket("/ws/").await;
    let here = people[2].socket("/ws/").await;
    assert_eq!(statuses_until(&mut watcher, "+cat").await, ["+cat"]);
    drop(here);
    assert_eq!(statuses_until(&mut watcher, "-cat").await, ["-cat"]);
}

#[tokio::test]
async fn former_member_exchanges_no_status() {
    let app = without_grace().await;
    let (id, people) = group(&app, &["ann", "ben", "cat"]).await;
    leave(&people[1], id).await.expect(200);
    let mut left = people[1].socket("/ws/").await;
    let mut stayed = people[2].socket("/ws/").await;
    // Both are connected with Ann.
    let mut ann = people[0].socket("/ws/").await;
    assert_eq!(statuses_until(&mut left, "+ann").await, ["+ann"]);
    assert_eq!(statuses_until(&mut stayed, "+ann").await, ["+ann"]);
    drop(left);
    statuses_until(&mut ann, "-ben").await;
    drop(ann);
    assert_eq!(statuses_until(&mut stayed, "-ann").await, ["-ann"]);
}

#[tokio::test]
async fn group_over_100_sends_no_status() {
    let app = without_grace().await;
    let (id, people) = group(&app, &["ann", "ben", "cat", "dan"]).await;
    fill(&app, id, 97).await;
    let (ann, ben) = (&people[0], &people[1]);
    assert_eq!(ben.conversation(id).await["participant_count"], 101);
    let mut all = ben.socket("/ws/").await;
    let mut bound = ben.chat_socket(id).await;
    let _cat = people[2].socket("/ws/").await;
    let _ann = ann.socket("/ws/").await;
    assert_eq!(statuses_until(&mut all, "+ann").await, ["+ann"]);
    let seen = ben.conversation(id).await;
    let named = seen["participants"].as_array().unwrap().iter();
    let named: Vec<_> = named.map(|one| (&one["role"], &one["is_online"])).collect();
    assert_eq!(named.len(), 2, "the reader and the owner");
    assert!(
        named
            .iter()
            .all(|(role, online)| *role == "member" || online.is_null())
    );
    // With 100 members, presence is sent again.
    assert_eq!(remove(ann, id, "crowd7").await.status, 204);
    let _dan = people[3].socket("/ws/").await;
    for socket in [&mut all, &mut bound] {
        socket.expect("conversation").await;
        socket.expect_message().await;
        assert_eq!(statuses_until(socket, "+dan").await, ["+dan"]);
    }
}
