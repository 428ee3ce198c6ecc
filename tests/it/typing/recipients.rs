//! Recipients of typing indicators.

use super::{next_typing, types, typing};
use crate::groups::crew::group;
use crate::support::TestApp;
use crate::support::redact::assert_wire;

#[tokio::test]
async fn typing_reaches_other_members_sockets() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cas"]).await;
    let aside = people[0].open_direct_used(&people[1]).await;
    let elsewhere = people[1].log_in_again().await;
    let mut anns = people[0].chat_socket(id).await;
    let mut recipients = [
        people[1].chat_socket(id).await,
        elsewhere.socket("/ws/").await,
        people[2].socket("/ws/").await,
    ];
    let mut others = [
        people[0].socket("/ws/").await,
        people[1].socket("/ws/notifications/").await,
        people[1].chat_socket(aside).await,
    ];
    for is_typing in [true, false] {
        types(&mut anns, id, is_typing).await;
        for socket in &mut recipients {
            let frame = socket.expect("typing").await;
            assert_eq!(super::as_typing(&frame), typing("ann", is_typing));
            assert_eq!(frame["conversation_id"], id);
            if is_typing {
                assert_wire!("typing", frame);
            }
        }
    }
    anns.expect_nothing_until_pong().await;
    for socket in &mut others {
        socket.expect_nothing_until_pong().await;
    }
}

#[tokio::test]
async fn typing_is_sent_on_change_only() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    let mut anns = people[0].chat_socket(id).await;
    let mut bens = people[1].chat_socket(id).await;
    types(&mut anns, id, false).await;
    for is_typing in [true, true, true, false, false] {
        types(&mut anns, id, is_typing).await;
    }
    anns.expect_nothing_until_pong().await;
    assert_eq!(next_typing(&mut bens).await, typing("ann", true));
    assert_eq!(next_typing(&mut bens).await, typing("ann", false));
    bens.expect_nothing_until_pong().await;
}

#[tokio::test]
async fn sessions_of_one_typist_are_merged() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    let mut here = people[0].chat_socket(id).await;
    let mut there = people[0].log_in_again().await.socket("/ws/").await;
    let mut bens = people[1].socket("/ws/").await;
    types(&mut here, id, true).await;
    assert_eq!(next_typing(&mut bens).await, typing("ann", true));
    types(&mut there, id, true).await;
    there.expect_nothing_until_pong().await;
    types(&mut here, id, false).await;
    here.expect_nothing_until_pong().await;
    bens.expect_nothing_until_pong().await;
    types(&mut there, id, false).await;
    assert_eq!(next_typing(&mut bens).await, typing("ann", false));
}

#[tokio::test]
async fn concurrent_typists_are_sent_by_name() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cas"]).await;
    let mut anns = people[0].chat_socket(id).await;
    let mut bens = people[1].chat_socket(id).await;
    let mut cass = people[2].chat_socket(id).await;
    types(&mut anns, id, true).await;
    assert_eq!(next_typing(&mut cass).await, typing("ann", true));
    types(&mut bens, id, true).await;
    assert_eq!(next_typing(&mut cass).await, typing("ben", true));
    assert_eq!(next_typing(&mut anns).await, typing("ben", true));
    types(&mut anns, id, false).await;
    assert_eq!(next_typing(&mut cass).await, typing("ann", false));
    cass.expect_nothing_until_pong().await;
}

/// Typing isn't stored.
#[tokio::test]
async fn typing_takes_no_version() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    let before = people[1].conversation(id).await;
    let mut anns = people[0].chat_socket(id).await;
    let mut bens = people[1].chat_socket(id).await;
    types(&mut anns, id, true).await;
    next_typing(&mut bens).await;
    let now = people[1].conversation(id).await;
    assert_eq!(now["version"], before["version"]);
}
