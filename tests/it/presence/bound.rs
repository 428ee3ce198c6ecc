//! Sockets that are bound to a conversation.

use super::{heard_until, without_grace};
use crate::groups::crew::{friends, make};

#[tokio::test]
async fn a_bound_socket_hears_of_its_conversations_people_only() {
    let app = without_grace().await;
    let people = friends(&app, &["ann", "ben", "cat"]).await;
    let (ann, ben, cat) = (&people[0], &people[1], &people[2]);
    let id = ann.talk_with(ben).await;
    let mut bound = [ann.chat_socket(id).await, ann.socket("/ws/chat/ben/").await];
    let mut news = ann.socket("/ws/notifications/").await;
    let _cat = cat.socket("/ws/").await;
    assert_eq!(heard_until(&mut news, "+cat").await, ["+cat"]);
    let there = ben.socket("/ws/").await;
    assert_eq!(heard_until(&mut news, "+ben").await, ["+ben"]);
    drop(there);
    assert_eq!(heard_until(&mut news, "-ben").await, ["-ben"]);
    for socket in &mut bound {
        assert_eq!(heard_until(socket, "-ben").await, ["+ben", "-ben"], "once");
    }
}

#[tokio::test]
async fn a_group_s_socket_hears_of_all_its_people() {
    let app = without_grace().await;
    let people = friends(&app, &["ann", "ben", "cat", "dan"]).await;
    let made = make(&people[0], "Crew", &["ben", "cat"]).await.expect(201);
    let id = made["id"].as_i64().unwrap();
    let mut anns = people[0].chat_socket(id).await;
    let mut bens = people[1].chat_socket(id).await;
    assert_eq!(heard_until(&mut anns, "+ben").await, ["+ben"]);
    let _dan = people[3].socket("/ws/").await;
    let mut news = people[0].socket("/ws/").await;
    let _cat = people[2].socket("/ws/").await;
    // Ben and Cat are strangers; Dan is only a friend.
    assert_eq!(heard_until(&mut anns, "+cat").await, ["+cat"]);
    let mut heard = heard_until(&mut bens, "+cat").await;
    heard.retain(|name| name != "+ann");
    assert_eq!(heard, ["+cat"]);
    heard_until(&mut news, "+cat").await;
}
