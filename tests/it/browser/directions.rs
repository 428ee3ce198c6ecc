//! Texts that mix directions of writing, in the script's pages and in those of
//! the server.

use serde_json::json;

use crate::groups::crew;
use crate::support::TestApp;
use crate::support::browser::{BrowserDriver, BrowserTab, DESKTOP};

/// Returns the horizontal place of each sign in the message that begins with the
/// first argument: the place of its last occurrence.
const PLACES: &str = "
    const [start, signs] = arguments;
    const said = [...document.querySelectorAll('.history .said')]
        .find((it) => it.textContent.startsWith(start));
    const texts = document.createTreeWalker(said, NodeFilter.SHOW_TEXT);
    const places = {};
    while (texts.nextNode()) {
        [...texts.currentNode.data].forEach((sign, at) => {
            if (!signs.includes(sign)) return;
            const range = document.createRange();
            range.setStart(texts.currentNode, at);
            range.setEnd(texts.currentNode, at + 1);
            places[sign] = range.getBoundingClientRect().x;
        });
    }
    return signs.map((sign) => places[sign]);";

/// Checks that the signs are drawn in this order from left to right.
async fn assert_order(tab: &BrowserTab, start: &str, signs: &[&str]) {
    let places = tab.script(PLACES, &[json!(start), json!(signs)]).await;
    let places: Vec<f64> = serde_json::from_value(places).unwrap();
    assert!(places.is_sorted(), "{start}: {signs:?} at {places:?}");
}

#[tokio::test]
async fn each_line_has_its_own_direction() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    for text in [
        "English first\nשלום עולם!",
        "https://a.example/x שלום עולם!",
        "سلام first\nEnglish second?",
    ] {
        ben.send(id, text).await.expect(201);
    }
    let tab = browsers.open_as(&ann, DESKTOP).await;
    for has_script in [true, false] {
        if has_script {
            tab.open_conversation(id).await;
            tab.see(".is-live").await;
        } else {
            tab.disable_scripts().await;
            tab.open_conversation_plainly(id).await;
        }
        tab.see_message("English second?").await;
        assert_order(&tab, "English", &["!", "ע", "ש"]).await;
        assert_order(&tab, "English", &["E", "g"]).await;
        assert_order(&tab, "https", &["!", "ע", "ש", "h", "x"]).await;
        assert_order(&tab, "سلام", &["E", "c", "?"]).await;
        assert_order(&tab, "سلام", &["f", "م", "س"]).await;
    }
}

/// Otherwise the title would show its parts in another order.
#[tokio::test]
async fn title_isolates_names_of_other_direction() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let people = crew::friends(&app, &["ann", "ben"]).await;
    let mut pages = Vec::new();
    for (title, expected) in [
        ("שלום!", "\u{2068}שלום!\u{2069} · Tidings"),
        ("Hello!", "Hello! · Tidings"),
    ] {
        let made = crew::make(&people[0], title, &["ben"]).await.expect(201);
        pages.push((format!("/messages?conversation={}", made["id"]), expected));
    }
    let tab = browsers.open_as(&people[0], DESKTOP).await;
    for has_script in [true, false] {
        if !has_script {
            tab.disable_scripts().await;
        }
        for (page, expected) in &pages {
            tab.goto(page).await;
            tab.see(if has_script { ".is-live" } else { "main h1" })
                .await;
            tab.wait_for_value("return document.title", json!(expected))
                .await;
        }
    }
}
