//! `/profile/{username}` and its forms, without scripts.

use serde_json::json;

use super::messages::at_the_list;
use crate::groups::crew::group;
use crate::people::block;
use crate::support::TestApp;

#[tokio::test]
async fn profile_forms_connect_and_block() {
    let app = TestApp::spawn().await;
    app.register_user("ann").await;
    app.register_user("ben").await;
    let (mut hers, _) = at_the_list(&app, "ann").await;
    let (mut his, _) = at_the_list(&app, "ben").await;
    let page = hers.get("/profile/Ben").await.expect(200);
    page.check_page();
    assert!(page.text.contains("You aren’t connected."));
    assert!(!page.text.contains("/messages/chat/ben/"));
    let asked = hers.submit("/profile/ben/ask", &[]).await.expect(303);
    assert_eq!(asked.location(), "/profile/ben");
    let page = hers.get("/profile/ben").await.expect(200);
    assert!(page.text.contains("Cancel request"));

    let page = his.get("/profile/ann").await.expect(200);
    assert!(page.text.contains("<bdi>ann</bdi> wants to connect."));
    his.submit("/profile/ann/accept", &[]).await.expect(303);
    let page = hers.get("/profile/ben").await.expect(200);
    assert!(page.text.contains("You are connected."));
    assert!(
        page.text
            .contains("href=\"/messages/chat/ben/\">Message</a>")
    );

    his.submit("/profile/ann/block", &[]).await.expect(303);
    let page = his.get("/profile/ann").await.expect(200);
    assert!(page.text.contains("You blocked <bdi>ann</bdi>") && page.text.contains("Unblock"));
    let page = hers.get("/profile/ben").await.expect(200);
    assert!(!page.text.contains("You blocked") && page.text.contains("You aren’t connected."));
    his.submit("/profile/ann/unblock", &[]).await.expect(303);
    let page = his.get("/profile/ann").await.expect(200);
    assert!(page.text.contains("You aren’t connected."));
}

/// The chat page of a user without a connection leads to the profile, whose
/// form has the act that is left to do.
#[tokio::test]
async fn chat_page_of_stranger_shows_profile() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let (mut hers, _) = at_the_list(&app, "ann").await;
    let mut expect_act = async |act: &str| {
        for path in ["/messages/chat/ben/", "/messages/chat/BEN"] {
            let led = hers.get(path).await.expect(303);
            assert_eq!(led.location(), "/profile/ben");
        }
        let page = hers.get("/profile/ben").await.expect(200);
        page.check_page();
        let act = format!("action=\"/profile/ben/{act}\"");
        assert!(page.text.contains(&act), "{act} in {}", page.text);
    };
    expect_act("ask").await;
    let asked = ann.request_connection(&ben).await.expect(201);
    expect_act("disconnect").await;
    ann.delete(&format!("/api/connections/{}/", asked["id"]))
        .await
        .expect(204);
    ben.request_connection(&ann).await.expect(201);
    expect_act("accept").await;
    block(&ann, &ben).await;
    expect_act("unblock").await;
    let own = hers.get("/messages/chat/ann/").await.expect(303);
    assert_eq!(own.location(), "/profile/ann");
    hers.get("/messages/chat/nobody/").await.expect(404);
    // API and sockets keep their codes.
    ann.post("/messages/send/ben/", json!({ "message": "Hi" }))
        .await
        .expect_problem(403, "not_connected");
    ann.try_upgrade("/ws/chat/ben/")
        .await
        .expect_problem(403, "not_connected");
}

/// A first message that comes after the end of the connection isn't lost.
#[tokio::test]
async fn refused_first_message_stays_on_page() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let (mut hers, _) = at_the_list(&app, "ann").await;
    hers.get("/messages/chat/ben/").await.expect(200);
    let list = ann.get("/api/connections/").await.expect(200);
    let path = format!("/api/connections/{}/", list[0]["id"]);
    ben.delete(&path).await.expect(204);
    let fields = [("text", "A long first message"), ("client_id", "one")];
    let refused = hers.submit("/messages/chat/ben/", &fields).await;
    let refused = refused.expect(403);
    refused.check_page();
    assert!(refused.text.contains("A long first message"));
    assert!(refused.text.contains("not connected"), "{}", refused.text);
    let nobody = hers.submit("/messages/chat/nobody/", &fields).await;
    nobody.expect(404);
    let none = ben.get("/api/conversations/").await.expect(200);
    assert_eq!(none, json!([]));
}

/// A contact that was never online is "Offline", and has a mark. A user whose
/// presence is hidden has neither.
#[tokio::test]
async fn offline_user_is_marked_without_scripts() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    app.register_user("cas").await;
    let id = ann.open_direct_used(&ben).await;
    let (mut hers, list) = at_the_list(&app, "ann").await;
    let thread = hers.get(&format!("/messages?conversation={id}")).await;
    let profile = hers.get("/profile/ben").await.expect(200);
    for page in [&list, &thread.expect(200), &profile] {
        assert!(page.text.contains("class=\"face is-offline\""));
        assert!(page.text.contains("class=\"unseen presence\">Offline<"));
        page.check_page();
    }
    let stranger = hers.get("/profile/cas").await.expect(200);
    assert!(!stranger.text.contains("ffline"), "{}", stranger.text);
}

#[tokio::test]
async fn outdated_profile_forms_are_harmless() {
    let app = TestApp::spawn().await;
    app.register_user("ann").await;
    app.register_user("ben").await;
    let (mut hers, _) = at_the_list(&app, "ann").await;
    hers.get("/profile/ben").await.expect(200);
    hers.submit("/profile/ben/disconnect", &[])
        .await
        .expect(303);
    hers.submit("/profile/ben/dance", &[]).await.expect(404);
    hers.get("/profile/nobody").await.expect(404);
    let mine = hers.get("/profile/ann").await.expect(200);
    assert!(mine.text.contains("This is your profile as others see it."));
    hers.token = "x".repeat(43);
    hers.submit("/profile/ben/ask", &[]).await.expect(403);
}

/// Guards presence after an unblock by a form: two members of a group must
/// receive each other's status, as after an unblock over REST.
#[tokio::test]
async fn unblock_by_form_sends_presence() {
    let app = TestApp::spawn().await;
    let (_, people) = group(&app, &["ann", "ben", "cat"]).await;
    let (mut hers, _) = at_the_list(&app, "ann").await;
    hers.submit("/profile/ben/block", &[]).await.expect(303);
    let mut beside = people[2].socket("/ws/").await;
    let mut here = people[0].socket("/ws/").await;
    let mut there = people[1].socket("/ws/").await;
    // Once cat has received both statuses, no earlier status is still on its
    // way.
    for _ in 0..2 {
        beside.expect_status().await;
    }
    hers.submit("/profile/ben/unblock", &[]).await.expect(303);
    for (socket, other) in [(&mut here, "ben"), (&mut there, "ann")] {
        // The status of cat may arrive first.
        let mut status = socket.expect_status().await;
        while status["username"] == "cat" {
            status = socket.expect_status().await;
        }
        assert_eq!(status["username"], other, "{status}");
        assert_eq!(status["is_online"], true, "{status}");
    }
}
