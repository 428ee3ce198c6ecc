//! `/profile/{username}`, and what one can do there without a script.

use super::messages::at_the_list;
use crate::groups::crew::group;
use crate::support::TestApp;

#[tokio::test]
async fn two_find_each_other_by_their_profiles() {
    let app = TestApp::spawn().await;
    app.person("ann").await;
    app.person("ben").await;
    let (mut hers, _) = at_the_list(&app, "ann").await;
    let (mut his, _) = at_the_list(&app, "ben").await;
    let page = hers.get("/profile/Ben").await.expect(200);
    page.check_page();
    assert!(page.text.contains("You aren’t connected."));
    assert!(!page.text.contains("/messages/chat/ben/"));
    let asked = hers.submit("/profile/ben/ask", &[]).await.expect(303);
    assert_eq!(asked.location(), "/profile/ben");
    let page = hers.get("/profile/ben").await.expect(200);
    assert!(page.text.contains("Take it back"));

    let page = his.get("/profile/ann").await.expect(200);
    assert!(page.text.contains("<bdi>ann</bdi> would like to connect."));
    his.submit("/profile/ann/accept", &[]).await.expect(303);
    let page = hers.get("/profile/ben").await.expect(200);
    assert!(page.text.contains("You are connected."));
    assert!(page.text.contains("href=\"/messages/chat/ben/\""));

    his.submit("/profile/ann/block", &[]).await.expect(303);
    let page = his.get("/profile/ann").await.expect(200);
    assert!(page.text.contains("You block <bdi>ann</bdi>") && page.text.contains("Unblock"));
    let page = hers.get("/profile/ben").await.expect(200);
    assert!(!page.text.contains("You block") && page.text.contains("You aren’t connected."));
    his.submit("/profile/ann/unblock", &[]).await.expect(303);
    let page = his.get("/profile/ann").await.expect(200);
    assert!(page.text.contains("You aren’t connected."));
}

#[tokio::test]
async fn what_is_gone_meanwhile_is_no_fault() {
    let app = TestApp::spawn().await;
    app.person("ann").await;
    app.person("ben").await;
    let (mut hers, _) = at_the_list(&app, "ann").await;
    hers.get("/profile/ben").await.expect(200);
    hers.submit("/profile/ben/disconnect", &[])
        .await
        .expect(303);
    hers.submit("/profile/ben/dance", &[]).await.expect(404);
    hers.get("/profile/nobody").await.expect(404);
    let mine = hers.get("/profile/ann").await.expect(200);
    assert!(mine.text.contains("This is what others see of you."));
    hers.token = "x".repeat(43);
    hers.submit("/profile/ben/ask", &[]).await.expect(403);
}

/// As over REST: two who share a group know again how the other stands.
#[tokio::test]
async fn who_is_unblocked_at_a_page_is_told_how_the_other_stands() {
    let app = TestApp::spawn().await;
    let (_, people) = group(&app, &["ann", "ben", "cat"]).await;
    let (mut hers, _) = at_the_list(&app, "ann").await;
    hers.submit("/profile/ben/block", &[]).await.expect(303);
    let mut beside = people[2].socket("/ws/").await;
    let mut here = people[0].socket("/ws/").await;
    let mut there = people[1].socket("/ws/").await;
    // Once others have heard that they are here, nothing of it is on its way.
    for _ in 0..2 {
        beside.expect_status().await;
    }
    hers.submit("/profile/ben/unblock", &[]).await.expect(303);
    for (socket, other) in [(&mut here, "ben"), (&mut there, "ann")] {
        // Of cat each may have heard before.
        let mut told = socket.expect_status().await;
        while told["username"] == "cat" {
            told = socket.expect_status().await;
        }
        assert_eq!(told["username"], other, "{told}");
        assert_eq!(told["is_online"], true, "{told}");
    }
}
