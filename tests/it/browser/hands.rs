//! By mouse, by keys and by thumb: what is at hand, and where it leads.

use serde_json::{Value, json};

use super::full::fill;
use crate::support::TestApp;
use crate::support::browser::{Browsers, DESKTOP, ENTER, ESCAPE, PHONE, TAB, Tab, UP, WRITE};

const DRAFT: &str = "return document.querySelector('.composer textarea').value";
const IS_WRITING: &str = "return document.activeElement.matches('.composer textarea')";

/// Points to the middle of the first that this names.
async fn point_to(tab: &Tab, selector: &str) {
    tab.see(selector).await;
    let middle = "const { x, y, width, height } =
            document.querySelector(arguments[0]).getBoundingClientRect();
        return { type: 'mouseMoved', x: x + width / 2, y: y + height / 2 }";
    let to = tab.script(middle, &[json!(selector)]).await;
    tab.devtools("Input.dispatchMouseEvent", to).await;
}

/// What can be done with a message is found by a mouse, and a click on one
/// keeps nobody from writing or searching.
#[tokio::test]
async fn a_mouse_finds_what_a_message_can_do() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let tab = browsers.open_as(&ben, DESKTOP).await;
    tab.open_conversation(id).await;
    tab.see_no(".acts").await;
    point_to(&tab, ".history .bubble").await;
    tab.see(".acts [data-act=react]").await;
    tab.assert_good().await;
    tab.click(".acts [data-act=menu]").await;
    tab.pick("Reply").await;
    tab.see_text(".answering", "Answering ann").await;
    tab.press(ESCAPE).await;
    point_to(&tab, ".history .bubble").await;
    tab.click(".acts [data-act=react]").await;
    tab.see(".emoji-grid button").await;
    tab.press(&format!("thumbs{ENTER}")).await;
    tab.see(".reactions [aria-pressed=true]").await;
    tab.see_text(".reactions button", "You").await;

    tab.click(".history .bubble .said").await;
    tab.press("H").await;
    tab.comes_to(DRAFT, json!("H")).await;
    tab.click(".history .bubble .said").await;
    tab.press("/").await;
    tab.comes_to("return document.activeElement.id", json!("seek"))
        .await;
    // Nothing is sought: back to where one writes, with the conversation open.
    tab.press(ESCAPE).await;
    tab.comes_to(IS_WRITING, json!(true)).await;
    tab.see_said("The first.").await;
    tab.assert_good().await;
}

/// However many people there are, what ends the choosing is in reach.
#[tokio::test]
async fn a_group_is_made_by_enter_and_its_button_is_in_sight() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let ann = app.person("ann").await;
    fill(&app, &ann, 40, 1).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.goto("/messages").await;
    tab.click("[data-act=new]").await;
    tab.press_button("dialog", "New group").await;
    tab.see_text("dialog .is-choice", "Mate No. 40").await;
    let is_in_sight = "
        const { bottom } = document.querySelector('dialog [type=submit]').getBoundingClientRect();
        return bottom <= innerHeight";
    tab.comes_to(is_in_sight, json!(true)).await;
    tab.type_into("#group-title", "The crew").await;
    tab.press(ENTER).await;
    tab.see_text("dialog .wrong", "Choose somebody first.")
        .await;
    tab.type_into("dialog [type=search]", "No. 17").await;
    tab.press(ENTER).await;
    tab.click("dialog .is-choice input").await;
    tab.assert_good().await;
    tab.click("#group-title").await;
    tab.press(ENTER).await;
    tab.see_text("main h1", "The crew").await;
    tab.see_text(".history .system", "The crew").await;
}

/// The text of an edit is kept like any other, and gives way to what was
/// begun before it.
#[tokio::test]
async fn an_edit_goes_on_where_it_was_left() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.open_conversation(id).await;
    tab.type_into(WRITE, "A thought").await;
    tab.choose(".history .message", "Edit").await;
    tab.type_into(WRITE, " And").await;
    tab.reload().await;
    tab.see_text(".answering", "Editing").await;
    tab.comes_to(DRAFT, json!("The first. And")).await;
    tab.type_into(WRITE, " more.").await;
    tab.press(ENTER).await;
    tab.see_said("The first. And more.").await;
    tab.comes_to(DRAFT, json!("A thought")).await;
    tab.see_text(".history .about", "edited").await;
    tab.choose(".history .message", "Edit").await;
    tab.press(ESCAPE).await;
    tab.comes_to(DRAFT, json!("A thought")).await;
    tab.reload().await;
    tab.see(".days").await;
    tab.comes_to(DRAFT, json!("A thought")).await;
    tab.see_no(".answering").await;
    tab.assert_good().await;
}

/// Browsers that don't size a field by its content are helped.
#[tokio::test]
async fn the_place_to_write_grows_in_every_browser() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    let without = "
        const supports = CSS.supports.bind(CSS);
        CSS.supports = (what, ...rest) => what !== 'field-sizing' && supports(what, ...rest);";
    tab.before_each_page(without).await;
    tab.open_conversation(id).await;
    // Browsers that know no `field-sizing` treat it like this.
    let fixed = "document.querySelector('.composer textarea').style.fieldSizing = 'fixed'";
    tab.script(fixed, &[]).await;
    let height = "return document.querySelector('.composer textarea').offsetHeight";
    tab.paste(WRITE, "One").await;
    let one = tab.script(height, &[]).await.as_f64().unwrap();
    tab.paste(WRITE, "One\ntwo\nthree\nfour").await;
    let more = tab.script(height, &[]).await.as_f64().unwrap();
    assert!(more > one + 40.0, "{one} and then {more}");
    tab.paste(WRITE, "One").await;
    let again = tab.script(height, &[]).await.as_f64().unwrap();
    assert!((again - one).abs() < 1.0, "{one} and again {again}");
}

/// Whoever went from the list to a conversation and back finds what was before
/// the list behind it, and not the conversation again.
#[tokio::test]
async fn back_leads_back() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let tab = browsers.open_as(&ann, PHONE).await;
    tab.goto("/settings").await;
    tab.goto("/messages").await;
    tab.click(".row").await;
    tab.see(WRITE).await;
    tab.click(".back").await;
    tab.see(".row").await;
    tab.comes_to(
        "return location.pathname + location.search",
        json!("/messages"),
    )
    .await;
    tab.forward().await;
    tab.see(WRITE).await;
    tab.back().await;
    tab.see(".row").await;
    tab.back().await;
    tab.comes_to("return location.pathname", json!("/settings"))
        .await;
    // Who came by a link is led to the list all the same.
    tab.open_conversation(id).await;
    tab.click(".back").await;
    tab.see(".row").await;
    // A profile leads back to where one came from.
    tab.goto(&format!("/profile/ben?from={id}")).await;
    tab.click(".way-back").await;
    tab.see_said("The first.").await;
}

/// The list is as wide as one likes it, by keys, too.
#[tokio::test]
async fn the_list_is_widened_by_keys_and_the_theme_goes_everywhere() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let ann = app.person("ann").await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.prefers("prefers-color-scheme", "light").await;
    tab.goto("/messages").await;
    let width = "return document.querySelector('.side').offsetWidth";
    let before = tab.script(width, &[]).await.as_i64().unwrap();
    tab.type_into(".splitter", "\u{e014}").await;
    tab.comes_to(width, json!(before + 16)).await;
    let now = "return document.querySelector('.splitter').getAttribute('aria-valuenow')";
    tab.comes_to(now, json!((before + 16).to_string())).await;
    tab.press("\u{e012}").await;
    tab.comes_to(width, json!(before)).await;
    tab.press(TAB).await;

    // Another tab's switch holds here at once, for what is around the page, too.
    let list = tab.window().await;
    tab.new_window().await;
    tab.goto("/settings").await;
    tab.click("[name=theme][value=dark]").await;
    tab.comes_to(LOOKS, json!(["dark", "#14191e", "#14191e"]))
        .await;
    tab.to_window(list).await;
    tab.comes_to(LOOKS, json!(["dark", "#14191e", "#14191e"]))
        .await;
    tab.assert_good().await;
}

const LOOKS: &str = "return [document.documentElement.dataset.theme ?? '',
    ...[...document.querySelectorAll('meta[name=theme-color]')].map((it) => it.content)]";

/// What was typed where nobody could be reached goes out from the next tab.
#[tokio::test]
async fn what_waits_goes_out_when_a_tab_is_opened_again() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    let first = tab.window().await;
    tab.new_window().await;
    tab.without_sockets().await;
    tab.open_conversation(id).await;
    tab.block(&["*/api/conversations/*/messages/"]).await;
    tab.say("From a tab that is closed").await;
    tab.see(".history .ticks[data-status=waiting]").await;
    tab.close_window().await;
    tab.to_window(first).await;
    tab.open_conversation(id).await;
    tab.see_said("From a tab that is closed").await;
    tab.see(".history .message:last-child .ticks[data-status=sent]")
        .await;
    let history = ben.history(id).await;
    let last: Vec<&Value> = history.iter().map(|it| &it["text"]).collect();
    assert_eq!(last, ["The first.", "From a tab that is closed"]);
}

/// What moves says what happened; nothing does for who asks for that.
#[tokio::test]
async fn what_moves_holds_still_for_who_asks_for_it() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let cas = app.person("cas").await;
    cas.connect_with(&ann).await;
    let (id, other) = (ann.talk_with(&ben).await, cas.talk_with(&ann).await);
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.before_each_page(MOVED).await;
    for (preference, moves) in [("no-preference", true), ("reduce", false)] {
        tab.prefers("prefers-reduced-motion", preference).await;
        tab.open_conversation(id).await;
        tab.see_said("The first.").await;
        let mut typist = ben.socket("/ws/").await;
        let typing = json!({ "type": "typing", "conversation_id": id, "is_typing": true });
        typist.send(typing).await;
        tab.see_text(".bar-name .hint", "typing…").await;
        // One of them rises to the top of the list, whichever was there.
        for conversation in [other, id] {
            let sender = if conversation == id { &ben } else { &cas };
            let said = format!("To {conversation}, {preference}");
            sender.send(conversation, &said).await.expect(201);
            tab.see_text(".rows li:first-child .row-preview", &said)
                .await;
        }
        tab.say(&format!("And on, {preference}")).await;
        tab.see(".history .message:last-child .ticks[data-status=sent]")
            .await;
        let seen = tab.script("return [...window.moved].sort()", &[]).await;
        let expected = match moves {
            true => json!(["dots", "li", "rise", "ticks"]),
            false => json!([]),
        };
        assert_eq!(seen, expected, "{preference}");
    }
    tab.press(UP).await;
    tab.assert_good().await;
}

/// What has moved since the page began: by its animation's name, or by what it
/// is.
const MOVED: &str = "
    window.moved = new Set();
    const note = (it) => window.moved.add(it);
    addEventListener('animationstart', ({ animationName }) => note(animationName), true);
    const animate = Element.prototype.animate;
    Element.prototype.animate = function (...how) {
        note(this.classList.contains('ticks') ? 'ticks' : this.localName);
        return animate.apply(this, how);
    };";

/// By a mouse, and on a phone by its menu; the reason is typed and sent by the
/// keyboard.
#[tokio::test]
async fn message_is_reported_by_menu() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let tab = browsers.open_as(&ben, DESKTOP).await;
    tab.open_conversation(id).await;
    tab.choose(".history .bubble", "Report").await;
    tab.see_text("dialog h2", "Report this message").await;
    tab.assert_good().await;
    tab.press(ENTER).await;
    tab.see_text("dialog .wrong", "A few words").await;
    tab.type_into("#report-reason", "Rude").await;
    tab.press(ENTER).await;
    tab.see_text(".toast", "Reported to the admins.").await;
    tab.see_no("dialog").await;
    // Not of one's own messages.
    tab.say("Mine").await;
    tab.see_said("Mine").await;
    tab.assert_no_complaints().await;

    let sent = ann.send(id, "Another.").await.expect(201);
    let phone = browsers.open_as(&ben, PHONE).await;
    phone.open_conversation(id).await;
    let bubble = format!("#message-{} .bubble", sent["id"]);
    phone.choose(&bubble, "Report").await;
    phone.type_into("#report-reason", "Rude, too").await;
    phone.assert_good().await;
    phone.tap("dialog button[type=submit]").await;
    phone.see_text(".toast", "Reported to the admins.").await;
    let store = app.store().await;
    let found = store.reports(false, None, 50).await.unwrap();
    store.close().await;
    let reasons = found.iter().map(|found| &*found.report.reason);
    assert_eq!(reasons.collect::<Vec<_>>(), ["Rude, too", "Rude"]);
}
