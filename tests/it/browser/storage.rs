//! Storage that is refused or full: typed text is kept while the page lives, and
//! the page says if a message would be lost with it.

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::browser::{BrowserDriver, BrowserTab, COMPOSER, DESKTOP, NetworkState};

const DRAFT: &str = "return document.querySelector('.composer textarea').value";
const UNSAVED: &str = "Not saved on this device. Keep this tab open until it is sent.";

/// Makes every access to storage fail, as with blocked cookies.
const NO_STORAGE: &str = "Object.defineProperty(window, 'localStorage', {
    get() { throw new DOMException('refused', 'SecurityError'); },
});";

/// Fills the storage to the last character.
const FILL: &str = "
    let part = 'x'.repeat(1 << 20);
    for (let at = 0; part; at += 1) {
        try {
            localStorage.setItem(`filler${at}`, part);
        } catch {
            part = part.slice(0, Math.floor(part.length / 2));
        }
    }";

#[tokio::test]
async fn draft_survives_refused_storage() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let cas = app.register_user("cas").await;
    cas.connect_with(&ann).await;
    let (id, other) = (
        ann.open_direct_used(&ben).await,
        cas.open_direct_used(&ann).await,
    );
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.run_before_pages(NO_STORAGE).await;
    tab.open_conversation(id).await;
    tab.type_into(COMPOSER, "Kept in memory").await;
    tab.click(&format!(".row[data-id='{other}']")).await;
    tab.see_text("main h1", "cas").await;
    tab.wait_for_value(DRAFT, json!("")).await;
    tab.click(&format!(".row[data-id='{id}']")).await;
    tab.see_text("main h1", "ben").await;
    tab.wait_for_value(DRAFT, json!("Kept in memory")).await;
    // A message that can't be stored says so, until it is sent.
    tab.set_network(NetworkState::Offline).await;
    tab.see_text(".banner", "Offline.").await;
    tab.send_text(", and sent").await;
    tab.see_text(".message:last-child .failure", UNSAVED).await;
    assert_eq!(tab.accessibility_faults().await, [""; 0]);
    tab.set_network(NetworkState::Online).await;
    tab.see(".message:last-child .ticks[data-status=sent]")
        .await;
    tab.see_absent(".failure").await;
    assert_eq!(ben.history(id).await[1]["text"], "Kept in memory, and sent");
}

/// Returns whether the browser has asked before it left the page.
async fn has_asked(tab: &BrowserTab) -> bool {
    let log = tab.log("performance").await;
    let texts = log.iter().filter_map(|entry| entry["message"].as_str());
    let events: Vec<Value> = texts
        .map(|text| serde_json::from_str(text).unwrap())
        .collect();
    events.iter().any(|event| {
        event["message"]["method"] == "Page.javascriptDialogOpening"
            && event["message"]["params"]["type"] == "beforeunload"
    })
}

/// The sending of messages, without which they wait.
const SENDS: &str = "*/api/conversations/*/messages/";

#[tokio::test]
async fn full_storage_asks_to_keep_tab() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.disable_sockets().await;
    tab.open_conversation(id).await;
    tab.block_urls(&[SENDS]).await;
    tab.send_text("Stored").await;
    tab.see(".message:last-child .ticks[data-status=waiting]")
        .await;
    tab.see_absent(".failure").await;
    // The storage becomes full later.
    tab.script(FILL, &[]).await;
    tab.send_text("Not stored").await;
    tab.see_text(".message:last-child .failure", UNSAVED).await;
    assert_eq!(tab.texts(".failure").await.len(), 1);
    tab.block_urls(&[]).await;
    tab.see(".message:last-child .ticks[data-status=sent]")
        .await;
    tab.see_absent(".failure").await;
    // When all messages are sent, the page lets the user go.
    tab.reload().await;
    tab.see_message("Not stored").await;
    assert!(!has_asked(&tab).await);
    tab.block_urls(&[SENDS]).await;
    tab.send_text("Would be lost").await;
    tab.see_text(".message:last-child .failure", UNSAVED).await;
    // The driver confirms the question.
    tab.reload().await;
    assert!(has_asked(&tab).await);
    assert_eq!(ben.history(id).await.len(), 3);
}
