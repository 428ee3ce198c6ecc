//! The README's screenshots, taken of the data of `tidings demo`.
//!
//! `UPDATE_SCREENSHOTS=1 cargo test --test it pictures` stores new ones. They
//! show times and always differ, so the test takes them each time but compares
//! only their sizes. The test also checks the accessibility of the pages shown.

use std::path::Path;

use serde_json::json;

use crate::demo;
use crate::support::TestUser;
use crate::support::browser::{BrowserDriver, BrowserTab, ScreenSize};

/// The maximum size of a screenshot in bytes.
const HEAVY: usize = 150_000;

const WIDE: ScreenSize = ScreenSize {
    width: 1_080,
    height: 675,
};
const NARROW: ScreenSize = ScreenSize {
    width: 360,
    height: 720,
};

#[tokio::test]
async fn screenshots_of_demo_are_small() {
    let (app, me) = demo::filled().await;
    let browsers = BrowserDriver::start().await;
    let id = newest_read_group(&me).await;
    let tab = browsers.open(app.site(), WIDE).await;
    tab.log_in_as(&me).await;
    let locale = json!({ "locale": "en-GB" });
    tab.devtools("Emulation.setLocaleOverride", locale).await;
    tab.emulate_media("prefers-color-scheme", "light").await;
    tab.open_conversation(id).await;
    check_screenshot(&tab, "light").await;
    tab.emulate_media("prefers-color-scheme", "dark").await;
    check_screenshot(&tab, "dark").await;
    tab.emulate_media("prefers-color-scheme", "light").await;
    tab.size(NARROW).await;
    check_screenshot(&tab, "phone").await;
    tab.goto("/messages").await;
    tab.see(".row[data-id]").await;
    check_screenshot(&tab, "phone-list").await;
}

/// Returns the newest group without unread messages.
async fn newest_read_group(me: &TestUser) -> i64 {
    let list = me.get("/api/conversations/").await.expect(200);
    let list = list.as_array().unwrap().iter();
    let mut groups = list.filter(|it| it["kind"] == "group" && it["unread_count"] == 0);
    groups.next().unwrap()["id"].as_i64().unwrap()
}

#[expect(
    clippy::disallowed_methods,
    reason = "UPDATE_SCREENSHOTS configures this test, not the server"
)]
async fn check_screenshot(tab: &BrowserTab, name: &str) {
    tab.assert_accessible().await;
    let picture = tab.take_screenshot().await;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/pictures/{name}.png"));
    if std::env::var_os("UPDATE_SCREENSHOTS").is_some() {
        std::fs::write(&path, &picture).unwrap();
    }
    let shown = std::fs::read(&path).unwrap();
    assert!(shown.len() < HEAVY, "{name}: {} bytes", shown.len());
    // The header of a PNG contains width and height.
    assert_eq!(
        shown[..24],
        picture[..24],
        "{name} has the size of the stored one"
    );
}
