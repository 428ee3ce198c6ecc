//! Smaller faults of the client that have no subject of their own.

use serde_json::json;

use crate::groups::crew;
use crate::support::TestApp;
use crate::support::browser::{BrowserDriver, COMPOSER, DESKTOP, ESCAPE, PHONE, ScreenSize};

/// A click on a contact shows an empty conversation. Only the first message
/// creates it.
#[tokio::test]
async fn first_message_creates_conversation() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let people = crew::friends(&app, &["ann", "oskar", "teo"]).await;
    people[2].open_direct_used(&people[0]).await;
    let tab = browsers.open_as(&people[0], DESKTOP).await;
    for way in ["list", "panel"] {
        tab.goto("/messages").await;
        tab.see(".is-live").await;
        if way == "list" {
            tab.click_text(".rows .row", "Say hello to oskar").await;
        } else {
            tab.click("[data-act=new]").await;
            tab.click_text(".side-panel .contact", "oskar").await;
        }
        tab.see_text("main h1", "oskar").await;
        assert_eq!(tab.path().await, "/messages/chat/oskar/", "{way}");
        tab.see_text(".rows .row", "Say hello to oskar").await;
        let listed = people[1].get("/api/conversations/").await.expect(200);
        assert_eq!(listed, json!([]), "{way}");
    }
    tab.send_text("Hello").await;
    tab.see(".message:last-child .ticks[data-status=sent]")
        .await;
    let listed = people[1].get("/api/conversations/").await.expect(200);
    assert_eq!(listed[0]["last_message"]["text"], "Hello");
    tab.assert_accessible().await;
}

/// The back button leads from the page of a first message to the list.
#[tokio::test]
async fn first_message_page_leads_back() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, _ben) = app.register_connected("ann", "ben").await;
    let tab = browsers.open_as(&ann, PHONE).await;
    tab.goto("/messages/chat/ben/").await;
    tab.see(".is-live").await;
    tab.tap(".back").await;
    tab.see_text(".rows .row", "Say hello to ben").await;
    assert_eq!(tab.path().await, "/messages");
}

/// The info of a group shows its new title and members, also those that another
/// member has changed. It offers only users who aren't members.
#[tokio::test]
async fn group_info_follows_all_changes() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let people = crew::friends(&app, &["ann", "ben", "cas"]).await;
    let made = crew::make(&people[0], "The crew", &["ben"]).await;
    let group = made.expect(201)["id"].as_i64().unwrap();
    let tab = browsers.open_as(&people[0], DESKTOP).await;
    tab.open_conversation(group).await;
    tab.click("[data-act=about]").await;
    tab.click("[aria-label='Rename group']").await;
    tab.fill(".panel #title", "New name").await;
    tab.press_button(".panel", "Save").await;
    tab.see_text(".panel h3", "New name").await;
    tab.see(".panel [aria-label='Options for ben']").await;
    tab.press_button(".panel", "Add members").await;
    tab.see("dialog [aria-label='Add cas']").await;
    tab.see_absent("dialog [aria-label='Add ben']").await;
    tab.click("dialog [aria-label='Add cas']").await;
    tab.see(".panel [aria-label='Options for cas']").await;
    tab.press_button(".panel", "Add members").await;
    tab.see_text("dialog .contact-list", "All your contacts are members")
        .await;
    tab.assert_accessible().await;
    tab.press(ESCAPE).await;
    let (ann, ben) = (&people[0], &people[1]);
    crew::set_role(ann, group, "ben", "admin").await.expect(200);
    tab.see_text(".members .role", "admin").await;
    crew::rename(ben, group, "Their name").await.expect(200);
    tab.see_text(".panel h3", "Their name").await;
    crew::remove(ben, group, "cas").await.expect(204);
    tab.see_absent(".panel [aria-label='Options for cas']")
        .await;
    tab.see_text(".panel h3", "2 members").await;
    tab.assert_accessible().await;
}

#[tokio::test]
async fn archived_conversation_leaves_a_hint() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    ann.open_direct_used(&ben).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.goto("/messages").await;
    tab.see(".is-live").await;
    tab.choose_from_menu(".rows .row", "Archive").await;
    tab.see_text(".list .empty", "All chats are archived.")
        .await;
    tab.see_text(".archive", "Archived").await;
    tab.assert_accessible().await;
}

const NARROW: ScreenSize = ScreenSize {
    width: 320,
    height: 640,
};

/// A hint that is too long ends with an ellipsis.
#[tokio::test]
async fn long_hint_ends_with_ellipsis() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (group, people) = crew::group(&app, &["ann", "ben", "cas"]).await;
    let tab = browsers.open_as(&people[0], NARROW).await;
    tab.open_conversation(group).await;
    let mut sockets = Vec::new();
    for typist in &people[1..] {
        let mut socket = typist.socket("/ws/").await;
        let typing = json!({ "type": "typing", "conversation_id": group, "is_typing": true });
        socket.send(typing).await;
        sockets.push(socket);
    }
    let cut = "const hint = document.querySelector('.bar-name .hint');
        const { overflowX, textOverflow } = getComputedStyle(hint);
        return [hint.scrollWidth > hint.clientWidth, overflowX, textOverflow]";
    tab.wait_for_value(cut, json!([true, "hidden", "ellipsis"]))
        .await;
}

/// Names and texts are cut between characters as users see them.
#[tokio::test]
async fn cut_texts_keep_whole_characters() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let people = crew::friends(&app, &["ann", "ben"]).await;
    let made = crew::make(&people[0], "🇩🇪 Team", &["ben"]).await;
    let group = made.expect(201)["id"].as_i64().unwrap();
    let text = format!("{}🇩🇪 and more", "x".repeat(139));
    people[1].send(group, &text).await.expect(201);
    let tab = browsers.open_as(&people[0], DESKTOP).await;
    for has_script in [true, false] {
        if !has_script {
            tab.disable_scripts().await;
        }
        tab.goto("/messages").await;
        tab.see(".rows .row").await;
        if has_script {
            tab.see(".is-live").await;
        }
        assert_eq!(
            tab.texts(".rows li:first-child .avatar").await,
            ["🇩🇪T"],
            "{has_script}"
        );
        let shown = "return document.querySelector('.row .said').textContent";
        let preview = tab.script(shown, &[]).await;
        assert_eq!(preview, json!("x".repeat(139)), "{has_script}");
    }
}

#[tokio::test]
async fn reduced_motion_stops_day_label() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.open_conversation(id).await;
    tab.see(".ticks").await;
    let durations = "return ['.day h2 time', '.message .ticks'].map((it) =>
        getComputedStyle(document.querySelector(it)).transitionDuration)";
    for (preference, expected) in [
        ("no-preference", ["0.2s", "0.16s"]),
        ("reduce", ["0s", "0s"]),
    ] {
        tab.emulate_media("prefers-reduced-motion", preference)
            .await;
        tab.wait_for_value(durations, json!(expected)).await;
    }
}

/// The time of a message is half of a short one.
#[tokio::test]
async fn right_click_on_time_opens_menu() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    ann.send(id, "See https://a.example/").await.expect(201);
    let tab = browsers.open_as(&ben, DESKTOP).await;
    tab.open_conversation(id).await;
    tab.see(".is-live").await;
    tab.right_click(".history .when").await;
    tab.see_text("[role=menu]", "Reply").await;
    tab.press(ESCAPE).await;
    tab.see_absent("[role=menu]").await;
    tab.see(COMPOSER).await;
    // A link of the text keeps the menu of the browser.
    let is_ours = "window.ours = null;
        addEventListener('contextmenu', (event) => { window.ours = event.defaultPrevented; })";
    tab.script(is_ours, &[]).await;
    tab.right_click(".said a").await;
    tab.wait_for_value("return window.ours", json!(false)).await;
}
