//! Changes that can be undone say so in a toast. Losses are confirmed first.

use serde_json::{Value, json};

use crate::support::browser::{
    BrowserDriver, BrowserTab, COMPOSER, DESKTOP, ENTER, ESCAPE, PHONE, TAB,
};
use crate::support::{TestApp, TestUser, until};

/// Waits until the server has this value for the user's own settings of a
/// conversation.
async fn wait_for_setting(person: &TestUser, id: i64, (name, value): (&str, &Value)) {
    until("a stored setting", async || {
        let conversation = person.conversation(id).await;
        (conversation[name] == *value).then_some(())
    })
    .await;
}

/// Whether the toast is inside of the list's column, and hidden by nothing.
const IS_IN_COLUMN: &str = "
    const toast = document.querySelector('.toast');
    const box = toast.getBoundingClientRect();
    const side = document.querySelector('.side').getBoundingClientRect();
    const button = toast.querySelector('button').getBoundingClientRect();
    const at = document.elementFromPoint(button.x + button.width / 2, button.y + button.height / 2);
    return box.left >= side.left && box.right <= side.right && box.bottom <= innerHeight
        && toast.contains(at) && !!toast.closest('[role=status]')";

/// Lets a toast stay for 15 s rather than 6 s: a busy machine takes long to find
/// and press its button.
pub(super) const SLOW_TOASTS: &str = "
    const { setTimeout } = window;
    window.setTimeout = (act, after, ...rest) =>
        setTimeout(act, after > 1_000 && after <= 6_000 ? after * 2.5 : after, ...rest);";

#[tokio::test]
async fn changed_chat_settings_can_be_undone() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.run_before_pages(SLOW_TOASTS).await;
    tab.open_conversation(id).await;
    tab.see(".is-live").await;
    for (entry, done, setting) in [
        ("Archive", "Archived", ("archived", json!(false))),
        ("Pin", "Pinned", ("pinned", json!(false))),
        (
            "Mute for 8 hours",
            "Muted for 8 hours",
            ("muted_until", Value::Null),
        ),
    ] {
        tab.choose_from_menu(".rows .row", entry).await;
        tab.see_text(".toast", done).await;
        tab.wait_for_value(IS_IN_COLUMN, json!(true)).await;
        assert_ne!(ann.conversation(id).await[setting.0], setting.1, "{entry}");
        tab.press_button(".toast", "Undo").await;
        tab.see_absent(".toast").await;
        wait_for_setting(&ann, id, (setting.0, &setting.1)).await;
        tab.see_text(".announcements", "Undone").await;
    }
    // The next toast replaces the last one. Undo works by keyboard, too, and
    // the focus returns.
    for entry in ["Pin", "Mute always"] {
        tab.choose_from_menu(".rows .row", entry).await;
    }
    tab.click(COMPOSER).await;
    tab.see_text(".toast", "Muted always").await;
    assert_eq!(tab.texts(".toast").await.len(), 1);
    tab_to_toast(&tab).await;
    tab.press(ENTER).await;
    wait_for_setting(&ann, id, ("muted_until", &Value::Null)).await;
    wait_for_setting(&ann, id, ("pinned", &json!(true))).await;
    let has_focus = "return document.activeElement !== document.body";
    tab.wait_for_value(has_focus, json!(true)).await;
    tab.choose_from_menu(".rows .row", "Unpin").await;
    hover(&tab, ".toast").await;
    for scheme in ["dark", "light"] {
        tab.emulate_media("prefers-color-scheme", scheme).await;
        tab.assert_accessible().await;
    }
}

/// Presses the Tab key until the focus is in the toast.
async fn tab_to_toast(tab: &BrowserTab) {
    let focused = "return document.activeElement.closest('.toast') !== null";
    for _ in 0..60 {
        if tab.script(focused, &[]).await == json!(true) {
            return;
        }
        tab.press(TAB).await;
    }
    panic!("the Tab key never reaches the toast");
}

/// Moves the mouse to the middle of an element.
async fn hover(tab: &BrowserTab, selector: &str) {
    tab.see(selector).await;
    let middle = "const { x, y, width, height } =
            document.querySelector(arguments[0]).getBoundingClientRect();
        return [x + width / 2, y + height / 2]";
    let at = tab.script(middle, &[json!(selector)]).await;
    let event = json!({ "type": "mouseMoved", "x": at[0], "y": at[1] });
    tab.devtools("Input.dispatchMouseEvent", event).await;
}

/// A toast goes after 6 s, but not while the pointer or the focus is on it.
#[tokio::test]
async fn toast_waits_under_pointer() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.run_before_pages(SLOW_TOASTS).await;
    tab.open_conversation(id).await;
    for way in ["pointer", "focus"] {
        let entry = if way == "focus" { "Unpin" } else { "Pin" };
        tab.choose_from_menu(".rows .row", entry).await;
        tab.see(".toast button").await;
        tab.script("window.shown = performance.now()", &[]).await;
        if way == "focus" {
            tab_to_toast(&tab).await;
        } else {
            hover(&tab, ".toast").await;
        }
        let late = "return performance.now() - window.shown > 16_000";
        tab.wait_for_value(late, json!(true)).await;
        tab.see(".toast button").await;
        if way == "focus" {
            tab.click(COMPOSER).await;
        } else {
            hover(&tab, ".history").await;
        }
        tab.see_absent(".toast").await;
    }
    // On a phone, the toast is above the composer.
    let phone = browsers.open_as(&ann, PHONE).await;
    phone.run_before_pages(SLOW_TOASTS).await;
    phone.open_conversation(id).await;
    phone.tap("main [data-act=more]").await;
    phone.tap_text("[role=menu] button", "Archive").await;
    phone.see_text(".toast", "Archived").await;
    let is_above = "return document.querySelector('.toast').getBoundingClientRect().bottom
        <= document.querySelector('.composer form').getBoundingClientRect().top";
    phone.wait_for_value(is_above, json!(true)).await;
    phone.tap(".toast button").await;
    wait_for_setting(&ann, id, ("archived", &json!(false))).await;
    phone.assert_accessible().await;
}

/// Describes the open question: its buttons from left to right, the focused
/// one, whether the last one is filled and at the right end, and the number of
/// buttons without a text.
const QUESTION: &str = "
    const dialog = document.querySelector('dialog.is-small');
    const buttons = [...dialog.querySelectorAll('button')].sort((one, two) =>
        one.getBoundingClientRect().left - two.getBoundingClientRect().left);
    const last = buttons.at(-1);
    const body = dialog.querySelector('.sheet-body');
    const end = body.getBoundingClientRect().right - parseFloat(getComputedStyle(body).paddingRight);
    const fill = (it) => getComputedStyle(it).backgroundColor;
    return [
        buttons.map((it) => it.innerText),
        document.activeElement.innerText,
        fill(last) !== fill(buttons[0]) && Math.abs(last.getBoundingClientRect().right - end) < 1,
        buttons.filter((it) => !it.innerText).length,
    ]";

/// The profile's own page asks before a block and a removal.
#[tokio::test]
async fn losses_are_confirmed_first() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, _ben) = app.register_connected("ann", "ben").await;
    for (screen, act, asks, after) in [
        (
            PHONE,
            "Remove contact",
            "Remove ben from your contacts?",
            "You aren’t connected.",
        ),
        (DESKTOP, "Block", "Block ben?", "You blocked ben."),
    ] {
        let tab = browsers.open_as(&ann, screen).await;
        tab.goto("/settings").await;
        tab.goto("/profile/ben").await;
        tab.see("main[data-relation]").await;
        tab.wait_for_console_info("WebSocket connection established")
            .await;
        let before = tab.texts("#relation").await;
        for way in ["Escape", "Cancel", "Back"] {
            tab.press_button(".choices", act).await;
            tab.see_text("dialog h2", asks).await;
            let expected = json!([["Cancel", act], "Cancel", true, 0]);
            tab.wait_for_value(QUESTION, expected).await;
            match way {
                "Escape" => tab.press(ESCAPE).await,
                "Cancel" => tab.press(ENTER).await,
                _ => tab.back().await,
            }
            tab.see_absent("dialog").await;
            assert_eq!(tab.texts("#relation").await, before, "{way}");
            let focused = "return document.activeElement.innerText";
            tab.wait_for_value(focused, json!(act)).await;
        }
        tab.press_button(".choices", act).await;
        tab.see("dialog").await;
        for (feature, value) in [
            ("prefers-color-scheme", "dark"),
            ("forced-colors", "active"),
            ("prefers-color-scheme", "light"),
        ] {
            tab.emulate_media(feature, value).await;
            tab.assert_accessible().await;
        }
        tab.press(&format!("{TAB}{ENTER}")).await;
        tab.see_text("#relation", after).await;
        tab.see_absent("dialog").await;
        tab.assert_accessible().await;
    }
}
