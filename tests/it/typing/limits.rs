//! Typing that isn't sent: in large rooms, by non-members, and above the rate
//! limit.

use serde_json::json;

use super::{next_typing, types, typing};
use crate::groups::crew::{group, invite, leave};
use crate::groups::largest_group::fill;
use crate::support::TestApp;

#[tokio::test]
async fn typing_is_limited_to_100_members() {
    for people_in_all in [100, 101] {
        let app = TestApp::spawn().await;
        let (id, people) = group(&app, &["ann", "ben"]).await;
        fill(&app, id, people_in_all - 2).await;
        let mut anns = people[0].chat_socket(id).await;
        let mut bens = people[1].chat_socket(id).await;
        types(&mut anns, id, true).await;
        anns.expect_nothing_until_pong().await;
        // A Room handles the requests of a session in order.
        anns.send_text("Hello").await;
        if people_in_all == 100 {
            assert_eq!(next_typing(&mut bens).await, typing("ann", true));
        }
        bens.expect_message().await;
    }
}

/// An indicator that was sent before the room became too large must still end,
/// by a frame or by its timeout. No new one starts.
#[tokio::test]
async fn typing_ends_after_room_exceeds_100() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cas"]).await;
    fill(&app, id, 97).await;
    let eve = app.register_user("eve").await;
    people[0].connect_with(&eve).await;
    let mut anns = people[0].chat_socket(id).await;
    let mut bens = people[1].chat_socket(id).await;
    let mut cass = people[2].chat_socket(id).await;
    for (typist, name) in [(&mut anns, "ann"), (&mut bens, "ben")] {
        types(typist, id, true).await;
        assert_eq!(next_typing(&mut cass).await, typing(name, true));
    }
    invite(&people[0], id, "eve").await.expect(201);
    for kind in ["conversation", "message"] {
        cass.expect(kind).await;
    }
    // A repeated start neither restarts nor prolongs the indicator.
    types(&mut anns, id, true).await;
    types(&mut anns, id, false).await;
    assert_eq!(next_typing(&mut cass).await, typing("ann", false));
    // Ben sends no stop, so his indicator ends by its timeout.
    assert_eq!(next_typing(&mut cass).await, typing("ben", false));
    let mut eves = eve.chat_socket(id).await;
    types(&mut eves, id, true).await;
    types(&mut anns, id, true).await;
    types(&mut anns, id, false).await;
    eves.send_text("Hello").await;
    anns.send_text("Hello, Eve").await;
    for _ in 0..2 {
        cass.expect_message().await;
    }
    // With 100 members again, typing is sent again.
    leave(&eve, id).await.expect(200);
    for kind in ["conversation", "message"] {
        cass.expect(kind).await;
    }
    types(&mut anns, id, true).await;
    assert_eq!(next_typing(&mut cass).await, typing("ann", true));
}

#[tokio::test]
async fn typing_by_non_member_is_refused() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    let stranger = app.register_user("cas").await;
    let mut anns = people[0].chat_socket(id).await;
    let mut socket = stranger.socket("/ws/").await;
    for id in [id, 4_000_000_000] {
        types(&mut socket, id, true).await;
        let refused = socket.expect_error("not_found").await;
        assert_eq!(refused["conversation_id"], id);
    }
    let mut bens = people[1].socket("/ws/").await;
    leave(&people[1], id).await.expect(200);
    bens.expect("conversation_removed").await;
    types(&mut bens, id, true).await;
    bens.expect_error("not_a_participant").await;
    anns.expect("conversation").await;
    anns.expect("message").await;
    anns.expect_nothing_until_pong().await;
}

#[tokio::test]
async fn typing_is_refused_after_connection_ended() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let connection = ann.connect_with(&ben).await;
    let id = ann.open_direct_used(&ben).await;
    let (mut anns, mut bens) = (ann.chat_socket(id).await, ben.chat_socket(id).await);
    types(&mut anns, id, true).await;
    assert_eq!(next_typing(&mut bens).await, typing("ann", true));
    // The indicator ends with the connection.
    let ended = format!("/api/connections/{connection}/");
    ann.delete(&ended).await.expect(204);
    assert_eq!(next_typing(&mut bens).await, typing("ann", false));
    types(&mut anns, id, true).await;
    anns.expect_error("not_connected").await;
    bens.expect_nothing_until_pong().await;
}

/// The server forwards only the first ten starts, and the stops that end them.
#[tokio::test]
async fn excess_typing_is_dropped_silently() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    let mut anns = people[0].chat_socket(id).await;
    let mut bens = people[1].chat_socket(id).await;
    for _ in 0..100 {
        for is_typing in [true, false] {
            types(&mut anns, id, is_typing).await;
        }
    }
    anns.expect_nothing_until_pong().await;
    people[0].send(id, "That was it.").await.expect(201);
    let mut starts = 0;
    loop {
        let frame = bens.next().await;
        if frame["type"] == "message" {
            break;
        }
        assert_eq!(super::as_typing(&frame), typing("ann", true));
        assert_eq!(next_typing(&mut bens).await, typing("ann", false));
        starts += 1;
    }
    assert!((10..100).contains(&starts), "{starts} of 100");
}

#[tokio::test]
async fn invalid_typing_frame_is_refused() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    let mut socket = people[0].chat_socket(id).await;
    for frame in [
        json!({ "type": "typing" }),
        json!({ "type": "typing", "is_typing": "yes" }),
    ] {
        socket.send(frame).await;
        socket.expect_error("invalid").await;
    }
}
