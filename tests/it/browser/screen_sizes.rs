//! From small phones to wide screens, the page itself never scrolls and every
//! control is large enough.

use serde_json::json;

use super::appearance::assert_fits;
use crate::support::browser::{BrowserDriver, BrowserTab, ScreenSize};
use crate::support::{TestApp, TestUser};

const SIZES: [ScreenSize; 6] = [
    ScreenSize {
        width: 320,
        height: 568,
    },
    ScreenSize {
        width: 360,
        height: 720,
    },
    ScreenSize {
        width: 768,
        height: 1_024,
    },
    ScreenSize {
        width: 1_280,
        height: 800,
    },
    ScreenSize {
        width: 1_440,
        height: 900,
    },
    ScreenSize {
        width: 2_560,
        height: 1_440,
    },
];

/// Enough groups, each with an unread count, that the list is longer than any
/// screen.
const GROUPS: usize = 28;

async fn crowded(ann: &TestUser, ben: &TestUser) -> i64 {
    for at in 0..GROUPS {
        let group = json!({ "title": format!("Group {at}."), "usernames": ["ann"] });
        let made = ben.post("/api/conversations/create/", group).await;
        let id = made.expect(201)["id"].as_i64().unwrap();
        ben.send(id, "News").await.expect(201);
    }
    ann.open_direct_used(ben).await
}

async fn assert_page_fits(tab: &BrowserTab, what: &str) {
    let heights = "const { scrollHeight, scrollWidth } = document.documentElement;
         return [scrollHeight - innerHeight, scrollWidth - innerWidth]";
    let over = tab.script(heights, &[]).await;
    assert_eq!(over, json!([0, 0]), "{what}");
}

/// With scrollbars, as on a desktop.
#[tokio::test]
async fn pages_fit_every_screen_size() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = crowded(&ann, &ben).await;
    let tab = browsers.open_with_scrollbars(app.site(), SIZES[3]).await;
    tab.log_in_as(&ann).await;
    for size in SIZES {
        tab.size(size).await;
        tab.goto("/messages").await;
        tab.see(".row .badge").await;
        assert_page_fits(&tab, &format!("the list, {size:?}")).await;
        assert_fits(&tab).await;
        tab.open_conversation(id).await;
        let said = format!("To {} px", size.width);
        ben.send(id, &said).await.expect(201);
        tab.see_message(&said).await;
        // Screen readers announce the message once.
        tab.wait_for_value(
            "return [...document.querySelectorAll('.announcements p')].map((it) => it.textContent)",
            json!([format!("ben: {said}")]),
        )
        .await;
        assert_page_fits(&tab, &format!("a conversation, {size:?}")).await;
        assert_fits(&tab).await;
        tab.assert_accessible().await;
    }
    tab.size(SIZES[3]).await;
    tab.goto("/messages").await;
    tab.see(".row .badge").await;
    let rows = tab.script(ROWS_IN_SIGHT, &[]).await;
    assert!(rows.as_u64() >= Some(12), "{rows} rows in 800 px");
}

const ROWS_IN_SIGHT: &str = "
    return [...document.querySelectorAll('.rows .row')]
        .filter((it) => it.getBoundingClientRect().bottom <= innerHeight).length";

/// Checks the accessibility of error pages and of pages without scripts, small
/// and in light and dark.
#[tokio::test]
async fn error_pages_are_accessible() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    for _ in 0..3 {
        ben.send(id, "News").await.expect(201);
    }
    let tab = browsers.open_as(&ann, SIZES[0]).await;
    for scheme in ["light", "dark"] {
        tab.emulate_media("prefers-color-scheme", scheme).await;
        for path in [
            "/messages?conversation=999999",
            "/profile/nobody",
            "/nowhere",
        ] {
            tab.goto(path).await;
            tab.see("a[href='/messages']").await;
            assert_eq!(tab.accessibility_faults().await, [""; 0], "{path}");
            let complaints = tab.console_errors().await;
            let is_refusal = |it: &String| it.contains("404");
            assert!(complaints.iter().all(is_refusal), "{complaints:?}");
        }
    }
    // Blocks our scripts. The driver's own axe-core still runs.
    tab.block_urls(&["*.js"]).await;
    tab.open_conversation_plainly(id).await;
    tab.see_text(".unread-line", "3 unread messages").await;
    assert_eq!(tab.accessibility_faults().await, [""; 0]);
    assert_page_fits(&tab, "without a script").await;
}
