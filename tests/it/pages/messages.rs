//! `/messages`: the list and the conversations, without scripts.

use sea_orm::ConnectionTrait;
use serde_json::json;

use super::{Browser, Shown};
use crate::support::{TestApp, TestUser};

/// Logs in and opens the list of conversations.
pub(super) async fn at_the_list(app: &TestApp, username: &str) -> (Browser, Shown) {
    let mut browser = Browser::at(app);
    browser.log_in(username).await.expect(303);
    let list = browser.get("/messages").await.expect(200);
    (browser, list)
}

fn page_of(conversation: i64) -> String {
    format!("/messages?conversation={conversation}")
}

/// Returns the number of occurrences of `what` in the visible page.
fn count(page: &Shown, what: &str) -> usize {
    page.text.matches(what).count()
}

async fn rename(person: &TestUser, name: &str) {
    let change = json!({ "display_name": name });
    let request = person.site.request(reqwest::Method::PATCH, "/api/me/");
    let request = request.bearer_auth(&person.token).json(&change);
    person.site.send(request).await.expect(200);
}

#[tokio::test]
async fn login_redirect_returns_to_page() {
    let app = TestApp::spawn().await;
    app.register_user("ann").await;
    for (path, next) in [
        ("/", "%2F"),
        ("/messages", "%2Fmessages"),
        (
            "/messages?conversation=7&before=3",
            "%2Fmessages%3Fconversation%3D7%26before%3D3",
        ),
        ("/messages/chat/ann/", "%2Fmessages%2Fchat%2Fann"),
    ] {
        let mut browser = Browser::at(&app);
        let turned = browser.get(path).await.expect(303);
        assert_eq!(turned.location(), format!("/login?next={next}"));
        let form = browser.get(turned.location()).await.expect(200);
        assert!(form.text.contains("name=\"next\" value=\"/"), "{path}");
    }
    let mut browser = Browser::at(&app);
    let fields = [("text", "Hello")];
    let turned = browser.submit("/messages?conversation=7", &fields).await;
    assert_eq!(turned.expect(303).location(), "/login?next=%2Fmessages");
    browser.log_in("ann").await.expect(303);
    assert_eq!(browser.get("/").await.expect(303).location(), "/messages");
}

#[tokio::test]
async fn list_shows_last_messages() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let (mut browser, list) = at_the_list(&app, "ann").await;
    list.check_page();
    assert!(list.text.contains(&format!("href=\"{}\"", page_of(id))));
    assert!(!list.text.contains("You: "), "the ticks say it");
    assert!(list.text.contains("The first."));
    assert!(list.text.contains("aria-label=\"Sent\""));
    assert!(!list.text.contains("class=\"badge"), "{}", list.text);

    ben.send(id, "Here I am").await.expect(201);
    ben.send(id, "Still here").await.expect(201);
    let list = browser.get("/messages").await.expect(200);
    assert!(
        list.text
            .contains(">2<span class=\"unseen\"> unread messages</span>")
    );
    assert!(list.text.contains("<title>(2) Messages · Tidings</title>"));
    assert!(list.text.contains("Still here"));
    assert!(!list.text.contains("You: "));
    let open = browser.get(&page_of(id)).await.expect(200);
    assert!(
        open.text.contains("<span>2 unread messages</span>"),
        "{}",
        open.text
    );
    assert!(open.text.contains("aria-current=\"page\""));
}

#[tokio::test]
async fn list_links_to_older_conversations() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    for n in 0..52 {
        let group = json!({ "title": format!("Group {n}."), "usernames": ["ben"] });
        let path = "/api/conversations/create/";
        ann.post(path, group).await.expect(201);
    }
    drop(ben);
    let (mut browser, list) = at_the_list(&app, "ann").await;
    // The additional row is a contact without a conversation.
    assert!(list.text.contains("Say hello"), "{}", list.text);
    assert_eq!(count(&list, "class=\"row\""), 50 + 1);
    let (_, rest) = list.text.split_once("href=\"/messages?list=").unwrap();
    let (cursor, _) = rest.split_once('"').unwrap();
    let older = browser.get(&format!("/messages?list={cursor}")).await;
    let older = older.expect(200);
    assert_eq!(count(&older, "class=\"row\""), 2);
    assert!(older.text.contains("Group 0.") && older.text.contains(">Newest</a>"));
    assert!(!older.text.contains(">Older</a>"));
}

#[tokio::test]
async fn conversation_shows_delivery_ticks() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    ben.send(id, "An answer").await.expect(201);
    ann.send(id, "Delivered").await.expect(201);
    ann.send(id, "Sent").await.expect(201);
    let database = app.database().connection().await;
    let sql = "UPDATE conversation SET delivered_low = 3";
    database.execute_unprepared(sql).await.unwrap();
    let (mut browser, _) = at_the_list(&app, "ann").await;
    let open = browser.get(&page_of(id)).await.expect(200);
    open.check_page();
    assert!(open.text.contains("<h1 dir=\"auto\">ben</h1>"));
    assert!(open.text.contains(">Today</time>"));
    let (_, history) = open.text.split_once("class=\"history\"").unwrap();
    let order: Vec<&str> = history
        .split("<li class=\"message")
        .skip(1)
        .map(|message| {
            let name = message.split("aria-label=\"").nth(1).unwrap_or_default();
            if message.contains("class=\"ticks") {
                name.split('"').next().unwrap()
            } else {
                "theirs"
            }
        })
        .collect();
    assert_eq!(order, ["Read", "theirs", "Delivered", "Sent"]);
    assert_eq!(history.matches("are-blue").count(), 1);
}

#[tokio::test]
async fn messages_show_edits_reactions_and_deletions() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct(&ben).await;
    let first = ann.send(id, "Tea?").await.expect(201)["id"].clone();
    let path = format!("/api/conversations/{id}/messages/");
    let answer = json!({ "text": "Yes, at https://tea.example/?a=1&b", "reply_to": first });
    ben.post(&path, answer).await.expect(201);
    let gone = ben.send(id, "Oh no").await.expect(201)["id"].clone();
    ben.delete(&format!("{path}{gone}/")).await.expect(204);
    let put = |way: String| ben.site.request(reqwest::Method::PUT, &way);
    let emoji = put(format!("{path}{first}/reactions/%F0%9F%8D%B5/"));
    let emoji = emoji.bearer_auth(&ben.token);
    ben.site.send(emoji).await.expect(200);
    let edit = ann
        .site
        .request(reqwest::Method::PATCH, &format!("{path}{first}/"));
    let edit = edit
        .bearer_auth(&ann.token)
        .json(&json!({ "text": "Tea now?" }));
    ann.site.send(edit).await.expect(200);

    let (mut browser, list) = at_the_list(&app, "ann").await;
    assert!(list.text.contains("Message deleted"));
    let open = browser.get(&page_of(id)).await.expect(200);
    for part in [
        "<span>edited</span>",
        "Message deleted",
        "<a href=\"https://tea.example/?a=1&#38;b\" rel=\"noopener nofollow\"",
        "<span class=\"quoted\" dir=\"auto\">Tea now?</span>",
        "<li title=\"ben\">🍵<span",
        &format!("&#38;around=1#message-{first}\""),
    ] {
        assert!(open.text.contains(part), "{part} in {}", open.text);
    }
    assert!(!open.text.contains("Oh no"));
}

#[tokio::test]
async fn group_shows_sender_names() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let group = json!({ "title": "Lake", "usernames": ["ben"] });
    let made = ann.post("/api/conversations/create/", group).await;
    let id = made.expect(201)["id"].as_i64().unwrap();
    ben.send(id, "One").await.expect(201);
    ben.send(id, "Two").await.expect(201);
    let (mut browser, list) = at_the_list(&app, "ann").await;
    assert!(list.text.contains("<span class=\"lead\">ben: </span>"));
    let open = browser.get(&page_of(id)).await.expect(200);
    assert!(open.text.contains("2 members"));
    assert!(open.text.contains("<li class=\"system\""));
    let names = count(&open, "<p class=\"sender hue-");
    assert_eq!(
        names, 1,
        "only the first of two messages in a row has a name"
    );

    let leave = format!("/api/conversations/{id}/leave/");
    assert!(ann.post(&leave, json!({})).await.status < 300);
    let left = browser.get(&page_of(id)).await.expect(200);
    assert!(left.text.contains("You are no longer in this group."));
    assert!(!left.text.contains("<textarea") && left.text.contains("Two"));
    let fields = [("text", "Still here?")];
    let refused = browser.submit(&page_of(id), &fields).await.expect(403);
    refused.check_page();
    assert!(refused.text.contains("Still here?"), "{}", refused.text);
}

#[tokio::test]
async fn history_is_paged_both_ways() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct(&ben).await;
    for n in 1..=55 {
        ann.send(id, &format!("Message {n}.")).await.expect(201);
    }
    let (mut browser, _) = at_the_list(&app, "ben").await;
    // With no message read, the page starts at the first one and links to newer
    // ones.
    let first = browser.get(&page_of(id)).await.expect(200);
    assert!(
        first.text.contains("Message 1.") && first.text.contains("<span>55 unread messages</span>")
    );
    assert!(first.text.contains("Newer messages"));
    let newest = format!("{}&after=5", page_of(id));
    let newest = browser.get(&newest).await.expect(200);
    assert!(!newest.text.contains("Message 5.") && newest.text.contains("Message 55."));
    let older = format!("{}&before=6", page_of(id));
    assert!(newest.text.contains(&older.replace('&', "&#38;")));
    assert!(!newest.text.contains("Newer messages"));
    assert!(
        !newest.text.contains("55 unread"),
        "unread messages begin on the page before"
    );
    let older = browser.get(&older).await.expect(200);
    assert!(older.text.contains("Message 5.") && !older.text.contains("Message 6."));
    assert!(!older.text.contains("Older messages"));
    assert!(older.text.contains("<span>55 unread messages</span>"));
    let newer = format!("{}&after=5", page_of(id));
    assert!(older.text.contains(&newer.replace('&', "&#38;")));
    let newer = browser.get(&newer).await.expect(200);
    assert!(newer.text.contains("Message 6.") && newer.text.contains("Message 55."));
    let around = format!("{}&around=30", page_of(id));
    let around = browser.get(&around).await.expect(200);
    assert!(around.text.contains("Message 30.") && around.text.contains("Newer messages"));
}

#[tokio::test]
async fn user_text_is_escaped() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";
    rename(&ben, evil).await;
    let id = ben.open_direct(&ann).await;
    ben.send(id, evil).await.expect(201);
    let link = "https://x.example/\"onmouseover=alert(3) javascript:alert(4)";
    ben.send(id, link).await.expect(201);
    let group = json!({ "title": evil, "usernames": ["ann"] });
    let made = ben.post("/api/conversations/create/", group).await;
    let group = made.expect(201)["id"].as_i64().unwrap();
    ben.send(group, evil).await.expect(201);
    let (mut browser, list) = at_the_list(&app, "ann").await;
    let pages = [
        list,
        browser.get(&page_of(id)).await.expect(200),
        browser.get(&page_of(group)).await.expect(200),
    ];
    for page in &pages {
        page.check_page();
        assert!(!page.text.contains("<img"), "{}", page.text);
        assert!(!page.text.contains("href=\"javascript"), "{}", page.text);
        assert!(!page.text.contains("\"onmouseover"), "{}", page.text);
        assert!(page.text.contains("&#60;script&#62;"), "{}", page.text);
    }
}
