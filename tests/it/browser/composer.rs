//! The composer's button, texts that are too long, and low screens.

use serde_json::json;

use super::feedback::SLOW_TOASTS;
use crate::support::TestApp;
use crate::support::browser::{
    BrowserDriver, BrowserTab, COMPOSER, CONTROL, DESKTOP, ENTER, ESCAPE, SHIFT, ScreenSize, UP,
};

const BUTTON: &str = "
    const it = document.querySelector('.composer .send');
    const { width, height } = it.getBoundingClientRect();
    return [it.ariaLabel, width, height, getComputedStyle(it).borderRadius,
        it.querySelector('use').getAttribute('href')]";

const CANCEL: &str = "return document.querySelector('[data-act=drop]').ariaLabel";

#[tokio::test]
async fn composer_button_sends_and_saves() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.open_conversation(id).await;
    let sends = json!(["Send", 44, 44, "50%", "#mark-send"]);
    tab.wait_for_value(BUTTON, sends.clone()).await;
    tab.type_into(COMPOSER, "Frist").await;
    tab.click(".composer .send").await;
    tab.see(".message:last-child .ticks[data-status=sent]")
        .await;
    tab.press(UP).await;
    tab.see_text(".answering", "Editing").await;
    tab.wait_for_value(BUTTON, json!(["Save", 44, 44, "50%", "#mark-check"]))
        .await;
    tab.wait_for_value(CANCEL, json!("Cancel editing")).await;
    tab.assert_accessible().await;
    tab.fill(COMPOSER, "First").await;
    tab.click(".composer .send").await;
    tab.see_message("First").await;
    tab.wait_for_value(BUTTON, sends.clone()).await;
    tab.choose_from_menu(".history .message", "Reply").await;
    tab.wait_for_value(CANCEL, json!("Cancel reply")).await;
    tab.wait_for_value(BUTTON, sends).await;
    for scheme in ["dark", "light"] {
        tab.emulate_media("prefers-color-scheme", scheme).await;
        tab.assert_accessible().await;
    }
    tab.press(ESCAPE).await;
    tab.see_absent(".answering").await;
}

/// The length of the text, and whether the height and the direction of the
/// field are fixed.
const FIELD: &str = "
    const it = document.querySelector('.composer textarea');
    return [it.value.length, getComputedStyle(it).fieldSizing === 'fixed' && it.dir === 'ltr']";

/// A field that fits a megabyte freezes the page for seconds. Its draft is
/// stored in part.
#[tokio::test]
async fn huge_paste_can_be_shortened() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.run_before_pages(SLOW_TOASTS).await;
    tab.open_conversation(id).await;
    tab.see(".is-live").await;
    tab.wait_for_value(FIELD, json!([0, false])).await;
    let huge = "word ".repeat(200_000);
    tab.paste(COMPOSER, &huge).await;
    tab.wait_for_value(FIELD, json!([huge.len(), true])).await;
    tab.see_text(".composer .counter", "989,999 over").await;
    let height = "return document.querySelector('.composer').offsetHeight < innerHeight / 2";
    tab.wait_for_value(height, json!(true)).await;
    tab.assert_accessible().await;
    let stored = format!(
        "return (localStorage.getItem('tidings.draft.{}.{id}') ?? '').length",
        ann.id
    );
    let is_stored =
        format!("const it = (() => {{ {stored} }})(); return it > 10_000 && it < 60_000");
    tab.wait_for_value(&is_stored, json!(true)).await;
    // An undo brings the whole text back.
    for is_kept in [false, true] {
        tab.press_button(".too-long", "Keep the first 10,000 characters")
            .await;
        let kept = "const { value } = document.querySelector('.composer textarea');
            return [[...value].length <= 10_000, [...value].length > 9_990,
                document.activeElement.matches('.composer textarea')]";
        tab.wait_for_value(kept, json!([true, true, true])).await;
        tab.see_absent(".too-long").await;
        if !is_kept {
            tab.press_button(".toast", "Undo").await;
            tab.wait_for_value(FIELD, json!([huge.len(), true])).await;
        }
    }
    tab.press(ENTER).await;
    tab.see(".message:last-child .ticks[data-status=sent]")
        .await;
    tab.wait_for_value(FIELD, json!([0, false])).await;
    let sent = ann.history(id).await;
    assert_eq!(sent.last().unwrap()["text"], huge[..9_999]);
}

/// The shares of the height that the messages and the list have.
const SHARES: &str = "
    const share = (it) => document.querySelector(it)?.getBoundingClientRect().height / innerHeight;
    const { scrollWidth, scrollHeight } = document.documentElement;
    return [share('.history') >= 0.6 || share('.side-scroll') >= 0.6,
        scrollWidth <= innerWidth && scrollHeight <= innerHeight]";

/// At 400 % zoom, a desktop has 320 × 256 pixels (WCAG 1.4.10).
#[tokio::test]
async fn zoomed_page_leaves_room_for_messages() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    for (width, height) in [(320, 256), (320, 180)] {
        let tab = browsers.open_as(&ann, ScreenSize { width, height }).await;
        tab.goto("/messages").await;
        tab.see(".is-live").await;
        tab.wait_for_value(SHARES, json!([true, true])).await;
        tab.assert_accessible().await;
        tab.open_conversation(id).await;
        tab.see(".is-live").await;
        tab.wait_for_value(SHARES, json!([true, true])).await;
        // A long word doesn't push the button off the screen.
        let word = "x".repeat(80);
        let lines = format!("{word}{SHIFT}{ENTER}{SHIFT}").repeat(8);
        tab.type_into(COMPOSER, &lines).await;
        tab.wait_for_value(SHARES, json!([true, true])).await;
        let is_reachable = "const { x, y, width, height } =
                document.querySelector('.send').getBoundingClientRect();
            const at = document.elementFromPoint(x + width / 2, y + height / 2);
            return Boolean(at?.closest('.send'))";
        tab.wait_for_value(is_reachable, json!(true)).await;
        assert_targets(&tab).await;
        tab.assert_accessible().await;
        tab.press(&format!("{CONTROL}a")).await;
        tab.press("Sent").await;
        tab.press(ENTER).await;
        tab.see_message("Sent").await;
    }
}

/// Every button is at least 24 pixels wide and high (WCAG 2.5.8).
async fn assert_targets(tab: &BrowserTab) {
    let small = "return [...document.querySelectorAll('main button, main .back')]
        .filter((it) => it.checkVisibility())
        .map((it) => [it.ariaLabel, it.getBoundingClientRect()])
        .filter(([, { width, height }]) => width < 24 || height < 24)
        .map(([name]) => name)";
    assert_eq!(tab.script(small, &[]).await, json!([]));
}
