//! Long lists and long histories: bytes transferred, rows in the page, and the
//! reading position.

use serde_json::{Value, json};

use super::large_account::fill;
use crate::support::TestApp;
use crate::support::browser::{BrowserDriver, BrowserTab, COMPOSER, DESKTOP};

/// The maximum size of the first load of a busy page, in bytes.
const HEAVY: u64 = 150 * 1024;
/// The maximum number of history rows in the page.
const ROWS: u64 = 350;

/// Counts all bytes of a first visit and checks that all came from the server.
#[tokio::test]
async fn first_page_is_small() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let ann = app.register_user("ann").await;
    let id = fill(&app, &ann, 50, 1_000).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.run_before_pages(SHIFTS).await;
    let zone = json!({ "timezoneId": "Asia/Kolkata" });
    tab.devtools("Emulation.setTimezoneOverride", zone).await;
    tab.open_conversation(id).await;
    tab.see_message("Message 1000.").await;
    tab.wait_for_value(
        "return document.querySelector('.rows > li').ariaSetSize",
        json!("50"),
    )
    .await;
    // The first load includes the requests that the page sends once its socket
    // is open.
    tab.wait_for_value(
        "return performance.getEntriesByType('resource')
            .some(({ name }) => name.includes('/api/connections/'))",
        json!(true),
    )
    .await;
    let transfers = tab.requested_urls().await;
    let bytes = tab.bytes_received().await;
    println!("{bytes} bytes in {} answers", transfers.len());
    assert!((5..=12).contains(&transfers.len()), "{transfers:?}");
    assert!(bytes > 50 * 1024, "{bytes}: the count is incomplete");
    assert!(bytes < HEAVY, "{bytes}: {transfers:#?}");
    let ours = app.site().url("/");
    let others = transfers.iter().filter(|url| !url.starts_with(&ours));
    assert_eq!(others.count(), 0, "{transfers:?}");
    // The layout may shift slightly: the script replaces the server's times by
    // those of the browser's time zone.
    let shifts = tab.script("return window.shifts", &[]).await;
    let sources = tab.script("return window.shifted ?? null", &[]).await;
    assert!(shifts.as_f64().unwrap() < 0.01, "{shifts}: {sources:#}");
    assert_eq!(tab.accessibility_faults().await, [""; 0]);
    tab.assert_no_console_errors().await;
}

/// Adds up the layout shifts since before the first paint.
const SHIFTS: &str = "
    window.shifts = 0;
    new PerformanceObserver((list) => {
        for (const { value, sources } of list.getEntries()) {
            window.shifts += value;
            window.shifted = sources.map(({ node, previousRect: was, currentRect: is }) =>
                [node?.outerHTML?.slice(0, 80), was.toJSON(), is.toJSON()]);
        }
    }).observe({ type: 'layout-shift', buffered: true });";

/// Returns the first and last message, the number of rows, and the message at
/// the reading position with its offset.
const PLACE: &str = "
    const all = [...document.querySelectorAll('.history .message')];
    const top = document.querySelector('.history').getBoundingClientRect().top;
    const read = all.find((it) => it.getBoundingClientRect().bottom > top + 4);
    return {
        first: Number(/Message (\\d+)\\./u.exec(all[0].innerText)[1]),
        last: Number(/Message (\\d+)\\./u.exec(all.at(-1).innerText)[1]),
        rows: document.querySelectorAll('.history li').length,
        read: read.id, at: read.getBoundingClientRect().top - top,
    };";

async fn place(tab: &BrowserTab) -> Value {
    tab.script(PLACE, &[]).await
}

/// Scrolls to within a screen of one end of the loaded messages and waits until
/// the next page is loaded.
async fn scroll(tab: &BrowserTab, end: &str) -> (Value, Value) {
    let to = match end {
        "first" => "200 - document.querySelector('.history').scrollHeight + innerHeight",
        _ => "-200",
    };
    // A single script, because the next page could arrive before a second one.
    let before = format!("document.querySelector('.history').scrollTop = {to}; {PLACE}");
    let before = tab.script(&before, &[]).await;
    let look = PLACE.replace("return {", "const now = {");
    let look = format!("{look} return now.{end}");
    let was = before[end].clone();
    crate::support::until(&format!("the {end} to move from {was}"), async || {
        (tab.script(&look, &[]).await != was).then_some(())
    })
    .await;
    (before, place(tab).await)
}

#[tokio::test]
async fn long_history_scrolls_in_small_page() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let ann = app.register_user("ann").await;
    let id = fill(&app, &ann, 3, 10_000).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.open_conversation(id).await;
    tab.see_message("Message 10000.").await;
    for _ in 0..12 {
        let (before, after) = scroll(&tab, "first").await;
        assert!(after["rows"].as_u64().unwrap() < ROWS, "{after}");
        assert_eq!(before["read"], after["read"], "the reading position stays");
        let moved = before["at"].as_f64().unwrap() - after["at"].as_f64().unwrap();
        assert!(moved.abs() < 2.0, "{before} {after}");
    }
    let far = place(&tab).await;
    assert!(far["first"].as_u64().unwrap() < 9_600, "{far}");
    assert!(
        far["last"].as_u64().unwrap() < 10_000,
        "the newest messages are removed from the page"
    );
    // A new message doesn't move the reading position. A button leads to the
    // message.
    ann.send(id, "Message 10001.").await.expect(201);
    tab.see_text(".row-preview", "Message 10001.").await;
    assert_eq!(place(&tab).await["read"], far["read"]);
    tab.click(".to-end").await;
    tab.see_message("Message 10001.").await;
    // An address can lead to any message.
    tab.goto(&format!("/messages?conversation={id}&around=40"))
        .await;
    tab.see_message("Message 40.").await;
    for _ in 0..2 {
        let (_, after) = scroll(&tab, "last").await;
        assert!(after["rows"].as_u64().unwrap() < ROWS, "{after}");
    }
    tab.assert_accessible().await;
}

/// A returning user starts at the first unread message. A button shows the
/// number of new messages below, and each conversation keeps its draft.
#[tokio::test]
async fn reading_position_and_drafts_are_kept() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let cas = app.register_user("cas").await;
    cas.connect_with(&ann).await;
    let (id, other) = (
        ann.open_direct_used(&ben).await,
        cas.open_direct_used(&ann).await,
    );
    for at in 1..=40 {
        ben.send(id, &format!("News {at}.")).await.expect(201);
    }
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.open_conversation(id).await;
    tab.see_text(".unread-line", "40 unread messages").await;
    tab.wait_for_value(
        "const line = document.querySelector('.unread-line').getBoundingClientRect();
         const box = document.querySelector('.history').getBoundingClientRect();
         return line.top >= box.top && line.top < box.top + 160",
        json!(true),
    )
    .await;
    tab.see(".to-end").await;
    tab.assert_accessible().await;
    ben.send(id, "News 41.").await.expect(201);
    tab.see_text(".to-end", "1 new").await;
    tab.click(".to-end").await;
    tab.wait_for_value("return document.title", json!("(1) ben · Tidings"))
        .await;
    tab.see_absent(".to-end").await;
    // Only the other conversation is still unread.
    tab.type_into(COMPOSER, "to be continued").await;
    let rows = format!(".row[data-id='{other}']");
    tab.see_text(&format!("{rows} .badge"), "1").await;
    tab.click(&rows).await;
    tab.see_message("The first.").await;
    tab.wait_for_value("return document.title", json!("cas · Tidings"))
        .await;
    tab.type_into(COMPOSER, "another").await;
    tab.script("history.back()", &[]).await;
    tab.see_message("News 41.").await;
    tab.wait_for_value(DRAFT, json!("to be continued")).await;
    tab.script("history.forward()", &[]).await;
    tab.see_message("The first.").await;
    tab.wait_for_value(DRAFT, json!("another")).await;
    tab.reload().await;
    tab.see(".days").await;
    tab.wait_for_value(DRAFT, json!("another")).await;
    tab.assert_accessible().await;
}

const DRAFT: &str = "return document.querySelector('.composer textarea').value";
