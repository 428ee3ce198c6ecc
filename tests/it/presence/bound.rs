//! Presence on sockets that are bound to a conversation.

use super::{statuses_until, without_grace};
use crate::groups::crew::{friends, make};

#[tokio::test]
async fn bound_socket_receives_members_status_only() {
    let app = without_grace().await;
    let people = friends(&app, &["ann", "ben", "cat"]).await;
    let (ann, ben, cat) = (&people[0], &people[1], &people[2]);
    let id = ann.open_direct_used(ben).await;
    let mut bound = [ann.chat_socket(id).await, ann.socket("/ws/chat/ben/").await];
    let mut news = ann.socket("/ws/notifications/").await;
    let _cat = cat.socket("/ws/").await;
    assert_eq!(statuses_until(&mut news, "+cat").await, ["+cat"]);
    let there = ben.socket("/ws/").await;
    assert_eq!(statuses_until(&mut news, "+ben").await, ["+ben"]);
    drop(there);
    assert_eq!(statuses_until(&mut news, "-ben").await, ["-ben"]);
    for socket in &mut bound {
        assert_eq!(
            statuses_until(socket, "-ben").await,
            ["+ben", "-ben"],
            "once"
        );
    }
}

#[tokio::test]
async fn group_socket_receives_status_of_strangers() {
    let app = without_grace().await;
    let people = friends(&app, &["ann", "ben", "cat", "dan"]).await;
    let made = make(&people[0], "Crew", &["ben", "cat"]).await.expect(201);
    let id = made["id"].as_i64().unwrap();
    let mut anns = people[0].chat_socket(id).await;
    let mut bens = people[1].chat_socket(id).await;
    assert_eq!(statuses_until(&mut anns, "+ben").await, ["+ben"]);
    let _dan = people[3].socket("/ws/").await;
    let mut news = people[0].socket("/ws/").await;
    let _cat = people[2].socket("/ws/").await;
    // Ben and Cat are strangers; Dan is connected with Ann but not in the
    // group.
    assert_eq!(statuses_until(&mut anns, "+cat").await, ["+cat"]);
    let mut statuses = statuses_until(&mut bens, "+cat").await;
    statuses.retain(|name| name != "+ann");
    assert_eq!(statuses, ["+cat"]);
    statuses_until(&mut news, "+cat").await;
}
