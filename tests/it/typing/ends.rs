//! How a typing indicator ends.

use std::time::{Duration, Instant};

use super::{next_typing, types, typing};
use crate::groups::crew::{group, leave};
use crate::support::TestApp;

#[tokio::test]
async fn typing_ends_after_six_seconds() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    let mut anns = people[0].chat_socket(id).await;
    let mut bens = people[1].chat_socket(id).await;
    let start = Instant::now();
    types(&mut anns, id, true).await;
    assert_eq!(next_typing(&mut bens).await, typing("ann", true));
    assert_eq!(next_typing(&mut bens).await, typing("ann", false));
    let held = start.elapsed();
    assert!(held >= Duration::from_secs(6), "{held:?}");
    // The indicator can start again.
    types(&mut anns, id, true).await;
    assert_eq!(next_typing(&mut bens).await, typing("ann", true));
}

#[tokio::test]
async fn typing_ends_with_its_socket() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    let mut bens = people[1].chat_socket(id).await;
    for path in [format!("/ws/chat/{id}/"), "/ws/".to_owned()] {
        let start = Instant::now();
        let mut anns = people[0].socket(&path).await;
        types(&mut anns, id, true).await;
        assert_eq!(next_typing(&mut bens).await, typing("ann", true));
        drop(anns);
        assert_eq!(next_typing(&mut bens).await, typing("ann", false));
        let held = start.elapsed();
        assert!(
            held < Duration::from_secs(6),
            "{held:?}: not by its timeout"
        );
    }
}

/// An indicator continues while another session of the same user types.
#[tokio::test]
async fn typing_outlives_one_of_two_sockets() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    let mut bens = people[1].chat_socket(id).await;
    let mut here = people[0].chat_socket(id).await;
    let mut there = people[0].chat_socket(id).await;
    types(&mut here, id, true).await;
    assert_eq!(next_typing(&mut bens).await, typing("ann", true));
    types(&mut there, id, true).await;
    there.expect_nothing_until_pong().await;
    drop(here);
    types(&mut there, id, false).await;
    assert_eq!(next_typing(&mut bens).await, typing("ann", false));
    bens.expect_nothing_until_pong().await;
}

/// Any message of the typing user ends the indicator, even one sent over REST.
#[tokio::test]
async fn message_ends_typing_without_typing_frame() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    let mut anns = people[0].chat_socket(id).await;
    let mut bens = people[1].chat_socket(id).await;
    for _ in 0..2 {
        types(&mut anns, id, true).await;
        assert_eq!(next_typing(&mut bens).await, typing("ann", true));
        people[0].send(id, "Here it is.").await.expect(201);
        assert_eq!(bens.expect_message().await["text"], "Here it is.");
        bens.expect_nothing_until_pong().await;
        anns.expect_message().await;
        types(&mut anns, id, false).await;
        anns.expect_nothing_until_pong().await;
        bens.expect_nothing_until_pong().await;
    }
    types(&mut anns, id, true).await;
    assert_eq!(next_typing(&mut bens).await, typing("ann", true));
    people[1].send(id, "I can wait.").await.expect(201);
    bens.expect_message().await;
    bens.expect_nothing_until_pong().await;
}

#[tokio::test]
async fn typing_ends_with_membership() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    let mut bens = people[1].socket("/ws/").await;
    let mut anns = people[0].socket("/ws/").await;
    types(&mut bens, id, true).await;
    assert_eq!(next_typing(&mut anns).await, typing("ben", true));
    leave(&people[1], id).await.expect(200);
    assert_eq!(next_typing(&mut anns).await, typing("ben", false));
    anns.expect("conversation").await;
    anns.expect("message").await;
    bens.expect("conversation_removed").await;
    types(&mut bens, id, false).await;
    bens.expect_nothing_until_pong().await;
    anns.expect_nothing_until_pong().await;
}
