//! Admin pages of conversations, and admin actions in them.

use serde_json::json;

use super::{Keeper, expect_frame};
use crate::support::{TestApp, TestUser};

async fn crew(owner: &TestUser, others: &[&TestUser]) -> i64 {
    let names: Vec<_> = others.iter().map(|person| &person.username).collect();
    let body = json!({ "title": "The crew", "usernames": names });
    let made = owner.post("/api/conversations/create/", body).await;
    made.expect(201)["id"].as_i64().unwrap()
}

#[tokio::test]
async fn admin_reading_is_logged_with_reason() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    for at in 0..60 {
        let text = format!("Number {at} <b>");
        ann.send(id, &text).await.expect(201);
    }
    // The conversation's page shows members and read markers, but no texts.
    let page = keeper.get(&format!("/admin/conversations/{id}")).await;
    let page = page.expect(200);
    page.check_page();
    assert!(page.text.contains("ann and ben"));
    assert!(page.text.contains("The last message is number 61."));
    assert!(!page.text.contains("The first."));
    let read = format!("/admin/conversations/{id}/read");
    let refused = keeper.act(&read, &[("reason", " ")]).await.expect(422);
    assert!(refused.text.contains("id=\"reason-wrong\""));
    assert!(!refused.text.contains("Number 1"));
    assert_eq!(keeper.log("?what=conversation.read").await.len(), 0);
    let shown = keeper.act(&read, &[("reason", "A complaint")]).await;
    let shown = shown.expect(200);
    shown.check_page();
    assert!(shown.text.contains("Number 59 &#60;b&#62;"), "escaped");
    assert!(!shown.text.contains("The first."));
    let older = [("reason", "A complaint"), ("before", "12")];
    let shown = keeper.browser.submit(&read, &older).await.expect(200);
    assert!(shown.text.contains("The first."));
    let log = keeper.log("?what=conversation.read").await;
    assert_eq!(log.len(), 2);
    assert!(log[0].contains("A complaint,messages 1 to 11"), "{log:?}");
    assert!(log[1].contains("A complaint,messages 12 to 61"), "{log:?}");
    assert!(log[1].contains(&format!("conversation:{id}")));
    // Reading by an admin sends no read receipt.
    assert_eq!(ann.history(id).await[0]["status"], "sent");
    keeper.get("/admin/conversations/999999").await.expect(404);
}

#[tokio::test]
async fn admin_deletion_reaches_members_live() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let bad = ann.send(id, "Something bad").await.expect(201);
    let answer = json!({ "text": "What?", "reply_to": bad["id"] });
    let send = format!("/api/conversations/{id}/messages/");
    let answer = ben.post(&send, answer).await.expect(201);
    let mut mine = ann.socket("/ws/").await;
    let mut theirs = ben.chat_socket(id).await;
    let path = format!("/admin/conversations/{id}/messages/{}/delete", bad["id"]);
    let asked = keeper.get(&path).await.expect(200);
    assert!(!asked.text.contains("Something bad"));
    keeper.act(&path, &[("reason", "Abuse")]).await.expect(303);
    for socket in [&mut mine, &mut theirs] {
        let frame = expect_frame(socket, "message_updated").await;
        assert_eq!(frame["message"]["id"], bad["id"]);
        assert_eq!(frame["message"]["deleted"], true);
        assert_eq!(frame["message"]["text"], "");
        // The reply that quotes the deleted message has changed, too.
        let frame = expect_frame(socket, "message_updated").await;
        assert_eq!(frame["message"]["id"], answer["id"]);
        assert_eq!(frame["message"]["reply_to"]["text"], "");
    }
    // The next message follows without a gap.
    ben.send(id, "Thanks").await.expect(201);
    assert_eq!(theirs.expect_message().await["text"], "Thanks");
    assert_eq!(ann.history(id).await[1]["deleted"], true);
    // A repeated deletion changes nothing and isn't logged.
    keeper.act(&path, &[]).await.expect(303);
    let log = keeper.log("?what=conversation.withdraw").await;
    assert_eq!(log.len(), 1, "{log:?}");
    let detail = format!("Abuse,message 2 (id {})", bad["id"]);
    assert!(log[0].contains(&detail), "{log:?}");
    let mismatched = format!("/admin/conversations/999/messages/{}/delete", bad["id"]);
    keeper.get(&mismatched).await.expect(404);
}

/// If more than 100 quotes change, members get a reset instead of single
/// updates.
#[tokio::test]
async fn admin_deletion_resets_after_many_quotes() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let bad = ann.send(id, "Something bad").await.expect(201);
    let answer = json!({ "text": "What?", "reply_to": bad["id"] });
    let send = format!("/api/conversations/{id}/messages/");
    for _ in 0..101 {
        ben.post(&send, answer.clone()).await.expect(201);
    }
    let mut theirs = ben.chat_socket(id).await;
    let path = format!("/admin/conversations/{id}/messages/{}/delete", bad["id"]);
    keeper.act(&path, &[("reason", "Abuse")]).await.expect(303);
    let frame = expect_frame(&mut theirs, "message_updated").await;
    assert_eq!(frame["message"]["deleted"], true);
    let reset = expect_frame(&mut theirs, "reset").await;
    assert_eq!(reset["reason"], "too_far_behind");
    theirs.expect_nothing_until_pong().await;
    let newest = ben.history(id).await.pop().unwrap();
    assert_eq!(newest["reply_to"]["text"], "");
}

/// After deleting a message, an admin continues to read without giving a new
/// reason. The server logs this reading, too, with the first reason.
#[tokio::test]
async fn admin_reading_continues_after_deletion() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let bad = ann.send(id, "Something bad").await.expect(201);
    let answer = json!({ "text": "What?", "reply_to": bad["id"] });
    let send = format!("/api/conversations/{id}/messages/");
    let answer = ben.post(&send, answer).await.expect(201);
    let react = format!("{send}{}/reactions/👍/", answer["id"]);
    let react = ann.site.request(reqwest::Method::PUT, &react);
    ann.site
        .send(react.bearer_auth(&ann.token))
        .await
        .expect(200);
    let read = format!("/admin/conversations/{id}/read");
    let shown = keeper.act(&read, &[("reason", "A complaint")]).await;
    let shown = shown.expect(200);
    shown.check_page();
    // The page shows a message's quote and reactions.
    assert!(
        shown
            .text
            .contains("ann</strong> <span dir=\"auto\">Something bad</span></blockquote>")
    );
    assert!(shown.text.contains("<li>👍 1</li>"));
    let delete = format!("/admin/conversations/{id}/messages/{}/delete", bad["id"]);
    let fields = [("reading", "A complaint"), ("reason", "Abuse")];
    let shown = keeper.browser.submit(&delete, &fields).await.expect(200);
    shown.check_page();
    assert!(shown.text.contains("Messages of ann and ben"));
    assert!(!shown.text.contains("Something bad"));
    let log = keeper.log(&format!("?whom=conversation%3A{id}")).await;
    let actions: Vec<_> = log.iter().map(|line| line.split(',').nth(2)).collect();
    let expected = [
        "conversation.read",
        "conversation.withdraw",
        "conversation.read",
    ];
    assert_eq!(actions, expected.map(Some));
    for line in [&log[0], &log[2]] {
        assert!(line.contains("A complaint,messages 1 to 3"), "{log:?}");
    }
}

#[tokio::test]
async fn closed_group_removes_all_members() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let cat = app.register_user("cat").await;
    ann.connect_with(&cat).await;
    let id = crew(&ann, &[&ben, &cat]).await;
    ann.send(id, "The last word").await.expect(201);
    let mut mine = ann.socket("/ws/").await;
    let mut bound = ben.chat_socket(id).await;
    let path = format!("/admin/conversations/{id}/close");
    keeper.act(&path, &[("reason", "Spam")]).await.expect(303);
    let frame = expect_frame(&mut mine, "conversation_removed").await;
    assert_eq!(frame["conversation_id"], id);
    assert_eq!(frame["reason"], "closed");
    let frame = expect_frame(&mut bound, "conversation_removed").await;
    assert_eq!(frame["reason"], "closed");
    assert_eq!(bound.expect_close().await, 1000);
    for person in [&ann, &ben, &cat] {
        // Former members can still read their history.
        let view = person.conversation(id).await;
        assert_eq!(view["left"], true);
        let history = person.history(id).await;
        assert_eq!(history.last().unwrap()["text"], "The last word");
        person
            .send(id, "Hello?")
            .await
            .expect_problem(403, "not_a_participant");
    }
    let page = keeper.get(&format!("/admin/conversations/{id}")).await;
    let page = page.expect(200);
    assert!(page.text.contains("Closed") && !page.text.contains("/close\""));
    let again = keeper.act(&path, &[]).await.expect(409);
    assert!(again.text.contains("already closed"));
    let log = keeper.log("?what=conversation.close").await;
    assert_eq!(log.len(), 1);
    assert!(log[0].contains("Spam,3 members"), "{log:?}");
    let direct = ann.open_direct_used(&ben).await;
    let path = format!("/admin/conversations/{direct}/close");
    keeper.act(&path, &[]).await.expect(409);
}
