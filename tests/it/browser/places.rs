//! The reading place survives changes of the layout.

use serde_json::{Value, json};

use super::large_account::fill;
use crate::support::browser::{BrowserDriver, BrowserTab, DESKTOP, PHONE, ScreenSize};
use crate::support::{TestApp, until};

/// Returns the first visible message and its distance from the top.
const PLACE: &str = "
    const { top } = document.querySelector('.history').getBoundingClientRect();
    const first = [...document.querySelectorAll('.history .message')]
        .find((it) => it.getBoundingClientRect().bottom > top + 4);
    return [first.id, first.getBoundingClientRect().top - top]";

/// Waits until the page has been drawn twice.
async fn drawn(tab: &BrowserTab) {
    let frames = "return new Promise((done) => requestAnimationFrame(() =>
        requestAnimationFrame(() => requestAnimationFrame(() => done(true)))))";
    tab.script(frames, &[]).await;
}

/// Waits for the end of a scroll and returns the place.
async fn still_place(tab: &BrowserTab) -> Value {
    until("the scroll to end", async || {
        let before = tab.script(PLACE, &[]).await;
        drawn(tab).await;
        (tab.script(PLACE, &[]).await == before).then_some(before)
    })
    .await
}

async fn assert_place(tab: &BrowserTab, expected: &Value, change: &str) {
    let now = still_place(tab).await;
    assert_eq!(now[0], expected[0], "{change}");
    let moved = now[1].as_f64().unwrap() - expected[1].as_f64().unwrap();
    assert!(moved.abs() <= 1.0, "{change}: moved by {moved}");
}

async fn set_font_size(tab: &BrowserTab, size: u32) {
    let sizes = json!({ "fontSizes": { "standard": size } });
    tab.devtools("Page.setFontSizes", sizes).await;
}

/// The first visible message keeps its place when the window, a column or the
/// font changes its size.
#[tokio::test]
async fn first_visible_message_keeps_place() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let ann = app.register_user("ann").await;
    let id = fill(&app, &ann, 3, 100).await;
    let long = "A long text that wraps in a narrow column. ".repeat(6);
    for _ in 0..25 {
        ann.send(id, &long).await.expect(201);
    }
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.open_conversation(id).await;
    tab.see(".is-live").await;
    tab.see_message("A long text").await;
    let wheel = json!({ "type": "mouseWheel", "x": 900, "y": 400, "deltaX": 0, "deltaY": -1500 });
    tab.devtools("Input.dispatchMouseEvent", wheel).await;
    tab.see(".to-end").await;
    let place = still_place(&tab).await;
    for (width, height) in [(900, 800), (1280, 500), (360, 720), (1280, 800)] {
        tab.size(ScreenSize { width, height }).await;
        assert_place(&tab, &place, &format!("{width} × {height}")).await;
    }
    for _ in 0..6 {
        tab.type_into(".splitter", "\u{e014}").await;
    }
    assert_place(&tab, &place, "a wider list").await;
    for size in [24, 16] {
        set_font_size(&tab, size).await;
        assert_place(&tab, &place, &format!("a font of {size} px")).await;
    }
    // At its end, the page stays there.
    tab.click(".to-end").await;
    tab.see_absent(".to-end").await;
    still_place(&tab).await;
    tab.size(PHONE).await;
    drawn(&tab).await;
    let end = "return document.querySelector('.history').scrollTop";
    assert_eq!(tab.script(end, &[]).await, json!(0));
}
