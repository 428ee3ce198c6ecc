//! First messages and finding contacts.

use serde_json::json;

use crate::support::TestApp;
use crate::support::browser::{BrowserDriver, BrowserTab, COMPOSER, DESKTOP, DOWN, ENTER};

const DRAFT: &str = "return document.querySelector('.composer textarea').value";

/// The page of a conversation that isn't created yet works like any other.
#[tokio::test]
async fn first_message_page_works_live() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.goto("/messages/chat/ben/").await;
    tab.type_into(COMPOSER, "Half a ").await;
    // Actions that need a conversation aren't shown yet.
    tab.see_absent("main [data-act=more], main [data-act=about]")
        .await;
    tab.assert_accessible().await;
    tab.reload().await;
    tab.wait_for_value(DRAFT, json!("Half a ")).await;
    let none = ben.get("/api/conversations/").await.expect(200);
    assert_eq!(
        none,
        json!([]),
        "nothing is created before the message is sent"
    );
    tab.type_into(COMPOSER, "sentence.").await;
    tab.press(ENTER).await;
    tab.see_message("Half a sentence.").await;
    tab.see("main [data-act=about]").await;
    let id = ben.open_direct(&ann).await;
    assert_eq!(tab.path().await, format!("/messages?conversation={id}"));
    tab.wait_for_value(DRAFT, json!("")).await;
    tab.see(".history .ticks[data-status=sent]").await;
    assert_eq!(ben.history(id).await.len(), 1);
    tab.send_text("And on.").await;
    tab.see_message("And on.").await;
    tab.assert_accessible().await;
}

/// The search also finds contacts who aren't listed in the page, and shows
/// their state.
#[tokio::test]
async fn contacts_are_found_by_search() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let ann = app.register_user("ann").await;
    for name in [
        "oldest", "mate1", "mate2", "mate3", "mate4", "mate5", "mate6",
    ] {
        let mate = app.register_user(name).await;
        ann.connect_with(&mate).await;
    }
    app.register_user("oldish").await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.goto("/messages").await;
    tab.type_into("#seek", "old").await;
    tab.see_text(".found .person", "oldish").await;
    tab.see("[aria-label='Message oldest']").await;
    tab.see("[aria-label='Connect with oldish']").await;
    tab.see_absent("[aria-label='Connect with oldest']").await;
    tab.click("[aria-label='Message oldest']").await;
    tab.see_text("main h1", "oldest").await;
    tab.assert_accessible().await;
}

/// Several connection requests are folded above the list, where the user
/// answers them.
#[tokio::test]
async fn multiple_requests_are_folded_and_answered() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    ann.open_direct_used(&ben).await;
    for name in ["cas", "dan", "eve"] {
        app.register_user(name)
            .await
            .request_connection(&ann)
            .await
            .expect(201);
    }
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.goto("/messages").await;
    tab.see_text(".people summary", "3 people want to connect")
        .await;
    tab.see_absent(".people .person").await;
    assert!(height(&tab, ".people").await < 60.0);
    tab.click(".people summary").await;
    tab.see("[aria-label='Decline the request of dan']").await;
    tab.assert_accessible().await;
    tab.click("[aria-label='Decline the request of dan']").await;
    tab.see_text(".people summary", "2 people want to connect")
        .await;
    tab.see_absent("[aria-label='Decline the request of dan']")
        .await;
    tab.click("[aria-label='Accept the request of cas']").await;
    // The new contact appears in the list.
    tab.see_text(".rows .row", "Say hello to cas").await;
    // A single remaining request isn't folded.
    tab.see_absent(".people summary").await;
    tab.click("[aria-label='Accept the request of eve']").await;
    tab.see_absent(".people .person").await;
    tab.type_into("#seek", DOWN).await;
    tab.press(ENTER).await;
    tab.see_text("main h1", "eve").await;
    let left = ann.get("/api/connections/").await.expect(200);
    assert_eq!(left.as_array().unwrap().len(), 3, "{left}");
    tab.assert_accessible().await;
}

async fn height(tab: &BrowserTab, selector: &str) -> f64 {
    let height = "return document.querySelector(arguments[0]).offsetHeight";
    tab.script(height, &[json!(selector)])
        .await
        .as_f64()
        .unwrap()
}

/// A new user sees the instructions exactly once on every screen.
#[tokio::test]
async fn new_user_sees_instructions_once() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let ann = app.register_user("ann").await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    let hints = "return [...document.querySelectorAll('.welcome h2')]
        .filter((it) => it.checkVisibility() && it.innerText === 'Find people you know').length";
    for screen in [DESKTOP, crate::support::browser::PHONE] {
        tab.size(screen).await;
        tab.goto("/messages").await;
        tab.wait_for_value(hints, json!(1)).await;
        tab.assert_accessible().await;
    }
}
