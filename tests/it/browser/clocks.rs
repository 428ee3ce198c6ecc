//! A device whose clock is wrong shows the same times and order as others.

use serde_json::json;

use crate::support::TestApp;
use crate::support::browser::{BrowserDriver, DESKTOP, NetworkState};

/// Lets a test set the device's clock, but not the time that passes.
const CLOCK: &str = "
    const real = Date.now;
    window.later = Number(sessionStorage.getItem('later'));
    Date.now = () => real() + window.later;";

const DAY: i64 = 24 * 3600 * 1000;

#[tokio::test]
async fn wrong_clock_changes_no_order() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let cas = app.register_user("cas").await;
    cas.connect_with(&ann).await;
    let id = ann.open_direct_used(&ben).await;
    let other = cas.open_direct_used(&ann).await;
    for (offset, is_set_late) in [(DAY, false), (-DAY, false), (DAY, true), (-DAY, true)] {
        let case = format!("{offset} ms, set late {is_set_late}");
        cas.send(other, "Newer").await.expect(201);
        let tab = browsers.open_as(&ann, DESKTOP).await;
        tab.run_before_pages(CLOCK).await;
        tab.goto("/messages").await;
        let set = format!("sessionStorage.setItem('later', {offset}); window.later = {offset}");
        if !is_set_late {
            tab.script(&set, &[]).await;
        }
        tab.open_conversation(id).await;
        tab.see_text(".rows li:first-child .row-preview", "Newer")
            .await;
        if is_set_late {
            tab.script(&set, &[]).await;
        }
        tab.set_network(NetworkState::Offline).await;
        tab.see_text(".banner", "Offline.").await;
        tab.send_text("On my way").await;
        tab.see(".message:last-child .ticks[data-status=waiting]")
            .await;
        // The conversation is first while its message waits.
        tab.see_text(".rows li:first-child .row-preview", "On my way")
            .await;
        tab.see_text(".rows li:first-child .row-time", "now").await;
        assert_eq!(tab.texts(".day h2").await, ["Today"], "{case}");
        tab.set_network(NetworkState::Online).await;
        tab.see(".message:last-child .ticks[data-status=sent]")
            .await;
        assert_eq!(tab.texts(".day h2").await, ["Today"], "{case}");
        // Typing indicators end by the same clock.
        let mut typist = ben.socket("/ws/").await;
        let typing = json!({ "type": "typing", "conversation_id": id, "is_typing": true });
        typist.send(typing).await;
        tab.see_text(".bar-name .hint", "typing…").await;
        tab.see_absent(".bar-name .is-typing").await;
        tab.close().await;
    }
}
