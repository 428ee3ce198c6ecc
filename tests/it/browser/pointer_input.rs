//! Actions by mouse, keyboard and touch, and the pages that they lead to.

use serde_json::{Value, json};

use super::large_account::fill;
use crate::support::TestApp;
use crate::support::browser::{
    BrowserDriver, BrowserTab, COMPOSER, DESKTOP, ENTER, ESCAPE, PANEL, PHONE, TAB, UP,
};

const DRAFT: &str = "return document.querySelector('.composer textarea').value";
const IS_WRITING: &str = "return document.activeElement.matches('.composer textarea')";

/// Moves the mouse to the middle of the first match of `selector`.
pub(super) async fn point_to(tab: &BrowserTab, selector: &str) {
    tab.see(selector).await;
    let middle = "const { x, y, width, height } =
            document.querySelector(arguments[0]).getBoundingClientRect();
        return { type: 'mouseMoved', x: x + width / 2, y: y + height / 2 }";
    let to = tab.script(middle, &[json!(selector)]).await;
    tab.devtools("Input.dispatchMouseEvent", to).await;
}

/// A mouse reveals the actions of a message. Clicking a message doesn't prevent
/// typing or searching.
#[tokio::test]
async fn mouse_reveals_message_actions() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let tab = browsers.open_as(&ben, DESKTOP).await;
    tab.open_conversation(id).await;
    tab.see_absent(".acts").await;
    point_to(&tab, ".history .bubble").await;
    tab.see(".acts [data-act=react]").await;
    tab.assert_accessible().await;
    tab.click(".acts [data-act=menu]").await;
    tab.pick_menu_entry("Reply").await;
    tab.see_text(".answering", "Replying to ann").await;
    tab.press(ESCAPE).await;
    point_to(&tab, ".history .bubble").await;
    tab.click(".acts [data-act=react]").await;
    tab.click(".quick [aria-label='More emoji']").await;
    tab.see(".emoji-grid button").await;
    tab.press(&format!("thumbs{ENTER}")).await;
    tab.see(".reactions [aria-pressed=true]").await;
    tab.see_text(".reactions button", "You").await;

    tab.click(".history .bubble .said").await;
    tab.press("H").await;
    tab.wait_for_value(DRAFT, json!("H")).await;
    tab.click(".history .bubble .said").await;
    tab.press("/").await;
    tab.wait_for_value("return document.activeElement.id", json!("seek"))
        .await;
    // Escape from an empty search focuses the composer and keeps the
    // conversation open.
    tab.press(ESCAPE).await;
    tab.wait_for_value(IS_WRITING, json!(true)).await;
    tab.see_message("The first.").await;
    tab.assert_accessible().await;
}

/// The button of each step stays visible even with many contacts.
#[tokio::test]
async fn group_form_works_by_enter() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let ann = app.register_user("ann").await;
    fill(&app, &ann, 40, 1).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.goto("/messages").await;
    tab.click("[data-act=new]").await;
    tab.press_button(PANEL, "New group").await;
    tab.see_text(".side-panel .is-choice", "Mate No. 12").await;
    let is_in_sight = "
        const { bottom } = document.querySelector('.panel-end button').getBoundingClientRect();
        return bottom <= innerHeight";
    tab.wait_for_value(is_in_sight, json!(true)).await;
    tab.press_button(PANEL, "Next").await;
    tab.see_text(".side-panel .wrong", "Add at least one person.")
        .await;
    // Enter chooses the first result, and empties the search.
    tab.press(&format!("No. 17{ENTER}")).await;
    tab.see_text(".chip", "Mate No. 17").await;
    tab.see_text(".side-panel .is-choice", "Mate No. 12").await;
    tab.assert_accessible().await;
    tab.press_button(PANEL, "Next").await;
    tab.see("#group-title").await;
    tab.press(ENTER).await;
    tab.see_text(".side-panel .wrong", "Enter a group name.")
        .await;
    tab.press("The crew").await;
    // The way back loses neither the people nor the name.
    tab.press(ESCAPE).await;
    tab.see_text(".chip", "Mate No. 17").await;
    tab.press_button(PANEL, "Next").await;
    tab.assert_accessible().await;
    tab.type_into("#group-title", ENTER).await;
    tab.see_absent(".side-panel").await;
    tab.see_text("main h1", "The crew").await;
    tab.see_text(".history .system", "The crew").await;
}

/// The text of an edit survives a reload, like a draft. When the edit ends, the
/// earlier draft returns.
#[tokio::test]
async fn edit_continues_after_reload() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.open_conversation(id).await;
    tab.type_into(COMPOSER, "A thought").await;
    tab.choose_from_menu(".history .message", "Edit").await;
    tab.type_into(COMPOSER, " And").await;
    tab.reload().await;
    tab.see_text(".answering", "Editing").await;
    tab.wait_for_value(DRAFT, json!("The first. And")).await;
    tab.type_into(COMPOSER, " more.").await;
    tab.press(ENTER).await;
    tab.see_message("The first. And more.").await;
    tab.wait_for_value(DRAFT, json!("A thought")).await;
    tab.see_text(".history .about", "edited").await;
    tab.choose_from_menu(".history .message", "Edit").await;
    tab.press(ESCAPE).await;
    tab.wait_for_value(DRAFT, json!("A thought")).await;
    tab.reload().await;
    tab.see(".days").await;
    tab.wait_for_value(DRAFT, json!("A thought")).await;
    tab.see_absent(".answering").await;
    tab.assert_accessible().await;
}

/// Covers browsers without `field-sizing`, where a script sets the height.
#[tokio::test]
async fn composer_grows_without_field_sizing() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    let without = "
        const supports = CSS.supports.bind(CSS);
        CSS.supports = (what, ...rest) => what !== 'field-sizing' && supports(what, ...rest);";
    tab.run_before_pages(without).await;
    tab.open_conversation(id).await;
    // Makes Chromium ignore `field-sizing`, like a browser without it.
    let fixed = "document.querySelector('.composer textarea').style.fieldSizing = 'fixed'";
    tab.script(fixed, &[]).await;
    let height = "return document.querySelector('.composer textarea').offsetHeight";
    tab.paste(COMPOSER, "One").await;
    let one = tab.script(height, &[]).await.as_f64().unwrap();
    tab.paste(COMPOSER, "One\ntwo\nthree\nfour").await;
    let more = tab.script(height, &[]).await.as_f64().unwrap();
    assert!(more > one + 40.0, "{one} and then {more}");
    tab.paste(COMPOSER, "One").await;
    let again = tab.script(height, &[]).await.as_f64().unwrap();
    assert!((again - one).abs() < 1.0, "{one} and again {again}");
}

/// A user opens a conversation from the list and returns to the list. Going
/// back once more leads to the page before the list, not to the conversation.
#[tokio::test]
async fn back_returns_to_former_page() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let tab = browsers.open_as(&ann, PHONE).await;
    tab.goto("/settings").await;
    tab.goto("/messages").await;
    tab.click(".row").await;
    tab.see(COMPOSER).await;
    tab.click(".back").await;
    tab.see(".row").await;
    tab.wait_for_value(
        "return location.pathname + location.search",
        json!("/messages"),
    )
    .await;
    tab.forward().await;
    tab.see(COMPOSER).await;
    tab.back().await;
    tab.see(".row").await;
    tab.back().await;
    tab.wait_for_value("return location.pathname", json!("/settings"))
        .await;
    // A page opened by a link also leads back to the list.
    tab.open_conversation(id).await;
    tab.click(".back").await;
    tab.see(".row").await;
    // A profile leads back to the page before it.
    tab.goto(&format!("/profile/ben?from={id}")).await;
    tab.click(".way-back").await;
    tab.see_message("The first.").await;
}

/// Arrow keys change the list's width. A change of theme applies to all tabs.
#[tokio::test]
async fn list_width_and_theme_are_set() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let ann = app.register_user("ann").await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.emulate_media("prefers-color-scheme", "light").await;
    tab.goto("/messages").await;
    let width = "return document.querySelector('.side').offsetWidth";
    let before = tab.script(width, &[]).await.as_i64().unwrap();
    tab.type_into(".splitter", "\u{e014}").await;
    tab.wait_for_value(width, json!(before + 16)).await;
    let now = "return document.querySelector('.splitter').getAttribute('aria-valuenow')";
    tab.wait_for_value(now, json!((before + 16).to_string()))
        .await;
    tab.press("\u{e012}").await;
    tab.wait_for_value(width, json!(before)).await;
    tab.press(TAB).await;

    // A switch of theme in another tab applies to this tab at once, also to the
    // browser's own colours.
    let list = tab.window().await;
    tab.new_window().await;
    tab.goto("/settings").await;
    tab.click("[name=theme][value=dark]").await;
    tab.wait_for_value(LOOKS, json!(["dark", "#14191e", "#14191e"]))
        .await;
    tab.switch_window(list).await;
    tab.wait_for_value(LOOKS, json!(["dark", "#14191e", "#14191e"]))
        .await;
    tab.assert_accessible().await;
}

const LOOKS: &str = "return [document.documentElement.dataset.theme ?? '',
    ...[...document.querySelectorAll('meta[name=theme-color]')].map((it) => it.content)]";

/// If a tab is closed before it could send a message, the next tab sends the
/// message.
#[tokio::test]
async fn next_tab_sends_waiting_message() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    let first = tab.window().await;
    tab.new_window().await;
    tab.disable_sockets().await;
    tab.open_conversation(id).await;
    tab.block_urls(&["*/api/conversations/*/messages/"]).await;
    tab.send_text("From a tab that is closed").await;
    tab.see(".history .ticks[data-status=waiting]").await;
    tab.close_window().await;
    tab.switch_window(first).await;
    tab.open_conversation(id).await;
    tab.see_message("From a tab that is closed").await;
    tab.see(".history .message:last-child .ticks[data-status=sent]")
        .await;
    let history = ben.history(id).await;
    let last: Vec<&Value> = history.iter().map(|it| &it["text"]).collect();
    assert_eq!(last, ["The first.", "From a tab that is closed"]);
}

/// Animations show changes, but none run if the user prefers reduced motion.
#[tokio::test]
async fn reduced_motion_stops_animations() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let cas = app.register_user("cas").await;
    cas.connect_with(&ann).await;
    let (id, other) = (
        ann.open_direct_used(&ben).await,
        cas.open_direct_used(&ann).await,
    );
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.run_before_pages(MOVED).await;
    for (preference, moves) in [("no-preference", true), ("reduce", false)] {
        tab.emulate_media("prefers-reduced-motion", preference)
            .await;
        tab.open_conversation(id).await;
        tab.see_message("The first.").await;
        let mut typist = ben.socket("/ws/").await;
        let typing = json!({ "type": "typing", "conversation_id": id, "is_typing": true });
        typist.send(typing).await;
        tab.see_text(".bar-name .hint", "typing…").await;
        // At least one of the two messages moves its conversation to the top.
        for conversation in [other, id] {
            let sender = if conversation == id { &ben } else { &cas };
            let said = format!("To {conversation}, {preference}");
            sender.send(conversation, &said).await.expect(201);
            tab.see_text(".rows li:first-child .row-preview", &said)
                .await;
        }
        tab.send_text(&format!("And on, {preference}")).await;
        tab.see(".history .message:last-child .ticks[data-status=sent]")
            .await;
        let seen = tab.script("return [...window.moved].sort()", &[]).await;
        let expected = if moves {
            json!(["dots", "li", "rise", "ticks"])
        } else {
            json!([])
        };
        assert_eq!(seen, expected, "{preference}");
    }
    tab.press(UP).await;
    tab.assert_accessible().await;
}

/// Collects the animations since the page was loaded, by name or by element.
const MOVED: &str = "
    window.moved = new Set();
    const note = (it) => window.moved.add(it);
    addEventListener('animationstart', ({ animationName }) => note(animationName), true);
    const animate = Element.prototype.animate;
    Element.prototype.animate = function (...how) {
        note(this.classList.contains('ticks') ? 'ticks' : this.localName);
        return animate.apply(this, how);
    };";

/// Reports by mouse, and on a phone by the menu. The reason is typed and sent
/// by keyboard.
#[tokio::test]
async fn message_is_reported_by_menu() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let tab = browsers.open_as(&ben, DESKTOP).await;
    tab.open_conversation(id).await;
    tab.choose_from_menu(".history .bubble", "Report").await;
    tab.see_text("dialog h2", "Report this message").await;
    tab.assert_accessible().await;
    tab.press(ENTER).await;
    tab.see_text("dialog .wrong", "Enter a reason.").await;
    tab.type_into("#report-reason", "Rude").await;
    tab.press(ENTER).await;
    tab.see_text(".toast", "Reported to the admins.").await;
    tab.see_absent("dialog").await;
    // A user can't report own messages.
    tab.send_text("Mine").await;
    tab.see_message("Mine").await;
    tab.assert_no_console_errors().await;

    let sent = ann.send(id, "Another.").await.expect(201);
    let phone = browsers.open_as(&ben, PHONE).await;
    phone.open_conversation(id).await;
    let bubble = format!("#message-{} .bubble", sent["id"]);
    phone.choose_from_menu(&bubble, "Report").await;
    phone.type_into("#report-reason", "Rude, too").await;
    phone.assert_accessible().await;
    phone.tap("dialog button[type=submit]").await;
    phone.see_text(".toast", "Reported to the admins.").await;
    let store = app.store().await;
    let found = store.reports().list(false, None, 50).await.unwrap();
    store.close().await;
    let reasons = found.iter().map(|found| &*found.report.reason);
    assert_eq!(reasons.collect::<Vec<_>>(), ["Rude, too", "Rude"]);
}
