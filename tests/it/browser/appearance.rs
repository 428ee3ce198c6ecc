//! Small screens, dark colours and use by keyboard.

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::browser::{
    BrowserDriver, BrowserTab, COMPOSER, CONTROL, DESKTOP, DOWN, ENTER, ESCAPE, PHONE, ScreenSize,
    TAB, UP,
};

/// Returns the excess width and the controls smaller than 44 px. Links in
/// paragraphs may be smaller (WCAG 2.2, 2.5.5).
const MISFITS: &str = "
    const wide = document.documentElement.scrollWidth - innerWidth;
    const small = [...document.querySelectorAll('a, button, textarea, input')]
        .filter((it) => it.checkVisibility({ visibilityProperty: true }))
        .filter((it) => !it.closest('.text, .unseen, p'))
        .map((it) => it.closest('label') ?? it)
        .filter((it) => { const { width, height } = it.getBoundingClientRect();
            return Math.min(width, height) < 44; })
        .map((it) => it.outerHTML.slice(0, 120));
    return [...(wide > 0 ? [`${wide} px too wide`] : []), ...small];";

pub(super) async fn assert_fits(tab: &BrowserTab) {
    tab.wait_for_value(MISFITS, json!([])).await;
}

async fn value(tab: &BrowserTab, expression: &str) -> Value {
    tab.script(&format!("return {expression}"), &[]).await
}

/// A phone shows either the list or a conversation, with controls large enough
/// for touch, light and dark.
#[tokio::test]
async fn phone_shows_list_or_conversation() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let link = format!("Look: http://127.0.0.1/{}", "long".repeat(60));
    let sent = ben.send(id, &link).await.expect(201);
    let reaction = format!(
        "/api/conversations/{id}/messages/{}/reactions/%F0%9F%8D%B5/",
        sent["id"]
    );
    ben.put(&reaction).await.expect(200);
    let tab = browsers.open_as(&ann, PHONE).await;
    tab.run_before_pages(KEYBOARD).await;
    for (scheme, width) in [("light", 320), ("dark", 360)] {
        let size = ScreenSize { width, ..PHONE };
        tab.size(size).await;
        tab.emulate_media("prefers-color-scheme", scheme).await;
        tab.goto("/messages").await;
        tab.see(".row").await;
        tab.see_absent("main.thread").await;
        assert_fits(&tab).await;
        tab.assert_accessible().await;
        tab.click(".row").await;
        tab.see(COMPOSER).await;
        tab.see_absent(".side").await;
        assert_fits(&tab).await;
        tab.assert_accessible().await;
        tab.click(".back").await;
        tab.see(".row").await;
        tab.see_absent("main.thread").await;
    }
    tab.click(".row").await;
    tab.see(COMPOSER).await;
    // A keyboard that covers the page leaves header and composer visible.
    tab.script("window.openKeyboard(300)", &[]).await;
    tab.wait_for_value(
        "const { top } = document.querySelector('.bar').getBoundingClientRect();
         const { bottom } = document.querySelector('.composer').getBoundingClientRect();
         return top >= 0 && bottom <= innerHeight - 300",
        json!(true),
    )
    .await;
    tab.script("window.openKeyboard(0)", &[]).await;
    tab.wait_for_value(
        "return document.querySelector('.composer').getBoundingClientRect().bottom === innerHeight",
        json!(true),
    )
    .await;
    tab.assert_accessible().await;
}

/// Emulates phones whose keyboard covers the page instead of resizing it.
const KEYBOARD: &str = "
    const view = window.visualViewport;
    let covered = 0;
    Object.defineProperty(view, 'height', { get: () => innerHeight - covered });
    window.openKeyboard = (height) => {
        covered = height;
        view.dispatchEvent(new Event('resize'));
    };";

/// The keyboard alone searches, opens, writes, edits and leaves, and the focus
/// is always visible.
#[tokio::test]
async fn client_needs_only_a_keyboard() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let cas = app.register_user("cas").await;
    cas.connect_with(&ann).await;
    ann.open_direct_used(&ben).await;
    cas.open_direct_used(&ann).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.goto("/messages").await;
    tab.see(".row[data-id]").await;
    tab.press("/").await;
    tab.press("ben").await;
    tab.see(".found .row").await;
    tab.press(DOWN).await;
    assert_eq!(
        value(&tab, "document.activeElement.matches('.found .row')").await,
        json!(true)
    );
    assert_focus_is_visible(&tab).await;
    tab.press(ENTER).await;
    tab.see_message("The first.").await;
    tab.wait_for_value(IS_WRITING, json!(true)).await;
    tab.press("All by keys").await;
    tab.press(ENTER).await;
    tab.see_message("All by keys").await;
    tab.see(".message:last-child .ticks[data-status=sent]")
        .await;
    tab.wait_for_value(IS_WRITING, json!(true)).await;
    tab.press(UP).await;
    tab.see_text(".answering", "Editing").await;
    tab.press(ESCAPE).await;
    tab.see_absent(".answering").await;
    check_message_menu(&tab).await;
    // Returns to the list, moves down and opens the other conversation.
    tab.press(ESCAPE).await;
    tab.see_absent(COMPOSER).await;
    tab.wait_for_value(
        "return document.activeElement.matches('.rows .row') && location.pathname",
        json!("/messages"),
    )
    .await;
    assert_focus_is_visible(&tab).await;
    tab.press(DOWN).await;
    tab.press(ENTER).await;
    tab.see_text("main h1", "cas").await;
    tab.press(&format!("{CONTROL}k")).await;
    tab.wait_for_value("return document.activeElement.id", json!("seek"))
        .await;
    tab.press(TAB).await;
    assert_focus_is_visible(&tab).await;
    tab.assert_accessible().await;
}

/// Moves from the history to a message, opens its menu, and returns.
async fn check_message_menu(tab: &BrowserTab) {
    tab.type_into(".history", UP).await;
    assert_focus_is_visible(tab).await;
    tab.press(ENTER).await;
    tab.see("[role=menu]").await;
    tab.press(DOWN).await;
    assert_eq!(value(tab, "document.activeElement.innerText").await, "Edit");
    tab.press(ESCAPE).await;
    tab.see_absent("[role=menu]").await;
    tab.wait_for_value(
        "return document.activeElement.matches('.history .message')",
        json!(true),
    )
    .await;
    tab.press(DOWN).await;
    tab.wait_for_value(IS_WRITING, json!(true)).await;
}

const IS_WRITING: &str = "return document.activeElement.matches('.composer textarea')";

/// Checks that the focus is visible.
async fn assert_focus_is_visible(tab: &BrowserTab) {
    let ring = "(() => { const it = document.activeElement;
        const isRinged = (node) => {
            const { outlineStyle, outlineWidth } = getComputedStyle(node);
            return outlineStyle !== 'none' && parseFloat(outlineWidth) >= 1;
        };
        // A message's row is as wide as the page, so its bubble shows the ring.
        return it.matches(':focus-visible')
            && isRinged(it.querySelector('.bubble') ?? it) ? '' : it.outerHTML.slice(0, 200); })()";
    assert_eq!(value(tab, ring).await, "");
}
