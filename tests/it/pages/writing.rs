//! Sending messages by the forms of pages.

use super::Browser;
use super::messages::at_the_list;
use crate::support::TestApp;

#[tokio::test]
async fn message_is_sent_by_form() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let page = format!("/messages?conversation={id}");
    let (mut browser, _) = at_the_list(&app, "ann").await;
    let open = browser.get(&page).await.expect(200);
    let client_id = client_id_of(&open.text);
    let fields = [("text", "Hello\r\nBen"), ("client_id", &client_id)];
    let sent = browser.submit(&page, &fields).await.expect(303);
    assert_eq!(sent.location(), page);
    // A second submission of the same form sends nothing.
    browser.submit(&page, &fields).await.expect(303);
    let texts = || async {
        let seen = ben.history(id).await;
        let texts = seen
            .iter()
            .map(|it| it["text"].as_str().unwrap().to_owned());
        texts.collect::<Vec<_>>()
    };
    assert_eq!(texts().await, ["The first.", "Hello\nBen"]);
    // After going back, the same form with a different text is a new message.
    let fields = [("text", "And more"), ("client_id", &client_id)];
    browser.submit(&page, &fields).await.expect(303);
    assert_eq!(texts().await.last().unwrap(), "And more");
}

#[tokio::test]
async fn form_retry_is_answered_before_validation() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let (mut browser, _) = at_the_list(&app, "ann").await;
    let first = browser.get("/messages/chat/ben/").await.expect(200);
    let client_id = client_id_of(&first.text);
    let fields = [("text", "Hello"), ("client_id", &*client_id)];
    let sent = browser.submit("/messages/chat/ben/", &fields).await;
    let page = sent.expect(303).location().to_owned();
    let empty = [("text", " "), ("client_id", &*client_id)];
    for path in ["/messages/chat/ben/", &*page] {
        let again = browser.submit(path, &empty).await.expect(303);
        assert_eq!(again.location(), page);
    }
    let anew = [("text", " "), ("client_id", "another")];
    browser.submit(&page, &anew).await.expect(422);
    let id = ann.open_direct(&ben).await;
    assert_eq!(ben.history(id).await.len(), 1);
}

/// Returns the `client_id` in the composer's form.
fn client_id_of(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"client_id\" value=\"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn refused_text_stays_with_reason() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let page = format!("/messages?conversation={id}");
    let (mut browser, _) = at_the_list(&app, "ann").await;
    browser.get(&page).await.expect(200);
    let empty = browser.submit(&page, &[("text", " \r\n ")]).await;
    let empty = empty.expect(422);
    empty.check_page();
    assert!(
        empty
            .text
            .contains("Not sent. A message must contain text.")
    );
    let long = "x".repeat(10_001);
    let refused = browser.submit(&page, &[("text", &long)]).await;
    assert!(refused.expect(422).text.contains(&long));

    let connection = &ann.get("/api/connections/").await.expect(200)[0]["id"];
    ann.delete(&format!("/api/connections/{connection}/"))
        .await
        .expect(204);
    let fields = [("text", "Are you <there>?")];
    let refused = browser.submit(&page, &fields).await.expect(403);
    refused.check_page();
    assert!(
        refused.text.contains("role=\"alert\">Not sent."),
        "{}",
        refused.text
    );
    assert!(refused.text.contains("Are you &#60;there&#62;?"));
    assert!(
        refused
            .text
            .contains("no longer connected with \u{2068}ben\u{2069}.")
    );
    let open = browser.get(&page).await.expect(200);
    assert!(!open.text.contains("<textarea"));
    assert_eq!(ben.history(id).await.len(), 1);
}

#[tokio::test]
async fn forms_without_token_send_nothing() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let (mut browser, _) = at_the_list(&app, "ann").await;
    browser.token = "x".repeat(43);
    for path in [
        format!("/messages?conversation={id}"),
        "/messages/chat/ben/".to_owned(),
        "/messages/chat".to_owned(),
        "/messages/requests".to_owned(),
        "/messages/read".to_owned(),
        "/messages/requests/1/accept".to_owned(),
        "/messages/requests/1/decline".to_owned(),
        "/logout".to_owned(),
    ] {
        let fields = [("text", "Forged"), ("username", "ben")];
        browser.submit(&path, &fields).await.expect(403);
    }
    assert_eq!(ben.history(id).await.len(), 1);
    browser.get("/messages").await.expect(200);
}

#[tokio::test]
async fn conversations_of_strangers_are_hidden() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    app.register_user("eve").await;
    let (mut browser, _) = at_the_list(&app, "eve").await;
    let page = format!("/messages?conversation={id}");
    browser.get(&page).await.expect(404);
    browser.submit(&page, &[("text", "Hi")]).await.expect(404);
    browser
        .get("/messages?conversation=999999")
        .await
        .expect(404);
    browser.get("/messages?conversation=x").await.expect(400);
    let profile = browser.get("/messages/chat/ben/").await.expect(303);
    assert_eq!(profile.location(), "/profile/ben");
    browser.get("/messages/chat/nobody/").await.expect(404);
    browser.get(&page).await.expect(404);
    let fields = [("text", "Hi")];
    let refused = browser.submit("/messages/chat/ben/", &fields).await;
    assert!(!refused.expect(403).text.contains("The first."));
    assert_eq!(ben.history(id).await.len(), 1);
}

#[tokio::test]
async fn first_message_creates_conversation() {
    let app = TestApp::spawn().await;
    let (_ann, ben) = app.register_connected("ann", "ben").await;
    let (mut browser, list) = at_the_list(&app, "ann").await;
    assert!(list.text.contains("href=\"/messages/chat/ben/\""));
    let blank = browser.get("/messages/chat/Ben/").await.expect(200);
    blank.check_page();
    assert!(blank.text.contains("Say hello to <bdi>ben</bdi>"));
    let empty = browser.submit("/messages/chat/ben/", &[("text", "")]).await;
    empty.expect(422).check_page();
    let unseen = ben.get("/api/conversations/").await.expect(200);
    assert_eq!(unseen.as_array().unwrap().len(), 0, "nothing was opened");
    let fields = [("text", "Hello"), ("client_id", "one")];
    let sent = browser.submit("/messages/chat/ben/", &fields).await;
    let page = sent.expect(303).location().to_owned();
    assert!(page.starts_with("/messages?conversation="), "{page}");
    assert!(browser.get(&page).await.expect(200).text.contains("Hello"));
    let again = browser.get("/messages/chat/ben/").await.expect(303);
    assert_eq!(again.location(), page);
    let mut his = Browser::at(&app);
    his.log_in("ben").await.expect(303);
    let opened = his.get("/messages/chat/ann/").await.expect(303);
    assert_eq!(opened.location(), page);
    let list = his.get("/messages").await.expect(200);
    assert!(!list.text.contains("Say hello to"));
}

#[tokio::test]
async fn read_form_marks_messages() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let page = format!("/messages?conversation={id}");
    let (mut browser, list) = at_the_list(&app, "ben").await;
    assert!(
        list.text
            .contains(">1<span class=\"unseen\"> unread message</span>")
    );
    let open = browser.get(&page).await.expect(200);
    let (_, form) = open.text.split_once("action=\"/messages/read\"").unwrap();
    let (_, value) = form.split_once("name=\"message\" value=\"").unwrap();
    let message = value.split('"').next().unwrap().to_owned();
    let conversation = id.to_string();
    let fields = [("conversation", &*conversation), ("message", &*message)];
    let marked = browser.submit("/messages/read", &fields).await.expect(303);
    assert_eq!(marked.location(), format!("{page}#unread"));
    let open = browser.get(&page).await.expect(200);
    assert!(!open.text.contains("Mark as read") && !open.text.contains(" unread message"));
    assert_eq!(ann.history(id).await[0]["status"], "read");
    let (mut stranger, _) = {
        app.register_user("eve").await;
        at_the_list(&app, "eve").await
    };
    stranger.submit("/messages/read", &fields).await.expect(404);
}

/// Browsers submit each line end of a form as CR and LF.
#[tokio::test]
async fn line_end_counts_as_one_character() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let page = format!("/messages?conversation={id}");
    let (mut browser, _) = at_the_list(&app, "ann").await;
    browser.get(&page).await.expect(200);
    let lines = "x\r\n".repeat(4_999) + "xx";
    browser.submit(&page, &[("text", &lines)]).await.expect(303);
    let sent = ben.history(id).await.pop().unwrap();
    assert_eq!(sent["text"], lines.replace("\r\n", "\n"));
    browser
        .submit(&page, &[("text", "a\rb\r\nc\n")])
        .await
        .expect(303);
    let form = [("message", "one\r\ntwo")];
    browser
        .submit("/messages/send/ben/", &form)
        .await
        .expect(201);
    let texts: Vec<_> = ben
        .history(id)
        .await
        .into_iter()
        .map(|it| it["text"].clone())
        .collect();
    assert_eq!(texts[2..], ["a\nb\nc", "one\ntwo"]);
    browser.get("/settings").await.expect(200);
    let about = "y\r\n".repeat(149) + "yy";
    let fields = [("display_name", "Ann"), ("about", &*about)];
    browser
        .submit("/settings/profile", &fields)
        .await
        .expect(303);
    let me = ann.get("/api/me/").await.expect(200);
    assert_eq!(me["about"], about.replace("\r\n", "\n"));
    // Line ends in JSON stay unchanged.
    let sent = ann.send(id, "one\r\ntwo").await.expect(201);
    assert_eq!(sent["text"], "one\r\ntwo");
}
