//! Back closes the topmost layer first: a menu, the picker, a dialog, the info
//! of a group, and then the conversation.

use serde_json::json;

use crate::groups::crew;
use crate::support::TestApp;
use crate::support::browser::{BrowserDriver, BrowserTab, COMPOSER, ESCAPE, PHONE};

const PATH: &str = "return location.pathname + location.search";

/// Opens the list, and from there the group.
async fn open_group(tab: &BrowserTab) {
    tab.goto("/settings").await;
    tab.goto("/messages").await;
    tab.tap(".rows .row").await;
    tab.see(COMPOSER).await;
}

/// Opens layers and returns their selectors, from the bottom to the top.
async fn open_layers(tab: &BrowserTab, kind: &str) -> Vec<&'static str> {
    match kind {
        "menu" => {
            tab.tap("main [data-act=more]").await;
            vec!["[role=menu]"]
        }
        "picker" => {
            tab.tap("main [data-act=emoji]").await;
            vec![".emoji"]
        }
        "info" => {
            tab.tap("main [data-act=about]").await;
            tab.see("[aria-label='Options for ben']").await;
            vec![".panel"]
        }
        "profile" => {
            tab.tap("main [data-act=about]").await;
            tab.tap_text(".members .name", "ben").await;
            tab.see_text(".panel h1", "ben").await;
            vec![".panel .info-row", ".panel h1"]
        }
        "menu of info" => {
            tab.tap("main [data-act=about]").await;
            tab.tap("[aria-label='Options for ben']").await;
            vec![".panel", "[role=menu]"]
        }
        _ => {
            tab.tap("main [data-act=about]").await;
            tab.tap_text(".panel button", "Leave group").await;
            vec![".panel", "dialog.is-small"]
        }
    }
}

const KINDS: [&str; 6] = [
    "menu",
    "picker",
    "info",
    "profile",
    "menu of info",
    "question",
];

#[tokio::test]
async fn back_closes_topmost_layer_first() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (group, people) = crew::group(&app, &["ann", "ben"]).await;
    let tab = browsers.open_as(&people[0], PHONE).await;
    let here = format!("/messages?conversation={group}");
    let info = format!("{here}&info=1");
    for kind in KINDS {
        println!("{kind}");
        open_group(&tab).await;
        let layers = open_layers(&tab, kind).await;
        let has_info = layers[0].starts_with(".panel");
        for (at, layer) in layers.iter().enumerate().rev() {
            tab.see(layer).await;
            tab.back().await;
            tab.see_absent(layer).await;
            if at > 0 {
                tab.see(layers[at - 1]).await;
            }
            let path = if has_info && at > 0 { &info } else { &here };
            tab.wait_for_value(PATH, json!(path)).await;
        }
        tab.see("main h1").await;
        // Forward reopens a panel, and nothing else.
        tab.forward().await;
        if has_info {
            tab.see(".panel [aria-label='Options for ben']").await;
            tab.wait_for_value(PATH, json!(info)).await;
            tab.back().await;
            tab.see_absent(".panel").await;
        }
        tab.see(COMPOSER).await;
        tab.wait_for_value("return history.state?.layers ?? 0", json!(0))
            .await;
        tab.back().await;
        tab.see(".rows .row").await;
        tab.wait_for_value(PATH, json!("/messages")).await;
        tab.forward().await;
        tab.see(COMPOSER).await;
        tab.back().await;
        tab.see(".rows .row").await;
        tab.back().await;
        tab.wait_for_value(PATH, json!("/settings")).await;
    }
    tab.assert_no_console_errors().await;
}

/// A layer that is closed otherwise leaves no entry behind.
#[tokio::test]
async fn closed_layer_leaves_no_history_entry() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let people = crew::friends(&app, &["ann", "ben"]).await;
    let direct = people[1].open_direct_used(&people[0]).await;
    let made = crew::make(&people[0], "Crew", &["ben"]).await.expect(201);
    let group = made["id"].as_i64().unwrap();
    let tab = browsers.open_as(&people[0], PHONE).await;
    for kind in KINDS {
        println!("{kind}");
        open_group(&tab).await;
        for layer in open_layers(&tab, kind).await.iter().rev() {
            tab.see(layer).await;
            tab.press(ESCAPE).await;
            tab.see_absent(layer).await;
        }
        tab.wait_for_value("return history.state?.layers ?? 0", json!(0))
            .await;
        tab.back().await;
        tab.see(".rows .row").await;
        tab.wait_for_value(PATH, json!("/messages")).await;
    }
    // From a panel to another conversation, and back.
    tab.goto(&format!("/messages?conversation={group}")).await;
    tab.tap(".back").await;
    tab.tap("[data-act=new]").await;
    tab.tap_text(".side-panel .contact", "ben").await;
    tab.see_message("The first.").await;
    tab.wait_for_value(PATH, json!(format!("/messages?conversation={direct}")))
        .await;
    tab.back().await;
    tab.see(".rows .row").await;
    tab.see_absent(".side-panel").await;
    // A reload closes the layer. The first Back leaves the conversation.
    tab.tap(".rows .row").await;
    tab.see(COMPOSER).await;
    tab.tap("main [data-act=more]").await;
    tab.see("[role=menu]").await;
    tab.reload().await;
    tab.see(".is-live").await;
    tab.see_absent("[role=menu]").await;
    tab.wait_for_value("return history.state?.layers ?? 0", json!(0))
        .await;
    tab.back().await;
    tab.see(".rows .row").await;
    tab.assert_accessible().await;
}

/// Delays each move back in the history.
const SLOW_BACK: &str = "
    const { go } = History.prototype;
    History.prototype.go = function (by) { setTimeout(() => go.call(this, by), 600); };";

/// A layer that opens while the browser goes back to the list stays open, and
/// gets its entry after the move.
#[tokio::test]
async fn layer_during_return_blocks_nothing() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (_group, people) = crew::group(&app, &["ann", "ben"]).await;
    let tab = browsers.open_as(&people[0], PHONE).await;
    tab.run_before_pages(SLOW_BACK).await;
    open_group(&tab).await;
    tab.tap(".back").await;
    tab.tap("[data-act=new]").await;
    let layers = "return history.state?.layers ?? 0";
    tab.wait_for_value(layers, json!(1)).await;
    tab.press(ESCAPE).await;
    tab.wait_for_value(layers, json!(0)).await;
    tab.see(".rows .row").await;
    tab.wait_for_value(PATH, json!("/messages")).await;
    tab.tap(".rows .row").await;
    tab.see(COMPOSER).await;
    tab.assert_no_console_errors().await;
}
