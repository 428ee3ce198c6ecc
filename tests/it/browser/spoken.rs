//! What screen readers announce: typing and new messages.

use serde_json::{Value, json};

use crate::support::browser::{BrowserDriver, BrowserTab, DESKTOP, NetworkState};
use crate::support::{TestApp, until};

/// Collects the announcements, without the characters that isolate names.
const RECORD: &str = "
    window.announced = [];
    new MutationObserver((changes) => {
        for (const { addedNodes, target } of changes) {
            if (!target.matches?.('.announcements')) continue;
            for (const node of addedNodes) {
                window.announced.push(node.textContent.replace(/[\\u2068\\u2069]/gu, ''));
            }
        }
    }).observe(document, { childList: true, subtree: true });";
/// Lets the page's clock jump ahead by `window.later` milliseconds.
const LATER: &str = "
    const real = performance.now.bind(performance);
    window.later = 0;
    performance.now = () => real() + window.later;";
const ANNOUNCED: &str = "return window.announced";

async fn announced(tab: &BrowserTab, expected: Value) {
    tab.wait_for_value(ANNOUNCED, expected).await;
}

/// Typing with pauses is announced once, and again after ten seconds without
/// typing.
#[tokio::test]
async fn typing_is_announced_once() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.run_before_pages(LATER).await;
    tab.run_before_pages(RECORD).await;
    tab.open_conversation(id).await;
    tab.see(".is-live").await;
    let mut socket = ben.chat_socket(id).await;
    let once = json!(["ben: typing…"]);
    for _ in 0..5 {
        for is_typing in [true, false] {
            socket
                .send(json!({ "type": "typing", "is_typing": is_typing }))
                .await;
            let shown = "return document.querySelector('.bar-name .hint').matches('.is-typing')";
            tab.wait_for_value(shown, json!(is_typing)).await;
        }
        announced(&tab, once.clone()).await;
    }
    tab.script("window.later = 11_000", &[]).await;
    socket
        .send(json!({ "type": "typing", "is_typing": true }))
        .await;
    announced(&tab, json!(["ben: typing…", "ben: typing…"])).await;
}

/// Single messages are read out. Those of a replay are counted.
#[tokio::test]
async fn replay_is_announced_as_count() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.run_before_pages(RECORD).await;
    tab.open_conversation(id).await;
    tab.see(".is-live").await;
    ben.send(id, "Alone").await.expect(201);
    announced(&tab, json!(["ben: Alone"])).await;
    tab.set_network(NetworkState::Offline).await;
    tab.see_text(".banner", "Offline.").await;
    let mut socket = ben.chat_socket(id).await;
    for number in 1..=120 {
        socket.send_text(&format!("News {number}.")).await;
        if number % 40 == 0 {
            let text = json!(format!("News {number}."));
            until("news to be stored", async || {
                let conversation = ben.conversation(id).await;
                (conversation["last_message"]["text"] == text).then_some(())
            })
            .await;
        }
    }
    tab.set_network(NetworkState::Online).await;
    tab.see_text(".row .badge", "120").await;
    announced(&tab, json!(["ben: Alone", "120 new messages from ben"])).await;
    // The browser logs the failed requests of the time without a network.
    assert_eq!(tab.accessibility_faults().await, [""; 0]);
}
