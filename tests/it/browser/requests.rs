//! Connection requests in the list, and their notices.

use serde_json::json;

use super::details::STAGED;
use crate::groups::crew;
use crate::support::TestApp;
use crate::support::browser::{BrowserDriver, DESKTOP, ScreenSize};

const NARROW: ScreenSize = ScreenSize {
    width: 320,
    height: 640,
};

/// A request is announced like a message, and nothing of its row is cut.
#[tokio::test]
async fn request_is_announced_like_message() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let people = crew::friends(&app, &["ann", "ben"]).await;
    let mara = app.register_user("mara").await;
    let tab = browsers.open_as(&people[0], DESKTOP).await;
    tab.run_before_pages(STAGED).await;
    tab.goto("/messages").await;
    tab.see(".is-live").await;
    // Sounds need an action of the user.
    tab.click("#seek").await;
    let hidden = "localStorage.setItem('tidings.notify', 'true'); window.look(false)";
    tab.script(hidden, &[]).await;
    mara.request_connection(&people[0]).await.expect(201);
    tab.see_text(".people .hint", "wants to connect").await;
    tab.wait_for_value("return document.title", json!("(1) Messages · Tidings"))
        .await;
    tab.wait_for_value(
        "return window.alerts",
        json!(["sound", "mara: Wants to connect"]),
    )
    .await;
    tab.see_text(".announcements", "mara wants to connect")
        .await;
    for screen in [DESKTOP, NARROW] {
        tab.size(screen).await;
        let is_cut = "return [...document.querySelectorAll('.people .person *')]
            .some((it) => it.scrollWidth > it.clientWidth + 1 && getComputedStyle(it).overflow !== 'visible')";
        tab.wait_for_value(is_cut, json!(false)).await;
        tab.assert_accessible().await;
    }
    tab.size(DESKTOP).await;
    // The server counts requests, too.
    tab.reload().await;
    tab.see(".is-live").await;
    tab.wait_for_value("return document.title", json!("(1) Messages · Tidings"))
        .await;
    tab.press_button(".people", "Accept").await;
    tab.see_text(".rows .row", "Say hello to mara").await;
    tab.wait_for_value("return document.title", json!("Messages · Tidings"))
        .await;
}
