//! Presence and connections in a real browser: the marks of online and offline
//! users, the live profile, and pages outside the messenger.

use serde_json::json;

use crate::admin::admin;
use crate::people::block;
use crate::support::browser::{BrowserDriver, BrowserTab, DESKTOP};
use crate::support::{TestApp, TestUser, until};

/// A server that takes a user offline soon after the last socket has closed.
async fn spawn_with_short_grace() -> TestApp {
    let builder = TestApp::builder();
    let change = |settings: &mut tidings::config::Settings| {
        settings.timings.presence_grace = std::time::Duration::from_millis(100);
    };
    builder.settings(change).spawn().await
}

/// Returns the contrast between the ring of an offline user and the ground
/// around it, as WCAG 2.2 computes it.
const RING_CONTRAST: &str = "
    const pixel = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const luminance = (colour) => {
        pixel.clearRect(0, 0, 1, 1);
        pixel.fillStyle = colour;
        pixel.fillRect(0, 0, 1, 1);
        const [red, green, blue] = [...pixel.getImageData(0, 0, 1, 1).data].map((part) => {
            const share = part / 255;
            return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    return [...document.querySelectorAll('.face.is-offline')].map((face) => {
        const { borderTopColor, borderTopStyle, outlineColor } = getComputedStyle(face, '::after');
        const both = [luminance(borderTopColor), luminance(outlineColor)];
        return borderTopStyle === 'solid'
            && (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05) >= 3;
    })";

/// Contacts that are offline have a grey ring, and those whose presence the
/// viewer may not see have none.
#[tokio::test]
async fn offline_contacts_have_grey_ring() {
    let (app, browsers) = (spawn_with_short_grace().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let cas = app.register_user("cas").await;
    cas.connect_with(&ann).await;
    let (id, hidden) = (
        ann.open_direct_used(&ben).await,
        cas.open_direct_used(&ann).await,
    );
    block(&cas, &ann).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    for scheme in ["light", "dark"] {
        tab.emulate_media("prefers-color-scheme", scheme).await;
        tab.open_conversation(id).await;
        tab.wait_for_value(RING_CONTRAST, json!([true, true])).await;
        tab.see(".bar .face.is-offline").await;
        tab.see_text(".bar-name .hint", "Offline").await;
        tab.assert_accessible().await;
    }
    let shown = ".face .presence:not([hidden])";
    assert_eq!(tab.texts(shown).await, ["Offline"; 2]);
    let row = format!(".row[data-id='{id}']");
    let here = ben.socket("/ws/").await;
    tab.see(&format!("{row} .face.is-online")).await;
    tab.see_text(".bar .presence", "Online").await;
    tab.see_absent(".face.is-offline").await;
    tab.emulate_media("forced-colors", "active").await;
    let background = "return getComputedStyle(document.querySelector(arguments[0]), '::after')
        .backgroundColor";
    let dot = tab.script(background, &[json!(".bar .face")]).await;
    drop(here);
    tab.see(&format!("{row} .face.is-offline")).await;
    tab.see_text(".bar-name .hint", "last seen").await;
    let ring = tab.script(background, &[json!(".bar .face")]).await;
    assert_ne!(dot, ring, "forced colours keep both marks apart");
    // A null status has no mark, also after a change of page by script.
    tab.click(&format!(".row[data-id='{hidden}']")).await;
    tab.see_text("main h1", "cas").await;
    tab.see_absent(".bar .face:is(.is-offline, .is-online)")
        .await;
    assert_eq!(tab.texts(shown).await, ["Offline"]);
}

/// The open profile shows each change of presence and connection without a
/// reload.
#[tokio::test]
async fn open_profile_shows_changes() {
    let (app, browsers) = (spawn_with_short_grace().await, BrowserDriver::start().await);
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.goto("/profile/ben").await;
    tab.see_text("#relation", "You aren’t connected.").await;
    tab.script("window.isSamePage = true", &[]).await;
    let asked = ben.request_connection(&ann).await.expect(201);
    tab.see_text("#relation", "ben wants to connect").await;
    tab.see("[formaction='/profile/ben/decline']").await;
    tab.assert_accessible().await;
    ben.delete(&format!("/api/connections/{}/", asked["id"]))
        .await
        .expect(204);
    tab.see_text("#relation", "You aren’t connected.").await;
    let asked = ann.request_connection(&ben).await.expect(201);
    tab.see_text("#relation", "ben hasn’t accepted your request")
        .await;
    let accept = format!("/api/connections/{}/accept/", asked["id"]);
    ben.post(&accept, json!({})).await.expect(200);
    tab.see_text("#relation", "You are connected.").await;
    tab.see_text(".choices a", "Message").await;
    tab.see_text(".portrait .hint", "Offline").await;
    let here = ben.socket("/ws/").await;
    tab.see_text(".portrait .hint", "online").await;
    tab.see(".portrait .face.is-online").await;
    tab.assert_accessible().await;
    drop(here);
    tab.see_text(".portrait .hint", "last seen just now").await;
    tab.see(".portrait .face.is-offline").await;
    // A block hides the presence.
    block(&ben, &ann).await;
    tab.see_text("#relation", "You aren’t connected.").await;
    tab.see_absent(".portrait .face:is(.is-offline, .is-online)")
        .await;
    assert_eq!(tab.texts(".portrait .hint").await, ["@ben"]);
    // No frame reports a block without a connection: the page looks when it is
    // shown again.
    block(&ann, &ben).await;
    tab.script("document.dispatchEvent(new Event('visibilitychange'))", &[])
        .await;
    tab.see_text("#relation", "You blocked").await;
    tab.see("[formaction='/profile/ben/unblock']").await;
    tab.assert_accessible().await;
    let is_same = tab.script("return window.isSamePage ?? false", &[]).await;
    assert_eq!(is_same, json!(true));
}

/// The changed forms of an open profile work, and keep the focus.
#[tokio::test]
async fn changed_profile_forms_work() {
    let (app, browsers) = (spawn_with_short_grace().await, BrowserDriver::start().await);
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.goto("/profile/ben").await;
    tab.see(".choices [type=submit]").await;
    tab.press(crate::support::browser::TAB).await;
    tab.press(crate::support::browser::TAB).await;
    let focused = "return document.activeElement.getAttribute('formaction')
        ?? document.activeElement.form?.getAttribute('action') ?? ''";
    tab.wait_for_value(focused, json!("/profile/ben/ask")).await;
    ben.request_connection(&ann).await.expect(201);
    tab.wait_for_value(focused, json!("/profile/ben/accept"))
        .await;
    tab.press(crate::support::browser::ENTER).await;
    tab.see_text("#relation", "You are connected.").await;
    let connections = ben.get("/api/connections/").await.expect(200);
    assert_eq!(connections[0]["state"], "connected");
    tab.click_text(".choices a", "Message").await;
    tab.see(".composer textarea").await;
    tab.assert_accessible().await;
}

/// Waits until all messages of a user are delivered.
async fn expect_delivered(person: &TestUser, id: i64) {
    until("the messages to be delivered", async || {
        let history = person.history(id).await;
        let mut all = history.iter();
        all.all(|it| it["status"] == "delivered").then_some(())
    })
    .await;
}

/// Waits until the title begins with this unread count.
async fn expect_title_count(tab: &BrowserTab, count: usize) {
    let first = "return document.title.split(' ')[0]";
    tab.wait_for_value(first, json!(format!("({count})"))).await;
}

/// On every page of a user, the user is online, messages are delivered, and the
/// title has the unread count.
#[tokio::test]
async fn every_page_holds_a_socket() {
    let (app, browsers) = (spawn_with_short_grace().await, BrowserDriver::start().await);
    let (root, ben) = (admin(&app, "root").await, app.register_user("ben").await);
    ben.connect_with(&root).await;
    let id = ben.open_direct_used(&root).await;
    let tab = browsers.open_as(&root, DESKTOP).await;
    let user = format!("/admin/users/{}", ben.id);
    let pages = [
        "/settings",
        "/profile/ben",
        "/profile/root",
        "/admin",
        &user,
    ];
    for (at, path) in pages.into_iter().enumerate() {
        tab.goto(path).await;
        // A message that came while no page was open is delivered, too.
        expect_title_count(&tab, 2 * at + 1).await;
        expect_delivered(&ben, id).await;
        ben.send(id, "While you are there").await.expect(201);
        expect_title_count(&tab, 2 * at + 2).await;
        expect_delivered(&ben, id).await;
        until("the reader to be online", async || {
            let seen = ben.get("/messages/status/root/").await.expect(200);
            (seen["is_online"] == true).then_some(())
        })
        .await;
        tab.assert_accessible().await;
        tab.goto("/healthz").await;
        until("the reader to be offline", async || {
            let seen = ben.get("/messages/status/root/").await.expect(200);
            (seen["is_online"] == false).then_some(())
        })
        .await;
        ben.send(id, "While you are away").await.expect(201);
    }
}

/// A login that ends elsewhere leads to the login form and back. A logout on
/// the page itself leads to the plain login form.
#[tokio::test]
async fn ended_login_leaves_every_page() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let ann = app.register_user("ann").await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    let other = ann.log_in_again().await;
    tab.goto("/settings").await;
    tab.wait_for_console_info("WebSocket connection established")
        .await;
    let logins = other.get("/api/auth/sessions/").await.expect(200);
    let mut logins = logins.as_array().unwrap().iter();
    let first = logins.find(|login| login["current"] == false).unwrap();
    let path = format!("/api/auth/sessions/{}/", first["id"]);
    other.delete(&path).await.expect(204);
    tab.see("form[action='/login']").await;
    assert_eq!(tab.path().await, "/login?next=%2Fsettings&ended=1");
    tab.log_in_as(&other).await;
    tab.goto("/settings").await;
    tab.wait_for_console_info("WebSocket connection established")
        .await;
    tab.click("#log-out button").await;
    tab.see("form[action='/login']").await;
    assert_eq!(tab.path().await, "/login");
}
