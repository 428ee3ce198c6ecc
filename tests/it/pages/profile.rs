//! `/profile/{username}` and its forms, without scripts.

use super::messages::at_the_list;
use crate::groups::crew::group;
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
    assert!(page.text.contains("href=\"/messages/chat/ben/\""));

    his.submit("/profile/ann/block", &[]).await.expect(303);
    let page = his.get("/profile/ann").await.expect(200);
    assert!(page.text.contains("You blocked <bdi>ann</bdi>") && page.text.contains("Unblock"));
    let page = hers.get("/profile/ben").await.expect(200);
    assert!(!page.text.contains("You blocked") && page.text.contains("You aren’t connected."));
    his.submit("/profile/ann/unblock", &[]).await.expect(303);
    let page = his.get("/profile/ann").await.expect(200);
    assert!(page.text.contains("You aren’t connected."));
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
