//! The Enter key: it ends a composition, breaks a line on phones, or sends.

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::browser::{
    BrowserDriver, BrowserTab, COMPOSER, CONTROL, DESKTOP, ENTER, ESCAPE, PANEL, PHONE,
};

const DRAFT: &str = "return document.querySelector('.composer textarea').value";

/// Sends a key with the code of an input method, as Safari does for the key that
/// ends a composition.
async fn press_composing(tab: &BrowserTab, key: &str) {
    for kind in ["rawKeyDown", "keyUp"] {
        let event = json!({
            "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": 229,
            "nativeVirtualKeyCode": 229,
        });
        tab.devtools("Input.dispatchKeyEvent", event).await;
    }
}

/// Composes a text in the focused field by an input method and ends it.
async fn compose(tab: &BrowserTab, text: &str) {
    let end = text.encode_utf16().count();
    let set = json!({ "text": text, "selectionStart": end, "selectionEnd": end });
    tab.devtools("Input.imeSetComposition", set).await;
    // Chromium's own order: the key comes before the end of the composition.
    press_composing(tab, "Enter").await;
    tab.devtools("Input.insertText", json!({ "text": text }))
        .await;
    press_composing(tab, "Enter").await;
}

async fn focus_is(tab: &BrowserTab, selector: &str) {
    let script = format!("return document.activeElement.matches({})", json!(selector));
    tab.wait_for_value(&script, json!(true)).await;
}

#[tokio::test]
async fn enter_that_ends_composition_acts_nowhere() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.open_conversation(id).await;
    tab.click(COMPOSER).await;
    compose(&tab, "にほん").await;
    tab.wait_for_value(DRAFT, json!("にほん")).await;
    // Neither do the other keys act: Escape would close the conversation.
    for key in ["Escape", "ArrowUp"] {
        press_composing(&tab, key).await;
    }
    tab.see_text("main h1", "ben").await;
    // The search would open its first result.
    tab.click("#seek").await;
    compose(&tab, "be").await;
    tab.see_text(".found .row", "ben").await;
    press_composing(&tab, "ArrowDown").await;
    focus_is(&tab, "#seek").await;
    tab.fill("#seek", "").await;
    // The picker would choose its first emoji.
    tab.click("main [data-act=emoji]").await;
    tab.see(".emoji-grid button").await;
    compose(&tab, "rocket").await;
    tab.see(".emoji-grid button[aria-label*=rocket]").await;
    press_composing(&tab, "ArrowDown").await;
    focus_is(&tab, ".emoji input").await;
    tab.fill(".emoji input", "").await;
    tab.press(ESCAPE).await;
    tab.see_absent(".emoji").await;
    // The form of a group would be sent.
    tab.click("[data-act=new]").await;
    tab.press_button(PANEL, "New group").await;
    let search = format!("{PANEL} [type=search]");
    tab.click(&search).await;
    compose(&tab, "be").await;
    tab.see_text(".side-panel .is-choice", "ben").await;
    tab.see_absent(".side-panel [aria-checked=true]").await;
    tab.fill(&search, "").await;
    tab.press(&format!("{ESCAPE}{ESCAPE}")).await;
    tab.see_absent(".side-panel").await;
    // A menu would move to another entry.
    tab.right_click(".history .message").await;
    tab.see("[role=menu]").await;
    press_composing(&tab, "ArrowDown").await;
    let focused = "return document.activeElement.innerText";
    tab.wait_for_value(focused, json!("Reply")).await;
    tab.press(ESCAPE).await;
    tab.wait_for_value(DRAFT, json!("にほん")).await;
    assert_eq!(ben.history(id).await.len(), 1);
    // An Enter of its own sends.
    tab.type_into(COMPOSER, ENTER).await;
    tab.see_message("にほん").await;
    tab.assert_accessible().await;
}

/// Makes Chromium a phone: a coarse pointer that can't hover.
async fn emulate_touch(tab: &BrowserTab) {
    let touch = json!({ "enabled": true, "maxTouchPoints": 5 });
    tab.devtools("Emulation.setTouchEmulationEnabled", touch)
        .await;
    let screen = json!({
        "width": PHONE.width, "height": PHONE.height, "deviceScaleFactor": 1, "mobile": true,
    });
    tab.devtools("Emulation.setDeviceMetricsOverride", screen)
        .await;
    let media = json!({ "features": [
        { "name": "pointer", "value": "coarse" }, { "name": "hover", "value": "none" },
    ] });
    tab.devtools("Emulation.setEmulatedMedia", media).await;
}

async fn texts(person: &crate::support::TestUser, id: i64) -> Vec<Value> {
    let history = person.history(id).await;
    history.iter().map(|it| it["text"].clone()).collect()
}

/// On a phone, Enter breaks the line of a message, a reply, an edit and a first
/// message, and the button sends. A setting changes both kinds of device.
#[tokio::test]
async fn enter_breaks_lines_on_phones() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let cas = app.register_user("cas").await;
    ann.connect_with(&cas).await;
    let id = ann.open_direct_used(&ben).await;
    let tab = browsers.open_as(&ann, PHONE).await;
    emulate_touch(&tab).await;
    tab.open_conversation(id).await;
    let hint = "return document.querySelector('.composer textarea').enterKeyHint";
    tab.wait_for_value(hint, json!("enter")).await;
    tab.send_text("one").await;
    tab.type_into(COMPOSER, "two").await;
    tab.wait_for_value(DRAFT, json!("one\ntwo")).await;
    tab.tap(".composer [type=submit]").await;
    tab.see_message("one\ntwo").await;
    tab.choose_from_menu(".history .message", "Edit").await;
    tab.send_text("").await;
    tab.type_into(COMPOSER, "three").await;
    tab.tap(".composer [type=submit]").await;
    tab.see_message("one\ntwo\nthree").await;
    tab.choose_from_menu(".history .message", "Reply").await;
    tab.send_text("four").await;
    tab.type_into(COMPOSER, "five").await;
    tab.tap(".composer [type=submit]").await;
    tab.see(".message:last-child .ticks[data-status=sent]")
        .await;
    assert_eq!(
        texts(&ben, id).await[1..],
        ["one\ntwo\nthree", "four\nfive"]
    );
    tab.goto("/messages/chat/cas/").await;
    tab.wait_for_value(hint, json!("enter")).await;
    tab.send_text("six").await;
    tab.type_into(COMPOSER, "seven").await;
    tab.wait_for_value(DRAFT, json!("six\nseven")).await;

    tab.goto("/settings").await;
    tab.tap("[name=enter]").await;
    tab.open_conversation(id).await;
    tab.wait_for_value(hint, json!("send")).await;
    tab.send_text("eight").await;
    tab.see_message("eight").await;
    tab.assert_accessible().await;

    let desktop = browsers.open_as(&ann, DESKTOP).await;
    desktop.goto("/settings").await;
    let is_on = "return document.querySelector('[name=enter]').checked";
    desktop.wait_for_value(is_on, json!(true)).await;
    desktop.click("[name=enter]").await;
    desktop.open_conversation(id).await;
    desktop.send_text("nine").await;
    desktop.type_into(COMPOSER, "ten").await;
    desktop.wait_for_value(DRAFT, json!("nine\nten")).await;
    desktop.press(&format!("{CONTROL}{ENTER}")).await;
    desktop.see_message("nine\nten").await;
    desktop.assert_accessible().await;
}
