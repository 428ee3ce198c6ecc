//! The panel over the list that finds people and starts conversations.

use serde_json::json;

use super::large_account::fill;
use crate::groups::crew;
use crate::support::TestApp;
use crate::support::browser::{
    BrowserDriver, BrowserTab, COMPOSER, DESKTOP, DOWN, ENTER, ESCAPE, PANEL, PHONE, ScreenSize, UP,
};

const NARROW: ScreenSize = ScreenSize {
    width: 320,
    height: 640,
};

async fn focus_is(tab: &BrowserTab, selector: &str) {
    let script = format!("return document.activeElement.matches({selector:?})");
    tab.wait_for_value(&script, json!(true)).await;
}

async fn open(tab: &BrowserTab) {
    tab.click("[data-act=new]").await;
    tab.see(PANEL).await;
    focus_is(tab, ".side-panel [type=search]").await;
}

/// The panel covers the list. Keys move in it, and the focus returns.
#[tokio::test]
async fn new_chat_panel_works_by_keys() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let people = crew::friends(&app, &["ann", "zoe", "ben", "cas"]).await;
    let id = people[2].open_direct_used(&people[0]).await;
    app.register_user("benno").await;
    let tab = browsers.open_as(&people[0], DESKTOP).await;
    tab.open_conversation(id).await;
    tab.type_into(COMPOSER, "Half a").await;
    open(&tab).await;
    let covers = "const [panel, side] = ['.side-panel', '.side'].map((it) =>
            document.querySelector(it).getBoundingClientRect());
        return panel.left === side.left && Math.abs(panel.right - side.right) < 2
            && document.querySelector('.thread').closest('[inert]') === null
            && document.querySelector('.side-scroll').inert";
    tab.wait_for_value(covers, json!(true)).await;
    tab.see_text(".contact", "zoe").await;
    let names = tab.texts(".contacts .contact strong").await;
    assert_eq!(names, ["ben", "cas", "zoe"], "from A to Z");
    tab.assert_accessible().await;
    tab.press(DOWN).await;
    focus_is(&tab, ".contact-act").await;
    tab.press(&format!("{DOWN}{DOWN}{DOWN}")).await;
    let focused = "return document.activeElement.querySelector('strong').textContent";
    tab.wait_for_value(focused, json!("cas")).await;
    tab.press(&format!("{UP}{UP}{UP}{UP}")).await;
    focus_is(&tab, ".side-panel [type=search]").await;
    // Results beyond the contacts have a quiet button.
    tab.press("ben").await;
    tab.see(".others [aria-label='Connect with benno'].is-quiet")
        .await;
    tab.see_text(".side-panel .heading", "Other people").await;
    tab.assert_accessible().await;
    tab.press(ESCAPE).await;
    tab.see_absent(".side-panel").await;
    focus_is(&tab, "[data-act=new]").await;
    // The first result opens.
    tab.press(ENTER).await;
    focus_is(&tab, ".side-panel [type=search]").await;
    tab.press("nobody").await;
    tab.see_text(".side-panel .beginning", "No results for “nobody”")
        .await;
    tab.fill(".side-panel [type=search]", "ca").await;
    tab.press(ENTER).await;
    tab.see_text("main h1", "cas").await;
    assert_eq!(tab.path().await, "/messages/chat/cas/");
    tab.open_conversation(id).await;
    let draft = "return document.querySelector('.composer textarea').value";
    tab.wait_for_value(draft, json!("Half a")).await;
}

/// The panel works by touch on a phone, in each theme, and Back closes it.
#[tokio::test]
async fn new_chat_panel_fits_phones() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let people = crew::friends(&app, &["ann", "ben", "cas"]).await;
    let tab = browsers.open_as(&people[0], PHONE).await;
    tab.goto("/messages").await;
    tab.see(".is-live").await;
    tab.tap("[data-act=new]").await;
    tab.see_text(".side-panel .contact", "ben").await;
    for (screen, feature, value) in [
        (PHONE, "prefers-color-scheme", "dark"),
        (NARROW, "prefers-color-scheme", "light"),
        (NARROW, "forced-colors", "active"),
    ] {
        tab.size(screen).await;
        tab.emulate_media(feature, value).await;
        let fits = "const panel = document.querySelector('.side-panel');
            return panel.offsetWidth === innerWidth && panel.scrollWidth <= innerWidth";
        tab.wait_for_value(fits, json!(true)).await;
        tab.assert_accessible().await;
    }
    tab.emulate_media("forced-colors", "none").await;
    tab.tap_text(".side-panel .contact", "New group").await;
    tab.tap_text(".side-panel .is-choice", "ben").await;
    tab.tap_text(".side-panel .is-choice", "cas").await;
    tab.tap_text(".side-panel .chip", "cas").await;
    let chips = "return document.querySelectorAll('.chip').length";
    tab.wait_for_value(chips, json!(1)).await;
    tab.assert_accessible().await;
    tab.back().await;
    tab.see_text(&format!("{PANEL} h2"), "New chat").await;
    tab.back().await;
    tab.see_absent(".side-panel").await;
    tab.see(".rows .row").await;
    tab.tap("[data-act=new]").await;
    tab.tap_text(".side-panel .contact", "ben").await;
    tab.see_text("main h1", "ben").await;
    tab.assert_no_console_errors().await;
}

/// The link that invites people is copied, if people can create accounts.
#[tokio::test]
async fn invite_link_is_copied() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let ann = app.register_user("ann").await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    let permission = json!({
        "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"],
        "origin": app.site().url("/").trim_end_matches('/'),
    });
    tab.devtools("Browser.grantPermissions", permission).await;
    tab.goto("/messages").await;
    tab.see(".is-live").await;
    tab.press_button("main .welcome", "Copy your invite link")
        .await;
    tab.see_text(".toast", "Link copied.").await;
    let copied = "return navigator.clipboard.readText()";
    tab.wait_for_value(copied, json!(app.site().url("/profile/ann")))
        .await;
    tab.press_button("main .welcome", "Find people").await;
    tab.see_text(".side-panel .beginning", "No contacts yet")
        .await;
    tab.see_text(".contact-act", "Invite people").await;
    tab.assert_accessible().await;
}

/// Of 1,000 contacts, the panel draws those in view.
#[tokio::test]
async fn many_contacts_make_few_elements() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let ann = app.register_user("ann").await;
    fill(&app, &ann, 1_000, 1).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.goto("/messages").await;
    tab.see(".is-live").await;
    open(&tab).await;
    tab.wait_for_value(
        "return document.querySelector('.contacts li').ariaSetSize",
        json!("1000"),
    )
    .await;
    let count = "return document.querySelectorAll('.side-panel *').length";
    let count = tab.script(count, &[]).await.as_u64().unwrap();
    assert!(count < 500, "{count} elements");
    tab.press("No. 999").await;
    tab.see_text(".contact", "Mate No. 999").await;
    tab.press(ENTER).await;
    tab.see_text("main h1", "Mate No. 999").await;
    tab.assert_accessible().await;
}
