//! Texts that are long, or made to harm who reads them.

use serde_json::json;

use crate::support::TestApp;
use crate::support::browser::{Browsers, DESKTOP, ENTER, PHONE, Tab};

const REST: &str = "return document.querySelector('.rest').checkVisibility()";

/// A message of many words; the last is at its end alone.
fn long() -> String {
    format!("{}theend", "word ".repeat(1_900))
}

async fn is_expanded(tab: &Tab, is: &str) {
    let expanded = "return document.querySelector('[data-act=unfold]').ariaExpanded";
    tab.comes_to(expanded, json!(is)).await;
}

#[tokio::test]
async fn long_message_is_folded_and_unfolds() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    ann.send(id, &long()).await.expect(201);
    let tab = browsers.open_as(&ben, DESKTOP).await;
    for screen in [DESKTOP, PHONE] {
        tab.size(screen).await;
        tab.open_conversation(id).await;
        tab.see_text("[data-act=unfold]", "Show more").await;
        tab.comes_to(REST, json!(false)).await;
        is_expanded(&tab, "false").await;
        tab.assert_good().await;
        // By keys.
        tab.type_into("[data-act=unfold]", ENTER).await;
        tab.see_text(".said", "theend").await;
        is_expanded(&tab, "true").await;
        // It stays unfolded when it is drawn anew.
        ann.send(id, "And on").await.expect(201);
        tab.see_said("And on").await;
        tab.comes_to(REST, json!(true)).await;
        tab.assert_good().await;
        // By pointer.
        tab.click_text("[data-act=unfold]", "Show less").await;
        tab.comes_to(REST, json!(false)).await;
    }
    tab.without_scripts().await;
    tab.open_conversation_plainly(id).await;
    tab.see_text(".said", "theend").await;
    tab.see_no("[data-act=unfold]").await;
    tab.assert_no_complaints().await;
}

/// Fifty of these froze a browser for a minute.
#[tokio::test]
async fn hostile_links_leave_page_responsive() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    for at in 0..10 {
        let text = format!("{at} http://a{}", ")".repeat(9_980));
        ann.send(id, &text).await.expect(201);
    }
    let tab = browsers.open_as(&ben, DESKTOP).await;
    tab.open_conversation(id).await;
    tab.see_text(".message:last-child .said", "9 http://a")
        .await;
    let links = "return document.querySelectorAll('.said a').length";
    tab.comes_to(links, json!(10)).await;
    tab.say("Still here").await;
    tab.see(".message:last-child .ticks[data-status=sent]")
        .await;
    tab.assert_good().await;
}

/// Links of the page are those that its script makes.
#[tokio::test]
async fn deceptive_links_are_plain_text() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
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
    tab.comes_to(links, expected.clone()).await;
    tab.without_scripts().await;
    tab.open_conversation_plainly(id).await;
    // The driver's own scripts still run.
    tab.comes_to(links, expected).await;
}
