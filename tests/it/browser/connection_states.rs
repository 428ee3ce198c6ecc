//! The bar that shows why a connection is lost, and the way back after a logout
//! elsewhere.

use serde_json::json;

use super::outage::{ATTEMPTS, free_port};
use crate::support::browser::{BrowserDriver, DESKTOP, ENTER, NetworkState, PHONE, ScreenSize};
use crate::support::{PASSWORD, TestApp, TestBinary, TestUser, until};

const NARROW: ScreenSize = ScreenSize {
    width: 320,
    height: 640,
};

/// The part of the bar that screen readers announce.
const ANNOUNCED: &str = "
    const bar = document.querySelector('.banner').cloneNode(true);
    bar.querySelectorAll('[aria-hidden]').forEach((it) => it.remove());
    return [document.querySelector('.banner').role, bar.textContent.replace(/\\s+/gu, ' ').trim()]";

/// The bar says whether the device has no network, or the server can't be reached.
/// A button connects at once.
#[tokio::test]
async fn lost_connection_says_why() {
    let binary = TestBinary::migrated().await;
    let address = free_port();
    let listen: [(&str, &str); 1] = [("TIDINGS_LISTEN", &address)];
    let mut server = binary.serve(&listen).await;
    let ann = TestUser::register(&server.site, "ann").await;
    let browsers = BrowserDriver::start().await;
    let tab = browsers.open_as(&ann, NARROW).await;
    tab.run_before_pages(ATTEMPTS).await;
    tab.goto("/messages").await;
    tab.wait_for_console_info("WebSocket connection established")
        .await;
    tab.set_network(NetworkState::Offline).await;
    tab.see_text(
        ".banner",
        "Offline. Messages will be sent when you’re back.",
    )
    .await;
    assert_eq!(tab.accessibility_faults().await, [""; 0]);
    tab.set_network(NetworkState::Online).await;
    tab.see_absent(".banner:not(:empty)").await;
    server.signal("KILL").await;
    server.wait_for_exit().await;
    tab.see_text(".banner", "Can’t reach the server.").await;
    tab.see_text(".banner", "Next try in").await;
    let announced = json!(["status", "Can’t reach the server. Try now"]);
    assert_eq!(tab.script(ANNOUNCED, &[]).await, announced);
    let fits = "const { left, right } = document.querySelector('.banner').getBoundingClientRect();
        return left >= 0 && right <= innerWidth";
    assert_eq!(tab.script(fits, &[]).await, json!(true));
    for scheme in ["dark", "light"] {
        tab.emulate_media("prefers-color-scheme", scheme).await;
        assert_eq!(tab.accessibility_faults().await, [""; 0], "{scheme}");
    }
    // A press connects before the next attempt is due.
    tab.script(CLICKS, &[]).await;
    tab.type_into(".banner button", ENTER).await;
    let has_tried = "return window.clicks.some((click) =>
        window.attempts.some((attempt) => attempt >= click && attempt < click + 30))";
    until("an attempt after a press", async || {
        tab.press(ENTER).await;
        let has_tried = tab.script(has_tried, &[]).await;
        (has_tried == json!(true)).then_some(())
    })
    .await;
    let _server = until("the server to come back", async || {
        Some(binary.serve(&listen).await)
    })
    .await;
    tab.see_absent(".banner:not(:empty)").await;
}

/// Records the times of clicks on the bar's button.
const CLICKS: &str = "
    window.clicks = [];
    addEventListener('click', ({ target }) => {
        if (target.closest('.banner')) window.clicks.push(performance.now());
    }, true);";

/// After a logout elsewhere, the login says so and leads back to the same place.
#[tokio::test]
async fn login_after_logout_elsewhere_leads_back() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    for screen in [DESKTOP, PHONE] {
        let other = ann.log_in_again().await;
        let tab = browsers.open_as(&other, screen).await;
        tab.open_conversation(id).await;
        tab.wait_for_console_info("WebSocket connection established")
            .await;
        let logins = other.get("/api/auth/sessions/").await.expect(200);
        let mut logins = logins.as_array().unwrap().iter();
        let own = logins.find(|login| login["current"] == true).unwrap();
        let path = format!("/api/auth/sessions/{}/", own["id"]);
        ann.delete(&path).await.expect(204);
        tab.see_text("[role=status]", "You were logged out on this device.")
            .await;
        tab.assert_accessible().await;
        tab.type_into("#username", "ann").await;
        tab.type_into("#password", PASSWORD).await;
        tab.press(ENTER).await;
        tab.see_message("The first.").await;
        let here = format!("/messages?conversation={id}");
        assert_eq!(tab.path().await, here);
        // A usual visit says nothing about a logout.
        tab.goto("/settings").await;
        tab.click("#log-out button").await;
        tab.see("form[action='/login']").await;
        tab.see_absent("[role=status]").await;
    }
}
