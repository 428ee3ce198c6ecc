//! Effects of deletions, edits, system messages and membership on unread
//! counts.

use reqwest::Method;
use serde_json::{Value, json};

use super::{next_unread, read_unread, total, unread};
use crate::groups::crew::{bring_back, group, invite, leave, patch, remove, rename, set_role};
use crate::receipts::has_read;
use crate::support::{TestApp, TestUser};

fn path(message: &Value) -> String {
    format!(
        "/api/conversations/{}/messages/{}/",
        message["conversation_id"], message["id"]
    )
}

async fn delete(person: &TestUser, message: &Value) {
    assert_eq!(person.delete(&path(message)).await.status, 204);
}

#[tokio::test]
async fn deleted_message_is_not_unread() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cas", "dan"]).await;
    let mut sent = Vec::new();
    for text in ["One", "Two", "Three"] {
        sent.push(people[0].send(id, text).await.expect(201));
    }
    has_read(&people[1], &sent[1]).await;
    has_read(&people[2], &sent[2]).await;
    let mut sockets = Vec::new();
    for person in &people {
        sockets.push(person.socket("/ws/").await);
    }
    delete(&people[0], &sent[1]).await;
    assert_eq!(
        next_unread(&mut sockets[3]).await,
        (2, 2),
        "dan has read none"
    );
    for socket in &mut sockets[..3] {
        assert_eq!(read_unread(socket).await, [], "it was not unread for them");
    }
    delete(&people[0], &sent[2]).await;
    assert_eq!(next_unread(&mut sockets[1]).await, (0, 0));
    assert_eq!(next_unread(&mut sockets[3]).await, (1, 1));
    for at in [0, 2] {
        assert_eq!(read_unread(&mut sockets[at]).await, []);
    }
    // Deleting the message again changes no count. The next message adds one to
    // the count of every member but its sender.
    delete(&people[0], &sent[2]).await;
    people[0].send(id, "Four").await.expect(201);
    for (socket, count) in sockets[1..].iter_mut().zip([1, 1, 2]) {
        assert_eq!(next_unread(socket).await, (count, count));
    }
    for (person, count) in people.iter().zip([0, 1, 1, 2]) {
        assert_eq!(
            (unread(person, id).await, total(person).await),
            (count, count)
        );
    }
}

/// The group's owner deletes a member's message that another member hasn't
/// read.
#[tokio::test]
async fn message_deleted_by_owner_is_uncounted() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cas"]).await;
    let sent = people[1].send(id, "Nonsense").await.expect(201);
    let mut cass = people[2].socket("/ws/").await;
    assert_eq!(cass.hello["total_unread"], 1);
    delete(&people[0], &sent).await;
    assert_eq!(next_unread(&mut cass).await, (0, 0));
    assert_eq!(total(&people[0]).await, 0);
}

#[tokio::test]
async fn edits_and_system_messages_are_uncounted() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cas"]).await;
    let dan = app.register_user("dan").await;
    people[0].connect_with(&dan).await;
    let sent = people[0].send(id, "Tea?").await.expect(201);
    let mut bens = people[1].socket("/ws/").await;
    let body = json!({ "text": "Coffee?" });
    patch(&people[0], &path(&sent), body).await.expect(200);
    let emoji = format!("{}reactions/👍/", path(&sent));
    let react = people[2].site.request(Method::PUT, &emoji);
    let react = react.bearer_auth(&people[2].token);
    people[2].site.send(react).await.expect(200);
    rename(&people[0], id, "Crew of tea").await.expect(200);
    invite(&people[0], id, "dan").await.expect(201);
    set_role(&people[0], id, "dan", "admin").await.expect(200);
    remove(&people[0], id, "cas").await.expect(204);
    assert_eq!(read_unread(&mut bens).await, []);
    assert_eq!(
        (unread(&people[1], id).await, total(&people[1]).await),
        (1, 1)
    );
    assert_eq!((unread(&dan, id).await, total(&dan).await), (0, 0));
    // A read marker on a system message covers all messages before it.
    let last = people[1].history(id).await.pop().unwrap();
    assert_eq!(last["kind"], "system");
    has_read(&people[1], &last).await;
    assert_eq!(next_unread(&mut bens).await, (0, 0));
}

#[tokio::test]
async fn rejoined_member_starts_at_zero() {
    let app = TestApp::spawn().await;
    for how in ["left", "removed"] {
        let names = ["ann", "ben"].map(|name| format!("{name}-{how}"));
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (id, people) = group(&app, &names).await;
        let direct = people[0].open_direct_used(&people[1]).await;
        people[0].send(id, "One").await.expect(201);
        people[0].send(id, "Two").await.expect(201);
        let mut bens = people[1].socket("/ws/").await;
        assert_eq!(bens.hello["total_unread"], 3);
        match how {
            "left" => leave(&people[1], id).await.expect(200),
            _ => remove(&people[0], id, names[1]).await.expect(204),
        };
        let told = read_unread(&mut bens).await;
        assert_eq!(told.last().unwrap().1, 1, "{told:?}");
        assert_eq!(total(&people[1]).await, 1);
        people[0].send(id, "Without ben").await.expect(201);
        assert_eq!(read_unread(&mut bens).await, []);
        match how {
            "left" => bring_back(&people[0], id, &people[1]).await,
            _ => drop(invite(&people[0], id, names[1]).await.expect(201)),
        }
        people[0].send(id, "Welcome back").await.expect(201);
        assert_eq!(next_unread(&mut bens).await, (1, 2), "{how}");
        let seen = (
            unread(&people[1], id).await,
            unread(&people[1], direct).await,
        );
        assert_eq!((seen, total(&people[1]).await), ((1, 1), 2));
    }
}
