//! Rule 3: what was judged on stale knowledge isn't written, and whoever is
//! removed is told nothing from that very version on.

use serde_json::{Value, json};

use super::crew::{group, invite, remove, seqs};
use crate::support::{Person, Socket, TestApp, TokenBy};

/// Messages that each of the others sends meanwhile.
const EACH: usize = 150;

async fn floods(person: Person, id: i64) {
    let mut socket = person.chat_socket(id).await;
    for at in 0..EACH {
        socket.say(&format!("{} {at}", person.username)).await;
    }
    let mut mine = 0;
    while mine < EACH {
        let frame = socket.next().await;
        assert_ne!(frame["type"], "error", "{frame}");
        let sender = &frame["message"]["sender"]["username"];
        mine += usize::from(frame["type"] == "message" && *sender == person.username);
    }
}

/// What the removed person says meanwhile: how many of it were taken.
async fn keeps_talking(person: Person, id: i64) -> usize {
    let mut taken = 0;
    loop {
        let answer = person.send(id, "Am I still here?").await;
        match answer.status {
            201 => taken += 1,
            _ => {
                answer.refused(403, "not_a_participant");
                return taken;
            }
        }
    }
}

/// All frames up to the one that says that it is over.
async fn until_removed(socket: &mut Socket) -> Vec<Value> {
    let mut frames = Vec::new();
    loop {
        let frame = socket.next().await;
        if frame["type"] == "conversation_removed" {
            return frames;
        }
        frames.push(frame);
    }
}

/// The versions that frames tell of; each once, in order, without a gap.
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

async fn removal(person: &Person, id: i64) -> i64 {
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

/// Guards the race of a removal with what others, and the removed person,
/// have under way at that moment.
#[tokio::test]
async fn from_the_removal_on_the_removed_hear_nothing() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cas", "dan"]).await;
    let ben = people[1].clone();
    let mut bound = ben.chat_socket(id).await;
    let mut unbound = ben.socket("/ws/").await;
    let others = [people[0].clone(), people[2].clone(), people[3].clone()];
    let floods = others.map(|person| tokio::spawn(floods(person, id)));
    let talk = tokio::spawn(keeps_talking(ben.clone(), id));
    // In the middle of it: once ben has heard a good part.
    let mut heard = Vec::new();
    while heard.len() < EACH {
        heard.push(bound.next().await);
    }
    assert_eq!(remove(&people[0], id, "ben").await.status, 204);
    for flood in floods {
        flood.await.unwrap();
    }
    let taken = talk.await.unwrap();
    heard.extend(until_removed(&mut bound).await);
    assert_eq!(bound.expect_close().await, 1000);
    let elsewhere = until_removed(&mut unbound).await;
    unbound.expect_nothing_until_pong().await;

    let removal = removal(&people[0], id).await;
    assert_eq!(versions(&heard, 1), removal - 1, "all before it");
    assert_eq!(versions(&elsewhere, 1), removal - 1, "and nothing after");
    let mine = heard.iter();
    let mine = mine.filter(|frame| frame["message"]["sender"]["username"] == "ben");
    assert_eq!(mine.count(), taken, "what was taken was before it");
    let seen = people[1].conversation(id).await;
    assert_eq!(
        (&seen["version"], &seen["last_seq"]),
        (&json!(removal), &json!(removal - 1))
    );
}

/// Guards the race of somebody who comes and goes with what is said: they
/// hear what was said while they were in, and nothing else.
#[tokio::test]
async fn who_comes_and_goes_hears_each_stretch_and_nothing_between() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cas"]).await;
    let mut socket = people[1].socket("/ws/").await;
    let flood = tokio::spawn(floods(people[2].clone(), id));
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
        assert!(version > last + 1, "the removal itself is none of theirs");
        assert_eq!(
            seqs(&people[1], id).await[0],
            version,
            "and what was before is gone"
        );
        last = version;
    }
    flood.await.unwrap();
}

/// Guards the race of a socket that opens just as its person is removed: the
/// door was still open, but there is nothing behind it any more.
#[tokio::test]
async fn no_bound_socket_outlives_a_removal() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    for _ in 0..20 {
        let path = format!("/ws/chat/{id}/");
        let (opened, removed) = tokio::join!(
            Socket::try_open(&people[1], &path, TokenBy::Bearer),
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
