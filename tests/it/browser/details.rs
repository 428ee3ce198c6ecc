//! Emoji, sounds, notifications, relative times, the character counter, long
//! presses and installing the app.

use serde_json::{Value, json};

use crate::support::browser::{
    BrowserDriver, BrowserTab, COMPOSER, DESKTOP, DOWN, ENTER, ESCAPE, PHONE, UP,
};
use crate::support::{TestApp, TestUser, until};

/// A lower bound for the number of Unicode emoji without variants of skin
/// colour.
const MANY: u64 = 1_500;

#[tokio::test]
async fn emoji_picker_searches_and_remembers() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let tab = browsers.open_as(&ben, DESKTOP).await;
    tab.open_conversation(id).await;
    tab.click("[data-act=emoji]").await;
    let count = "return document.querySelectorAll('.emoji-grid button').length";
    until("all emoji", || async {
        let count = tab.script(count, &[]).await.as_u64();
        (count > Some(MANY)).then_some(())
    })
    .await;
    assert_eq!(tab.accessibility_faults().await, [""; 0]);
    tab.press("rock").await;
    tab.see(".emoji-grid button[aria-label*=rocket]").await;
    tab.press(&format!("{DOWN}{ENTER}")).await;
    tab.wait_for_value(
        "const field = document.querySelector('.composer textarea');
         return document.activeElement === field && field.value.length > 0",
        json!(true),
    )
    .await;
    let chosen = tab
        .script(
            "return document.querySelector('.composer textarea').value",
            &[],
        )
        .await;
    tab.press(ENTER).await;
    tab.see_message(chosen.as_str().unwrap()).await;
    // A message can't get a reaction before the server has stored it.
    tab.see(".message:last-child .ticks[data-status=sent]")
        .await;
    // The chosen emoji is now also offered as a reaction.
    tab.type_into(".history", UP).await;
    tab.press(ENTER).await;
    tab.click(".quick [aria-label='More emoji']").await;
    tab.see_text(".emoji-shelf h3", "Recently used").await;
    tab.press(&format!("{DOWN}{ENTER}")).await;
    tab.see_text(".message [data-act=reaction]", chosen.as_str().unwrap())
        .await;
    tab.assert_accessible().await;
    // If the list of emoji can't be loaded, the page still offers a few.
    tab.block_urls(&["*emoji.json"]).await;
    tab.reload().await;
    tab.click("[data-act=emoji]").await;
    tab.see_text(".emoji-said", "could not be loaded").await;
    tab.see(".emoji-grid button").await;
    tab.press(ESCAPE).await;
    tab.see_absent(".emoji-grid").await;
    let refused = tab.console_errors().await;
    assert!(
        refused.iter().all(|it| it.contains("emoji.json")),
        "{refused:?}"
    );
}

/// Lets a test change the time and records sounds, notifications and the badge.
pub(super) const STAGED: &str = "
    const real = Date.now;
    window.later = 0;
    Date.now = () => real() + window.later;
    window.alerts = [];
    navigator.setAppBadge = async (count) => { window.badge = count; };
    navigator.clearAppBadge = async () => { window.badge = 0; };
    window.AudioContext = class {
        currentTime = 0;
        constructor() { window.alerts.push('sound'); throw new Error('no loudspeaker'); }
    };
    window.Notification = class extends EventTarget {
        static permission = 'granted';
        static requestPermission = async () => 'granted';
        constructor(title, { body, icon }) {
            super();
            window.alerts.push(icon.endsWith('.png') ? `${title}: ${body}` : 'no icon');
        }
        close() {}
    };
    window.look = (isHere) => {
        const state = isHere ? 'visible' : 'hidden';
        Object.defineProperty(document, 'visibilityState', { value: state, configurable: true });
        document.hasFocus = () => isHere;
        document.dispatchEvent(new Event('visibilitychange'));
    };";

#[tokio::test]
async fn hidden_page_announces_new_messages() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let tab = browsers.open_as(&ben, DESKTOP).await;
    tab.run_before_pages(STAGED).await;
    tab.open_conversation(id).await;
    tab.see_message("The first.").await;
    // Browsers play no sound before the user has interacted with the page.
    tab.click(COMPOSER).await;
    check_alerts(&tab, &ann, id).await;
    check_badge(&tab, &ann, id).await;
    check_switches(&tab, &ann, id).await;
    check_counter(&tab).await;
    check_times(&tab).await;
}

/// A new message plays a sound and shows a notification if these are enabled.
async fn check_alerts(tab: &BrowserTab, ann: &TestUser, id: i64) {
    tab.script("window.look(false)", &[]).await;
    let front = "return (async () => (await navigator.locks.query()).held
        .some(({ name }) => name.startsWith('tidings.front')))()";
    tab.wait_for_value(front, json!(false)).await;
    ann.send(id, "Are you there?").await.expect(201);
    tab.wait_for_value("return window.alerts", json!(["sound"]))
        .await;
    tab.script("localStorage.setItem('tidings.notify', 'true')", &[])
        .await;
    ann.send(id, "Hello?").await.expect(201);
    let both = json!(["sound", "sound", "ann: Hello?"]);
    tab.wait_for_value("return window.alerts", both.clone())
        .await;
    // A focused page plays no sound and shows no notification.
    tab.script("window.look(true)", &[]).await;
    ann.send(id, "There you are.").await.expect(201);
    tab.see_message("There you are.").await;
    assert_eq!(tab.script("return window.alerts", &[]).await, both);
}

/// The app's badge shows the number of unread messages.
async fn check_badge(tab: &BrowserTab, ann: &TestUser, id: i64) {
    tab.wait_for_value("return window.badge", json!(0)).await;
    tab.script("window.look(false)", &[]).await;
    ann.send(id, "One more").await.expect(201);
    tab.wait_for_value("return window.badge", json!(1)).await;
    tab.script("window.look(true)", &[]).await;
    tab.wait_for_value("return window.badge", json!(0)).await;
}

async fn check_switches(tab: &BrowserTab, ann: &TestUser, id: i64) {
    tab.script(
        "localStorage.setItem('tidings.sound', 'false');
         localStorage.setItem('tidings.notify', 'false');
         window.alerts = [];
         window.look(false)",
        &[],
    )
    .await;
    ann.send(id, "Gone again?").await.expect(201);
    tab.see_message("Gone again?").await;
    assert_eq!(tab.script("return window.alerts", &[]).await, json!([]));
    tab.script("window.look(true)", &[]).await;
}

/// The counter appears only near the limit of a message's length.
async fn check_counter(tab: &BrowserTab) {
    let shown = "return document.querySelector('.composer .counter').checkVisibility()";
    tab.paste(COMPOSER, &"x".repeat(5_000)).await;
    tab.wait_for_value(shown, json!(false)).await;
    tab.paste(COMPOSER, &"x".repeat(9_990)).await;
    tab.wait_for_value(shown, json!(true)).await;
    tab.see_text(".composer .counter", "10 left").await;
    tab.paste(COMPOSER, &"x".repeat(10_003)).await;
    tab.see_text(".composer .counter", "3 over").await;
    tab.see(".composer button[type=submit]:disabled").await;
    tab.fill(COMPOSER, "").await;
    tab.wait_for_value(shown, json!(false)).await;
}

/// The open page updates its times after a day of sleep. If the device's clock
/// was only set forward, the server's date corrects them.
async fn check_times(tab: &BrowserTab) {
    tab.block_urls(&["*/api/me/"]).await;
    let times = "return [...document.querySelectorAll('.rows .row time, .history .day time, .history .day')]
        .map((it) => it.textContent.trim())";
    let before = tab.script(times, &[]).await;
    assert!(before.to_string().contains("Today"), "{before}");
    tab.script("window.later = 24 * 3600_000; window.look(true)", &[])
        .await;
    tab.see_text(".history .day", "Yesterday").await;
    let after = tab.script(times, &[]).await;
    let (Value::Array(before), Value::Array(after)) = (before, after) else {
        panic!("texts");
    };
    assert_ne!(before[0], after[0], "the row's time is a weekday now");
    tab.block_urls(&[]).await;
    tab.script("window.later = 48 * 3600_000; window.look(true)", &[])
        .await;
    tab.see_text(".history .day", "Today").await;
}

#[tokio::test]
async fn phone_has_menu_and_installable_app() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let tab = browsers.open_as(&ben, PHONE).await;
    tab.open_conversation(id).await;
    tab.see_message("The first.").await;
    let middle = tab
        .script(
            "const it = document.querySelector('.history .message .bubble') ??
                document.querySelector('.history .message');
             const { x, y, width, height } = it.getBoundingClientRect();
             return { x: x + width / 2, y: y + height / 2 }",
            &[],
        )
        .await;
    let touch = |kind: &str, points: Value| json!({ "type": kind, "touchPoints": points });
    let down = touch("touchStart", json!([middle]));
    tab.devtools("Input.dispatchTouchEvent", down).await;
    tab.see("[role=menu]").await;
    let up = touch("touchEnd", json!([]));
    tab.devtools("Input.dispatchTouchEvent", up).await;
    tab.pick_menu_entry("Reply").await;
    tab.see(".answering").await;
    let manifest = tab.devtools("Page.getAppManifest", json!({})).await;
    assert_eq!(manifest["errors"], json!([]), "{manifest}");
    let text = manifest["data"].as_str().unwrap();
    let manifest: Value = serde_json::from_str(text).unwrap();
    assert_eq!(manifest["display"], "standalone");
    let wanting = tab
        .devtools("Page.getInstallabilityErrors", json!({}))
        .await;
    assert_eq!(wanting["installabilityErrors"], json!([]), "{wanting}");
    tab.assert_no_console_errors().await;
}
