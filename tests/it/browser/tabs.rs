//! Several tabs of one browser: none overwrites another's draft, and together
//! they announce a message once.

use fantoccini::wd::WindowHandle;
use serde_json::{Value, json};

use super::details::STAGED;
use crate::support::browser::{BrowserDriver, BrowserTab, COMPOSER, DESKTOP, ENTER};
use crate::support::{TestApp, TestUser, until};

const DRAFT: &str = "return document.querySelector('.composer textarea').value";

/// Creates ann, who has conversations with ben and cas.
async fn two_conversations(app: &TestApp) -> (TestUser, TestUser, [i64; 2]) {
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let cas = app.register_user("cas").await;
    cas.connect_with(&ann).await;
    let ids = [
        ann.open_direct_used(&ben).await,
        cas.open_direct_used(&ann).await,
    ];
    (ann, ben, ids)
}

/// Opens another conversation and returns.
async fn leave_and_return(tab: &BrowserTab, [id, other]: [i64; 2]) {
    tab.click(&format!(".row[data-id='{other}']")).await;
    tab.see_text("main h1", "cas").await;
    tab.click(&format!(".row[data-id='{id}']")).await;
    tab.see_text("main h1", "ben").await;
}

#[tokio::test]
async fn draft_of_closed_tab_is_kept() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, _ben, ids) = two_conversations(&app).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.open_conversation(ids[0]).await;
    let second = tab.window().await;
    tab.new_window().await;
    tab.open_conversation(ids[0]).await;
    tab.type_into(COMPOSER, "From the first tab").await;
    tab.close_window().await;
    tab.switch_window(second).await;
    // The untouched field shows the draft of the other tab.
    tab.wait_for_value(DRAFT, json!("From the first tab")).await;
    leave_and_return(&tab, ids).await;
    tab.wait_for_value(DRAFT, json!("From the first tab")).await;
    tab.reload().await;
    tab.see(".days").await;
    tab.wait_for_value(DRAFT, json!("From the first tab")).await;
    // A field that the user has changed keeps its own text.
    tab.type_into(COMPOSER, ", continued").await;
    let first = tab.window().await;
    tab.new_window().await;
    tab.open_conversation(ids[0]).await;
    tab.fill(COMPOSER, "Something else").await;
    tab.switch_window(first).await;
    tab.wait_for_value(DRAFT, json!("From the first tab, continued"))
        .await;
    tab.assert_accessible().await;
}

#[tokio::test]
async fn text_sent_in_one_tab_leaves_others() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben, ids) = two_conversations(&app).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.open_conversation(ids[0]).await;
    tab.type_into(COMPOSER, "Only once").await;
    let first = tab.window().await;
    tab.new_window().await;
    tab.open_conversation(ids[0]).await;
    tab.wait_for_value(DRAFT, json!("Only once")).await;
    let second = tab.window().await;
    tab.switch_window(first.clone()).await;
    tab.type_into(COMPOSER, ENTER).await;
    tab.see(".message:last-child .ticks[data-status=sent]")
        .await;
    for window in [second, first] {
        tab.switch_window(window).await;
        tab.wait_for_value(DRAFT, json!("")).await;
        leave_and_return(&tab, ids).await;
        tab.wait_for_value(DRAFT, json!("")).await;
        tab.reload().await;
        tab.see(".days").await;
        tab.wait_for_value(DRAFT, json!("")).await;
    }
    assert_eq!(ben.history(ids[0]).await.len(), 2);
    tab.assert_accessible().await;
}

/// Opens a conversation in several tabs that record their alerts.
async fn open_tabs(tab: &BrowserTab, id: i64, count: usize) -> Vec<WindowHandle> {
    let mut windows = Vec::new();
    for at in 0..count {
        if at > 0 {
            tab.new_window().await;
        }
        tab.run_before_pages(STAGED).await;
        tab.open_conversation(id).await;
        // Browsers play no sound before the user has interacted with the page.
        tab.click(COMPOSER).await;
        windows.push(tab.window().await);
    }
    windows
}

async fn alerts(tab: &BrowserTab, windows: &[WindowHandle]) -> Vec<Value> {
    let mut found = Vec::new();
    for window in windows {
        tab.switch_window(window.clone()).await;
        let Value::Array(here) = tab.script("return window.alerts", &[]).await else {
            panic!("no alerts");
        };
        found.extend(here);
    }
    found
}

#[tokio::test]
async fn message_is_announced_once_over_tabs() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben, ids) = two_conversations(&app).await;
    for count in [2, 5] {
        let tab = browsers.open_as(&ann, DESKTOP).await;
        let windows = open_tabs(&tab, ids[1], count).await;
        let on = "localStorage.setItem('tidings.notify', 'true')";
        tab.script(on, &[]).await;
        // The last tab shows the conversation in front, the others are hidden.
        for window in &windows {
            tab.switch_window(window.clone()).await;
            tab.script("window.look(false)", &[]).await;
        }
        tab.script("window.look(true)", &[]).await;
        tab.click(&format!(".row[data-id='{}']", ids[0])).await;
        let front = format!(
            "return (async () => (await navigator.locks.query()).held
            .some(({{ name }}) => name === 'tidings.front.{}'))()",
            ids[0]
        );
        tab.wait_for_value(&front, json!(true)).await;
        ben.send(ids[0], "In sight").await.expect(201);
        for window in &windows {
            tab.switch_window(window.clone()).await;
            tab.see_text(".row-preview", "In sight").await;
        }
        assert!(alerts(&tab, &windows).await.is_empty(), "{count} tabs");
        // All tabs are hidden.
        tab.script("window.look(false)", &[]).await;
        tab.wait_for_value(&front, json!(false)).await;
        for text in ["Out of sight", "Again"] {
            ben.send(ids[0], text).await.expect(201);
            until("a notification", async || {
                let found = alerts(&tab, &windows).await;
                let expected = json!(format!("ben: {text}"));
                found.contains(&expected).then_some(())
            })
            .await;
        }
        let mut found = alerts(&tab, &windows).await;
        found.sort_by_key(Value::to_string);
        let expected = ["ben: Again", "ben: Out of sight", "sound", "sound"];
        assert_eq!(found, expected, "{count} tabs");
        tab.close().await;
    }
}

/// Over plain HTTP, browsers have no Web Locks, and the tabs agree by messages.
#[tokio::test]
async fn tabs_without_locks_announce_once() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben, ids) = two_conversations(&app).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    let mut windows = Vec::new();
    for at in 0..3 {
        if at > 0 {
            tab.new_window().await;
        }
        tab.run_before_pages(STAGED).await;
        let none = "Object.defineProperty(navigator, 'locks', { value: undefined })";
        tab.run_before_pages(none).await;
        tab.open_conversation(ids[1]).await;
        tab.click(COMPOSER).await;
        tab.script("window.look(false)", &[]).await;
        windows.push(tab.window().await);
    }
    let on = "localStorage.setItem('tidings.notify', 'true')";
    tab.script(on, &[]).await;
    for (at, text) in ["Out of sight", "Again"].into_iter().enumerate() {
        ben.send(ids[0], text).await.expect(201);
        until("a notification and a sound", async || {
            let found = alerts(&tab, &windows).await;
            let expected = json!(format!("ben: {text}"));
            (found.contains(&expected) && found.len() > 2 * at + 1).then_some(())
        })
        .await;
    }
    // The last tab shows the conversation in front.
    tab.script("window.look(true)", &[]).await;
    tab.click(&format!(".row[data-id='{}']", ids[0])).await;
    tab.see_message("Again").await;
    ben.send(ids[0], "In sight").await.expect(201);
    for window in &windows {
        tab.switch_window(window.clone()).await;
        tab.see_text(".row-preview", "In sight").await;
    }
    let mut found = alerts(&tab, &windows).await;
    found.sort_by_key(Value::to_string);
    let expected = ["ben: Again", "ben: Out of sight", "sound", "sound"];
    assert_eq!(found, expected);
}
