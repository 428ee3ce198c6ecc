//! Rule 3 of ARCHITECTURE.md: an append checked against outdated membership
//! isn't written, and a removed member receives nothing from the removal's
//! version on.

use serde_json::{Value, json};

use super::crew::{group, invite, remove, seqs};
use crate::support::{TestApp, TestSocket, TestUser, TokenTransport};

/// Number of messages that each of the other members sends.
const EACH: usize = 150;

async fn sends_many(person: TestUser, id: i64) {
    let mut socket = person.chat_socket(id).await;
    for at in 0..EACH {
        socket.send_text(&format!("{} {at}", person.username)).await;
    }
    let mut mine = 0;
    while mine < EACH {
        let frame = socket.next().await;
        assert_ne!(frame["type"], "error", "{frame}");
        let sender = &frame["message"]["sender"]["username"];
        mine += usize::from(frame["type"] == "message" && *sender == person.username);
    }
}

/// Sends as the removed member until refused; returns the number of accepted
/// messages.
async fn keeps_talking(person: TestUser, id: i64) -> usize {
    let mut taken = 0;
    loop {
        let answer = person.send(id, "Am I still here?").await;
        match answer.status {
            201 => taken += 1,
            _ => {
                answer.expect_problem(403, "not_a_participant");
                return taken;
            }
        }
    }
}

/// Returns all frames before `conversation_removed`.
async fn until_removed(socket: &mut TestSocket) -> Vec<Value> {
    let mut frames = Vec::new();
    loop {
        let frame = socket.next().await;
        if frame["type"] == "conversation_removed" {
            return frames;
        }
        frames.push(frame);
    }
}

/// Checks that message versions are contiguous after `from`; returns the last.
fn versions(frames: &[Value], from: i64) -> i64 {
    let messages = frames.iter().filter(|frame| frame["type"] == "message");
    let mut last = from;
    for message in messages {
        let version = message["message"]["version"].as_i64().unwrap();
        assert_eq!(version, last + 1, "{message}");
        last = version;
    }
    last
}

async fn removal(person: &TestUser, id: i64) -> i64 {
    let mut path = format!("/api/conversations/{id}/messages/?limit=100");
    loop {
        let page = person.get(&path).await;
        let older = page.link("prev");
        let page = page.expect(200);
        let mut messages = page.as_array().unwrap().iter();
        if let Some(found) = messages.find(|message| message["event"]["type"] == "removed") {
            return found["version"].as_i64().unwrap();
        }
        path = older.expect("a removal");
    }
}

/// Guards the race of a removal with messages in progress, by the removed
/// member and by others.
#[tokio::test]
async fn removed_member_receives_nothing_after_removal() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cas", "dan"]).await;
    let ben = people[1].clone();
    let mut bound = ben.chat_socket(id).await;
    let mut unbound = ben.socket("/ws/").await;
    let others = [people[0].clone(), people[2].clone(), people[3].clone()];
    let floods = others.map(|person| tokio::spawn(sends_many(person, id)));
    let talk = tokio::spawn(keeps_talking(ben.clone(), id));
    // Remove ben only after enough messages have arrived at his socket.
    let mut received = Vec::new();
    while received.len() < EACH {
        received.push(bound.next().await);
    }
    assert_eq!(remove(&people[0], id, "ben").await.status, 204);
    for flood in floods {
        flood.await.unwrap();
    }
    let taken = talk.await.unwrap();
    received.extend(until_removed(&mut bound).await);
    assert_eq!(bound.expect_close().await, 1000);
    let elsewhere = until_removed(&mut unbound).await;
    unbound.expect_nothing_until_pong().await;

    let removal = removal(&people[0], id).await;
    assert_eq!(
        versions(&received, 1),
        removal - 1,
        "each version before the removal"
    );
    assert_eq!(
        versions(&elsewhere, 1),
        removal - 1,
        "no version after the removal"
    );
    let mine = received.iter();
    let mine = mine.filter(|frame| frame["message"]["sender"]["username"] == "ben");
    assert_eq!(
        mine.count(),
        taken,
        "each accepted message is before the removal"
    );
    let seen = people[1].conversation(id).await;
    assert_eq!(
        (&seen["version"], &seen["last_seq"]),
        (&json!(removal), &json!(removal - 1))
    );
}

/// Guards the race of repeated removals with messages: the member receives
/// exactly the messages sent during membership.
#[tokio::test]
async fn member_receives_messages_of_membership_only() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cas"]).await;
    let mut socket = people[1].socket("/ws/").await;
    let flood = tokio::spawn(sends_many(people[2].clone(), id));
    let mut last = 1;
    for _ in 0..5 {
        assert_eq!(remove(&people[0], id, "ben").await.status, 204);
        last = versions(&until_removed(&mut socket).await, last);
        invite(&people[0], id, "ben").await.expect(201);
        let shown = socket.expect("conversation").await;
        assert_eq!(shown["conversation"]["left"], false);
        let back = socket.expect_message().await;
        assert_eq!(back["event"]["type"], "invited");
        let version = back["version"].as_i64().unwrap();
        assert!(
            version > last + 1,
            "the removal's own message isn't sent to them"
        );
        assert_eq!(
            seqs(&people[1], id).await[0],
            version,
            "earlier messages aren't visible"
        );
        last = version;
    }
    flood.await.unwrap();
}

/// Guards the race of a handshake with a removal: the handshake passed its
/// check, but the user is no longer a member.
#[tokio::test]
async fn bound_socket_is_closed_by_removal() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    for _ in 0..20 {
        let path = format!("/ws/chat/{id}/");
        let (opened, removed) = tokio::join!(
            TestSocket::try_open(&people[1], &path, TokenTransport::Bearer),
            remove(&people[0], id, "ben")
        );
        assert_eq!(removed.status, 204);
        if let Some(mut socket) = opened {
            let mut kinds = Vec::new();
            let code = loop {
                match socket.next_or_close().await {
                    Ok(frame) => kinds.push(frame["type"].as_str().unwrap().to_owned()),
                    Err(code) => break code,
                }
            };
            assert_eq!(code, 1000);
            assert_eq!(kinds, ["hello", "conversation_removed"]);
        }
        invite(&people[0], id, "ben").await.expect(201);
    }
}
