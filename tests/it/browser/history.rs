//! Long lists and long histories: what comes over the wire, what stands in
//! the page, and where in it one reads.

use serde_json::{Value, json};

use super::full::fill;
use crate::support::TestApp;
use crate::support::browser::{Browsers, DESKTOP, Tab, WRITE};

/// What the first load of the busiest page may weigh.
const HEAVY: u64 = 150 * 1024;
/// A page of history at either end of what stays.
const ROWS: u64 = 350;

/// All bytes of a first visit, and whose they are.
#[tokio::test]
async fn the_first_page_is_light_and_asks_nobody_else() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let ann = app.person("ann").await;
    let id = fill(&app, &ann, 50, 1_000).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.before_each_page(SHIFTS).await;
    let zone = json!({ "timezoneId": "Asia/Kolkata" });
    tab.devtools("Emulation.setTimezoneOverride", zone).await;
    tab.open_conversation(id).await;
    tab.see_said("Message 1000.").await;
    tab.comes_to(
        "return document.querySelectorAll('.rows > li').length",
        json!(50),
    )
    .await;
    // It looks round once its socket is open; that is part of a first load.
    tab.comes_to(
        "return performance.getEntriesByType('resource')
            .some(({ name }) => name.includes('/api/connections/'))",
        json!(true),
    )
    .await;
    let transfers = tab.asked_for().await;
    let bytes = tab.received().await;
    println!("{bytes} bytes in {} answers", transfers.len());
    assert!(transfers.len() > 20, "{transfers:?}");
    assert!(bytes > 50 * 1024, "{bytes}: all are counted");
    assert!(bytes < HEAVY, "{bytes}: {transfers:#?}");
    let ours = app.site().url("/");
    let others = transfers.iter().filter(|url| !url.starts_with(&ours));
    assert_eq!(others.count(), 0, "{transfers:?}");
    // The script writes times of another zone where the server wrote others.
    let shifts = tab.script("return window.shifts", &[]).await;
    let sources = tab.script("return window.shifted ?? null", &[]).await;
    assert!(shifts.as_f64().unwrap() < 0.01, "{shifts}: {sources:#}");
    assert_eq!(tab.axe().await, [""; 0]);
    tab.assert_no_complaints().await;
}

/// How much of what is seen has moved, since before anything was.
const SHIFTS: &str = "
    window.shifts = 0;
    new PerformanceObserver((list) => {
        for (const { value, sources } of list.getEntries()) {
            window.shifts += value;
            window.shifted = sources.map(({ node, previousRect: was, currentRect: is }) =>
                [node?.outerHTML?.slice(0, 80), was.toJSON(), is.toJSON()]);
        }
    }).observe({ type: 'layout-shift', buffered: true });";

/// The first message in the page, how many there are, and where the one that
/// is read stands.
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

async fn place(tab: &Tab) -> Value {
    tab.script(PLACE, &[]).await
}

/// Scrolls to within a screen of what is there, and waits for what comes.
async fn scroll(tab: &Tab, end: &str) -> (Value, Value) {
    let to = match end {
        "first" => "200 - document.querySelector('.history').scrollHeight + innerHeight",
        _ => "-200",
    };
    // In one go: what comes may come before anything else is asked.
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
async fn ten_thousand_messages_scroll_in_a_small_page() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let ann = app.person("ann").await;
    let id = fill(&app, &ann, 3, 10_000).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.open_conversation(id).await;
    tab.see_said("Message 10000.").await;
    for _ in 0..12 {
        let (before, after) = scroll(&tab, "first").await;
        assert!(after["rows"].as_u64().unwrap() < ROWS, "{after}");
        assert_eq!(before["read"], after["read"], "what one reads stays");
        let moved = before["at"].as_f64().unwrap() - after["at"].as_f64().unwrap();
        assert!(moved.abs() < 2.0, "{before} {after}");
    }
    let far = place(&tab).await;
    assert!(far["first"].as_u64().unwrap() < 9_600, "{far}");
    assert!(far["last"].as_u64().unwrap() < 10_000, "the end is let go");
    // A new one doesn't move who reads far back, and the way to it is offered.
    ann.send(id, "Message 10001.").await.expect(201);
    tab.see_text(".row-preview", "Message 10001.").await;
    assert_eq!(place(&tab).await["read"], far["read"]);
    tab.click(".to-end").await;
    tab.see_said("Message 10001.").await;
    // An address leads to any place in it.
    tab.goto(&format!("/messages?conversation={id}&around=40"))
        .await;
    tab.see_said("Message 40.").await;
    for _ in 0..2 {
        let (_, after) = scroll(&tab, "last").await;
        assert!(after["rows"].as_u64().unwrap() < ROWS, "{after}");
    }
    tab.assert_good().await;
}

/// Whoever comes back begins at the first unread one; who has scrolled away
/// is told how many came; what is half written waits in each conversation.
#[tokio::test]
async fn reading_and_writing_go_on_where_they_were_left() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let cas = app.person("cas").await;
    cas.connect_with(&ann).await;
    let (id, other) = (ann.talk_with(&ben).await, cas.talk_with(&ann).await);
    for at in 1..=40 {
        ben.send(id, &format!("News {at}.")).await.expect(201);
    }
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.open_conversation(id).await;
    tab.see_text(".unread-line", "40 unread").await;
    tab.comes_to(
        "const line = document.querySelector('.unread-line').getBoundingClientRect();
         const box = document.querySelector('.history').getBoundingClientRect();
         return line.top >= box.top && line.top < box.top + 160",
        json!(true),
    )
    .await;
    tab.see(".to-end").await;
    tab.assert_good().await;
    ben.send(id, "News 41.").await.expect(201);
    tab.see_text(".to-end", "1 new").await;
    tab.click(".to-end").await;
    tab.comes_to("return document.title", json!("(1) ben · Tidings"))
        .await;
    tab.see_no(".to-end").await;
    // The other conversation is what is left.
    tab.type_into(WRITE, "to be continued").await;
    let rows = format!(".row[data-id='{other}']");
    tab.see_text(&format!("{rows} .badge"), "1").await;
    tab.click(&rows).await;
    tab.see_said("The first.").await;
    tab.comes_to("return document.title", json!("cas · Tidings"))
        .await;
    tab.type_into(WRITE, "another").await;
    tab.script("history.back()", &[]).await;
    tab.see_said("News 41.").await;
    tab.comes_to(DRAFT, json!("to be continued")).await;
    tab.script("history.forward()", &[]).await;
    tab.see_said("The first.").await;
    tab.comes_to(DRAFT, json!("another")).await;
    tab.reload().await;
    tab.see(".days").await;
    tab.comes_to(DRAFT, json!("another")).await;
    tab.assert_good().await;
}

const DRAFT: &str = "return document.querySelector('.composer textarea').value";
