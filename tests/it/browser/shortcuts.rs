//! Keyboard shortcuts, their help, and the link that skips the list.

use serde_json::{Value, json};

use crate::groups::crew;
use crate::support::browser::{
    ALT, BrowserDriver, BrowserTab, COMPOSER, CONTROL, DESKTOP, DOWN, ENTER, ESCAPE, SHIFT,
    ScreenSize, TAB, UP,
};
use crate::support::{TestApp, TestUser, until};

/// Presses a letter with Ctrl, Alt and Shift.
async fn press_chord(tab: &BrowserTab, letter: char) {
    tab.press(&format!("{CONTROL}{ALT}{SHIFT}{letter}")).await;
}

async fn wait_for_setting(person: &TestUser, id: i64, (name, is_set): (&str, bool)) {
    until("a stored setting", async || {
        let conversation = person.conversation(id).await;
        let is = !matches!(conversation[name], Value::Null | Value::Bool(false));
        (is == is_set).then_some(())
    })
    .await;
}

/// Shortcuts work in the composer, too, and its text stays.
#[tokio::test]
async fn shortcuts_act_on_open_chat() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let people = crew::friends(&app, &["ann", "ben", "cas", "dan"]).await;
    let mut ids = Vec::new();
    for other in &people[1..] {
        ids.push(people[0].open_direct_used(other).await);
    }
    let tab = browsers.open_as(&people[0], DESKTOP).await;
    // The list has dan, cas and ben, in this order.
    tab.open_conversation(ids[1]).await;
    tab.see(".is-live").await;
    tab.type_into(COMPOSER, "A draft").await;
    for (keys, name) in [
        (format!("{ALT}{DOWN}"), "ben"),
        (format!("{ALT}{DOWN}"), "ben"),
        (format!("{ALT}{UP}"), "cas"),
        (format!("{ALT}{UP}"), "dan"),
        (format!("{ALT}{DOWN}"), "cas"),
    ] {
        tab.press(&keys).await;
        tab.see_text("main h1", name).await;
        let has_focus = "return document.activeElement.matches('.composer textarea')";
        tab.wait_for_value(has_focus, json!(true)).await;
    }
    people[1].send(ids[0], "Unread").await.expect(201);
    people[3].send(ids[2], "Unread, too").await.expect(201);
    tab.see_text(".row-preview", "Unread, too").await;
    let unread = format!("{ALT}{SHIFT}{DOWN}");
    let mut names = Vec::new();
    for _ in 0..2 {
        let before = tab.texts("main h1").await;
        tab.press(&unread).await;
        until("another chat", async || {
            (tab.texts("main h1").await != before).then_some(())
        })
        .await;
        names.extend(tab.texts("main h1").await);
    }
    names.sort();
    assert_eq!(names, ["ben", "dan"]);
    tab.click(&format!(".row[data-id='{}']", ids[1])).await;
    let draft = "return document.querySelector('.composer textarea').value";
    tab.wait_for_value(draft, json!("A draft")).await;
    check_settings(&tab, &people[0], ids[1]).await;
    tab.wait_for_value(draft, json!("A draft")).await;
    tab.press(&format!("{CONTROL}k")).await;
    let focused = "return document.activeElement.id";
    tab.wait_for_value(focused, json!("seek")).await;
    tab.click(".history").await;
    tab.press("/").await;
    tab.wait_for_value(focused, json!("seek")).await;
    // Typing outside of fields goes to the composer.
    tab.click(".history").await;
    tab.press("!").await;
    tab.wait_for_value(draft, json!("A draft!")).await;
    tab.press(&format!("{CONTROL}{ALT}n")).await;
    tab.see_text(".side-panel", "New group").await;
    tab.press(ESCAPE).await;
    tab.assert_no_console_errors().await;
}

/// Pins, mutes and archives the open chat by keys, and takes each back.
async fn check_settings(tab: &BrowserTab, person: &TestUser, id: i64) {
    for (letter, name, done) in [
        ('p', "pinned", ["Pinned", "Unpinned"]),
        ('m', "muted_until", ["Muted always", "Unmuted"]),
        ('e', "archived", ["Archived", "Unarchived"]),
    ] {
        for (is_set, said) in [(true, done[0]), (false, done[1])] {
            press_chord(tab, letter).await;
            tab.see_text(".toast", said).await;
            wait_for_setting(person, id, (name, is_set)).await;
        }
    }
}

const NARROW: ScreenSize = ScreenSize {
    width: 320,
    height: 640,
};

/// `?` shows all shortcuts. Menus show theirs.
#[tokio::test]
async fn help_shows_all_shortcuts() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.open_conversation(id).await;
    tab.see(".is-live").await;
    // In a field, it is a character.
    tab.type_into(COMPOSER, "?").await;
    let draft = "return document.querySelector('.composer textarea').value";
    tab.wait_for_value(draft, json!("?")).await;
    for screen in [DESKTOP, NARROW] {
        tab.size(screen).await;
        tab.click(".history").await;
        tab.press("?").await;
        tab.see_text("dialog h2", "Keyboard shortcuts").await;
        for (text, keys) in [
            ("Search", "Ctrl K or /"),
            ("Next unread chat", "Alt Shift ↓"),
            ("Archive, or unarchive", "Ctrl Alt Shift E"),
            ("Close, cancel or go back", "Esc"),
        ] {
            let row = "return [...document.querySelectorAll('.shortcuts div')]
                .find((it) => it.firstChild.innerText === arguments[0])
                .lastChild.innerText.replace(/\\s+/gu, ' ')";
            assert_eq!(tab.script(row, &[json!(text)]).await, json!(keys));
        }
        let fits = "const { left, right, top, bottom } =
                document.querySelector('dialog').getBoundingClientRect();
            return left >= 0 && right <= innerWidth && top >= 0 && bottom <= innerHeight";
        tab.wait_for_value(fits, json!(true)).await;
        for (feature, value) in [
            ("prefers-color-scheme", "dark"),
            ("forced-colors", "active"),
            ("prefers-color-scheme", "light"),
        ] {
            tab.emulate_media(feature, value).await;
            tab.assert_accessible().await;
        }
        tab.press(ESCAPE).await;
        tab.see_absent("dialog").await;
        let focused = "return document.activeElement.className";
        tab.wait_for_value(focused, json!("history")).await;
    }
    tab.size(DESKTOP).await;
    tab.right_click(".rows .row").await;
    tab.see_text("[role=menuitem] kbd", "Ctrl Alt Shift P")
        .await;
    let announced = "return [...document.querySelectorAll('[role=menuitem]')]
        .find((it) => it.innerText.startsWith('Archive')).getAttribute('aria-keyshortcuts')";
    let keys = tab.script(announced, &[]).await;
    assert_eq!(keys, json!("Control+Alt+Shift+E"));
    tab.assert_accessible().await;
}

/// The first stop of the Tab key leads past the list.
#[tokio::test]
async fn skip_link_leads_to_messages() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.disable_scripts().await;
    let here = format!("/messages?conversation={id}");
    for has_script in [false, true] {
        if has_script {
            let on = json!({ "value": false });
            tab.devtools("Emulation.setScriptExecutionDisabled", on)
                .await;
        }
        tab.goto(&here).await;
        tab.see(".day").await;
        if has_script {
            tab.see(".is-live").await;
            tab.click(".history").await;
        }
        let is_skip = "return document.activeElement.className === 'skip'";
        let mut stops = 0;
        while tab.script(is_skip, &[]).await != json!(true) {
            assert!(stops < 30, "no skip link");
            stops += 1;
            tab.press(&if has_script {
                format!("{SHIFT}{TAB}")
            } else {
                TAB.to_owned()
            })
            .await;
        }
        tab.see_text(".skip", "Skip to messages").await;
        if has_script {
            tab.assert_accessible().await;
        }
        tab.press(ENTER).await;
        if has_script {
            let focused = "return document.activeElement.className";
            tab.wait_for_value(focused, json!("history")).await;
        }
        assert_eq!(tab.path().await, here);
    }
    // Without messages, there is nothing to skip to.
    tab.goto("/messages").await;
    tab.see(".is-live").await;
    tab.see_absent(".skip").await;
}
