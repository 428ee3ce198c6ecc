//! Long and hostile texts.

use serde_json::json;

use crate::support::TestApp;
use crate::support::browser::{BrowserDriver, BrowserTab, DESKTOP, ENTER, PHONE};

const REST: &str = "return document.querySelector('.rest').checkVisibility()";

/// Returns a long message whose last word occurs only once.
fn long() -> String {
    format!("{}theend", "word ".repeat(1_900))
}

async fn is_expanded(tab: &BrowserTab, is: &str) {
    let expanded = "return document.querySelector('[data-act=unfold]').ariaExpanded";
    tab.wait_for_value(expanded, json!(is)).await;
}

#[tokio::test]
async fn long_message_can_be_unfolded() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    ann.send(id, &long()).await.expect(201);
    let tab = browsers.open_as(&ben, DESKTOP).await;
    for screen in [DESKTOP, PHONE] {
        tab.size(screen).await;
        tab.open_conversation(id).await;
        tab.see_text("[data-act=unfold]", "Show more").await;
        tab.wait_for_value(REST, json!(false)).await;
        is_expanded(&tab, "false").await;
        tab.assert_accessible().await;
        // Unfolds the message by keyboard.
        tab.type_into("[data-act=unfold]", ENTER).await;
        tab.see_text(".said", "theend").await;
        is_expanded(&tab, "true").await;
        // A redraw keeps the message unfolded.
        ann.send(id, "And on").await.expect(201);
        tab.see_message("And on").await;
        tab.wait_for_value(REST, json!(true)).await;
        tab.assert_accessible().await;
        // Folds the message by pointer.
        tab.click_text("[data-act=unfold]", "Show less").await;
        tab.wait_for_value(REST, json!(false)).await;
    }
    tab.disable_scripts().await;
    tab.open_conversation_plainly(id).await;
    tab.see_text(".said", "theend").await;
    tab.see_absent("[data-act=unfold]").await;
    tab.assert_no_console_errors().await;
}

/// Guards against slow detection of links: fifty of these messages once froze a
/// browser for a minute.
#[tokio::test]
async fn hostile_links_leave_page_responsive() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    for at in 0..10 {
        let text = format!("{at} http://a{}", ")".repeat(9_980));
        ann.send(id, &text).await.expect(201);
    }
    let tab = browsers.open_as(&ben, DESKTOP).await;
    tab.open_conversation(id).await;
    tab.see_text(".message:last-child .said", "9 http://a")
        .await;
    let links = "return document.querySelectorAll('.said a').length";
    tab.wait_for_value(links, json!(10)).await;
    tab.send_text("Still here").await;
    tab.see(".message:last-child .ticks[data-status=sent]")
        .await;
    tab.assert_accessible().await;
}

/// Deceptive URLs stay plain text both in the script's pages and in those of
/// the server.
#[tokio::test]
async fn deceptive_links_are_plain_text() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    for text in [
        "https://www.example.com@evil.example/",
        "https://\u{440}aypal.example/",
        "https://a.example/\u{202e}gpj.exe",
        "https://honest.example/",
    ] {
        ann.send(id, text).await.expect(201);
    }
    let links = "return [...document.querySelectorAll('.said a')]
        .map((it) => [it.getAttribute('href'), it.dir])";
    let expected = json!([["https://honest.example/", "ltr"]]);
    let tab = browsers.open_as(&ben, DESKTOP).await;
    tab.open_conversation(id).await;
    tab.wait_for_value(links, expected.clone()).await;
    tab.disable_scripts().await;
    tab.open_conversation_plainly(id).await;
    // The driver's own scripts still run.
    tab.wait_for_value(links, expected).await;
}
