//! A text of a megabyte in the composer, compared with a bare field.

use std::time::Instant;

use serde_json::json;

use crate::ClientServer;
use crate::figures::ClientFigures;
use crate::load::world::LoadWorld;
use crate::support::browser::{BrowserDriver, BrowserTab, COMPOSER};

/// A page with only a field.
const BARE_PAGE: &str = "data:text/html,<textarea rows=4 cols=60></textarea>";
const LINE: &str = "Shall we meet at the old harbour at seven? Bring the blue map along. \n";
const LENGTH: usize = 1_000_000;

pub(crate) async fn run(driver: &BrowserDriver, figures: &mut ClientFigures) {
    let text: String = LINE.chars().cycle().take(LENGTH).collect();
    let server = ClientServer::start(LoadWorld::with_pairs(1).await).await;
    let tab = server.open_browser(driver).await;
    let page = json!({ "url": BARE_PAGE });
    tab.devtools("Page.navigate", page).await;
    let bare = measure(&tab, "textarea", &text).await;
    tab.goto("/messages?conversation=1").await;
    tab.see(".days").await;
    let composer = measure(&tab, COMPOSER, &text).await;
    for (what, bare, own) in [
        ("paste", bare.paste, composer.paste),
        ("key", bare.key, composer.key),
    ] {
        figures.add("1 MB in a bare field", &format!("{what}, s"), bare);
        figures.add("1 MB in the composer", &format!("{what}, s"), own);
        let name = format!("{what}, compared with the bare field");
        figures.add_with_target("1 MB in the composer", (&name, 2.0), own / bare);
    }
    tab.close().await;
    server.stop().await;
}

/// Seconds until the frame after an input.
struct InputTimes {
    paste: f64,
    key: f64,
}

async fn measure(tab: &BrowserTab, field: &str, text: &str) -> InputTimes {
    tab.click(field).await;
    let start = Instant::now();
    tab.devtools("Input.insertText", json!({ "text": text }))
        .await;
    wait_for_frame(tab).await;
    let paste = start.elapsed().as_secs_f64();
    let start = Instant::now();
    tab.devtools("Input.insertText", json!({ "text": "x" }))
        .await;
    wait_for_frame(tab).await;
    let key = start.elapsed().as_secs_f64();
    InputTimes { paste, key }
}

/// Waits until the browser has drawn the next frame.
async fn wait_for_frame(tab: &BrowserTab) {
    let script = "return new Promise((done) =>
        requestAnimationFrame(() => requestAnimationFrame(() => done(true))))";
    tab.script(script, &[]).await;
}
