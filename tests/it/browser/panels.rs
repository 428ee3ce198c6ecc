//! Panels of the messenger: the info of a conversation, profiles and settings.
//! The page below goes on: socket, draft and place in the history stay.

use serde_json::{Value, json};

use crate::groups::crew;
use crate::groups::largest_group::fill;
use crate::support::TestApp;
use crate::support::browser::{
    BrowserDriver, BrowserTab, COMPOSER, DESKTOP, ENTER, ESCAPE, PHONE, ScreenSize,
};

const WIDE: ScreenSize = ScreenSize {
    width: 1440,
    height: 900,
};
const MIDDLE: ScreenSize = ScreenSize {
    width: 1000,
    height: 700,
};
const NARROW: ScreenSize = ScreenSize {
    width: 320,
    height: 640,
};

const HEAD: &str = "main [data-act=about]";
const PATH: &str = "return location.pathname + location.search";
const FOCUSED: &str =
    "return document.activeElement.dataset.act ?? document.activeElement.ariaLabel";
const EXPANDED: &str =
    "return document.querySelector('main [data-act=about]').getAttribute('aria-expanded')";
const DRAFT: &str =
    "const { value, selectionStart } = document.querySelector('.composer textarea');
    return [value, selectionStart]";

/// Returns the edges of a part of the page: left, right and width.
async fn edges(tab: &BrowserTab, selector: &str) -> [f64; 3] {
    let script = "const { left, right, width } = document.querySelector(arguments[0])
        .getBoundingClientRect();
        return [left, right, width]";
    let found = tab.script(script, &[json!(selector)]).await;
    serde_json::from_value(found).unwrap()
}

/// Waits until the opening animation of a panel has ended.
async fn wait_for_rest(tab: &BrowserTab) {
    let script = "return document.querySelector('.panel').getAnimations().length";
    tab.wait_for_value(script, json!(0)).await;
}

/// The info is a column beside the conversation, covers a part of it or the
/// whole screen, and never hinders the page.
#[tokio::test]
async fn info_is_column_beside_the_chat() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let tab = browsers.open_as(&ann, WIDE).await;
    let (chat, info) = (
        format!("/messages?conversation={id}"),
        format!("/messages?conversation={id}&info=1"),
    );
    tab.open_conversation(id).await;
    tab.type_into(COMPOSER, "Half a th").await;
    tab.wait_for_value(EXPANDED, json!("false")).await;
    tab.click(HEAD).await;
    tab.see_text(".panel h3", "ben").await;
    tab.see_text(".panel .hint", "@ben").await;
    tab.wait_for_value(PATH, json!(info)).await;
    tab.wait_for_value(EXPANDED, json!("true")).await;
    tab.wait_for_value(FOCUSED, json!("Close")).await;
    wait_for_rest(&tab).await;
    let ([left, right, width], [_, end, _]) =
        (edges(&tab, ".panel").await, edges(&tab, ".thread").await);
    assert_eq!((left, right, width), (end, 1440.0, 360.0));
    // The page goes on below: typing, and messages that arrive.
    tab.type_into(COMPOSER, "ought").await;
    tab.wait_for_value(DRAFT, json!(["Half a thought", 14]))
        .await;
    ben.send(id, "While the info is open").await.expect(201);
    tab.see_message("While the info is open").await;
    for scheme in ["light", "dark"] {
        tab.emulate_media("prefers-color-scheme", scheme).await;
        tab.assert_accessible().await;
    }
    tab.emulate_media("forced-colors", "active").await;
    tab.assert_accessible().await;
    tab.emulate_media("forced-colors", "none").await;
    // The same button closes it; so do Escape and Back. Forward and a reload
    // open it.
    tab.click(HEAD).await;
    tab.see_absent(".panel").await;
    tab.wait_for_value(PATH, json!(chat)).await;
    tab.click(HEAD).await;
    tab.see(".panel").await;
    tab.press(ESCAPE).await;
    tab.see_absent(".panel").await;
    tab.wait_for_value(FOCUSED, json!("about")).await;
    tab.wait_for_value(PATH, json!(chat)).await;
    tab.forward().await;
    tab.see_text(".panel h3", "ben").await;
    tab.back().await;
    tab.see_absent(".panel").await;
    tab.forward().await;
    tab.see(".panel h3").await;
    tab.reload().await;
    tab.see(".is-live").await;
    tab.see(".panel .info-row").await;
    tab.wait_for_value(DRAFT, json!(["Half a thought", 14]))
        .await;
    tab.back().await;
    tab.see_absent(".panel").await;
    tab.wait_for_value(PATH, json!(chat)).await;
    assert_sizes(&tab, &info).await;
}

/// Opens the address of the info on smaller screens.
async fn assert_sizes(tab: &BrowserTab, info: &str) {
    for (size, covers) in [(MIDDLE, 360.0), (PHONE, 360.0), (NARROW, 320.0)] {
        tab.size(size).await;
        tab.goto(info).await;
        tab.see(".is-live").await;
        tab.see(".panel .info-row").await;
        wait_for_rest(tab).await;
        let [left, right, width] = edges(tab, ".panel").await;
        assert_eq!((right, width), (f64::from(size.width), covers), "{size:?}");
        let [_, end, _] = edges(tab, ".thread").await;
        assert!(left < end, "{size:?}: the panel is above the thread");
        let wide = "return document.documentElement.scrollWidth";
        assert_eq!(tab.script(wide, &[]).await, json!(size.width));
        tab.assert_accessible().await;
        tab.click(".panel [aria-label=Close]").await;
        tab.see_absent(".panel").await;
        tab.see(COMPOSER).await;
        tab.wait_for_value(FOCUSED, json!("about")).await;
    }
}

/// Without scripts, the server renders the info, and its forms work.
#[tokio::test]
async fn info_works_without_scripts() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let people = crew::friends(&app, &["ann", "ben"]).await;
    let direct = people[1].open_direct_used(&people[0]).await;
    let made = crew::make(&people[0], "Crew", &["ben"]).await.expect(201);
    let group = made["id"].as_i64().unwrap();
    fill(&app, group, 70).await;
    let tab = browsers.open_as(&people[0], DESKTOP).await;
    tab.disable_scripts().await;
    tab.open_conversation_plainly(group).await;
    tab.click(HEAD).await;
    tab.see_text(".panel .hint", "72 members").await;
    tab.see_text(".members .role", "owner").await;
    tab.click_text(".panel a", "More members").await;
    tab.see_absent(".members .role").await;
    tab.see_text(".members .name", "One of many").await;
    tab.click(".panel [aria-label=Close]").await;
    tab.see_absent(".panel").await;
    tab.open_conversation_plainly(direct).await;
    tab.click(HEAD).await;
    tab.see_text(".panel .hint", "@ben").await;
    tab.press_button(".panel", "Block").await;
    tab.see_text(".composer .closed", "You blocked ben").await;
    tab.press_button(".composer", "Unblock").await;
    tab.see_text(".composer .closed", "no longer connected")
        .await;
    tab.press_button(".composer", "Connect").await;
    tab.see_text(".composer .closed", "hasn’t accepted your request yet")
        .await;
    assert_eq!(tab.path().await, format!("/messages?conversation={direct}"));
}

/// The settings open over the list. The page stays the same one, with its
/// draft.
#[tokio::test]
async fn settings_open_over_the_list() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    let chat = format!("/messages?conversation={id}");
    tab.open_conversation(id).await;
    tab.type_into(COMPOSER, "A draft").await;
    tab.script("window.isSame = true", &[]).await;
    tab.block_urls(&["*/settings"]).await;
    tab.click(".side .me").await;
    tab.see_text(".panel .wrong", "This could not be loaded.")
        .await;
    tab.block_urls(&[]).await;
    tab.press_button(".panel", "Try again").await;
    tab.see(".panel #display_name").await;
    tab.wait_for_value(PATH, json!("/settings")).await;
    drop(tab.console_errors().await);
    wait_for_rest(&tab).await;
    tab.assert_accessible().await;
    // A form is sent, and its answer shown, in place.
    tab.fill(".panel #display_name", "").await;
    tab.type_into(".panel #display_name", "Annabel").await;
    tab.press_button(".panel", "Save").await;
    tab.see_text(".panel .done", "Saved").await;
    tab.type_into(".panel #current_password", "wrong password")
        .await;
    tab.type_into(".panel #new_password", "another long password")
        .await;
    tab.press_button(".panel", "Change password").await;
    tab.see(".panel #current_password[aria-invalid]").await;
    let focused = "return document.activeElement.id";
    tab.wait_for_value(focused, json!("current_password")).await;
    drop(tab.console_errors().await);
    ben.send(id, "Meanwhile").await.expect(201);
    tab.see_message("Meanwhile").await;
    tab.wait_for_value("return window.isSame", json!(true))
        .await;
    tab.wait_for_value(DRAFT, json!(["A draft", 7])).await;
    tab.press(ESCAPE).await;
    tab.see_absent(".panel").await;
    tab.see_text(".side .me", "Annabel").await;
    tab.wait_for_value(PATH, json!(chat)).await;
    tab.wait_for_value("return document.activeElement.className", json!("me"))
        .await;
    assert_reload(&tab, &chat).await;
}

/// A reload shows the page of the settings alone; Back leads to the chat.
async fn assert_reload(tab: &BrowserTab, chat: &str) {
    tab.forward().await;
    tab.see(".panel #display_name").await;
    tab.reload().await;
    tab.see("main.page #display_name").await;
    tab.see_absent(".messenger").await;
    tab.back().await;
    tab.see(".is-live .composer textarea").await;
    tab.see_absent(".panel").await;
    tab.wait_for_value(PATH, json!(chat)).await;
    tab.wait_for_value(DRAFT, json!(["A draft", 7])).await;
    // On a phone the settings fill the screen.
    tab.size(PHONE).await;
    tab.goto("/messages").await;
    tab.see(".is-live").await;
    tab.tap(".side .me").await;
    tab.see(".panel #display_name").await;
    wait_for_rest(tab).await;
    let [left, _, width] = edges(tab, ".panel").await;
    assert_eq!((left, width), (0.0, 360.0));
    tab.assert_accessible().await;
    tab.tap(".panel [aria-label='Back to chats']").await;
    tab.see_absent(".panel").await;
    tab.see(".rows .row").await;
}

/// A member's profile opens over the info, follows changes, and leads back.
#[tokio::test]
async fn profile_opens_over_the_info() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (group, people) = crew::group(&app, &["ann", "ben", "cas"]).await;
    let (ben, cas) = (&people[1], &people[2]);
    let tab = browsers.open_as(ben, DESKTOP).await;
    tab.open_conversation(group).await;
    tab.click(HEAD).await;
    tab.click_text(".members .name", "cas").await;
    tab.see_text(".panel #relation", "You aren’t connected.")
        .await;
    tab.wait_for_value("return location.pathname", json!("/profile/cas"))
        .await;
    tab.assert_accessible().await;
    tab.press_button(".panel", "Connect").await;
    tab.see_text(".panel #relation", "cas hasn’t accepted")
        .await;
    let asked = cas.get("/api/connections/").await.expect(200);
    let asked = asked.as_array().unwrap().clone();
    let asked = asked.iter().find(|it| it["state"] == "incoming").unwrap();
    let accept = format!("/api/connections/{}/accept/", asked["id"]);
    cas.post(&accept, json!({})).await.expect(200);
    tab.see_text(".panel #relation", "You are connected.").await;
    tab.press(ESCAPE).await;
    tab.see_absent(".panel #relation").await;
    tab.see(".panel .members").await;
    let focused = "return document.activeElement.innerText";
    tab.wait_for_value(focused, json!("cas")).await;
    tab.wait_for_value(
        PATH,
        json!(format!("/messages?conversation={group}&info=1")),
    )
    .await;
    tab.press(ENTER).await;
    tab.see_text(".panel #relation", "You are connected.").await;
    tab.back().await;
    tab.see(".panel .members").await;
    tab.back().await;
    tab.see_absent(".panel").await;
    tab.assert_no_console_errors().await;
}

/// The info of a group of 1,000 draws only the members in view, and finds each.
#[tokio::test]
async fn info_of_large_group_is_small() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (group, people) = crew::group(&app, &["ann", "ben", "zed"]).await;
    fill(&app, group, 997).await;
    let tab = browsers.open_as(&people[0], WIDE).await;
    tab.open_conversation(group).await;
    tab.see_text("main .bar .hint", "1000 members").await;
    tab.click(HEAD).await;
    tab.see_text(".panel h3", "1000 members").await;
    let size = "return document.querySelector('.members [aria-setsize]')?.ariaSetSize";
    tab.wait_for_value(size, json!("1000")).await;
    let nodes = "return document.querySelectorAll('.panel, .panel *').length";
    let is_small = async || {
        let count = tab.script(nodes, &[]).await.as_u64().unwrap();
        assert!(count <= 2_000, "{count} nodes");
    };
    is_small().await;
    tab.assert_accessible().await;
    // The last member is drawn after a scroll to the end.
    let wheel = json!({ "type": "mouseWheel", "x": 1300, "y": 600, "deltaX": 0, "deltaY": 90_000 });
    tab.devtools("Input.dispatchMouseEvent", wheel).await;
    tab.see_text(".members .name", "zed").await;
    tab.see_absent("[aria-label='Options for ben']").await;
    is_small().await;
    let wheel =
        json!({ "type": "mouseWheel", "x": 1300, "y": 600, "deltaX": 0, "deltaY": -90_000 });
    tab.devtools("Input.dispatchMouseEvent", wheel).await;
    tab.see("[aria-label='Options for ben']").await;
    tab.type_into(".panel [type=search]", "crowd512").await;
    tab.wait_for_value(size, json!("1")).await;
    tab.see_text(".members .hint", "@crowd512").await;
    tab.type_into(".panel [type=search]", "x").await;
    tab.see_text(".panel [role=status]", "No results").await;
    tab.press(ESCAPE).await;
    tab.wait_for_value(size, json!("1000")).await;
    tab.see(".panel").await;
    tab.assert_no_console_errors().await;
}

/// The header counts who is online, and the question to an owner who leaves
/// names the next one.
#[tokio::test]
async fn leaving_owner_is_told_the_next() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (group, people) = crew::group(&app, &["ann", "ben", "cas"]).await;
    crew::set_role(&people[0], group, "cas", "admin")
        .await
        .expect(200);
    let _here = people[1].socket("/ws/").await;
    let tab = browsers.open_as(&people[0], DESKTOP).await;
    tab.open_conversation(group).await;
    tab.see_text("main .bar .hint", "3 members, 1 online").await;
    tab.click(HEAD).await;
    tab.see_text(".panel .hint", "Created by ann").await;
    tab.press_button(".panel", "Leave group").await;
    tab.see_text("dialog.is-small", "cas becomes the owner")
        .await;
    tab.assert_accessible().await;
    tab.press_button("dialog.is-small", "Leave").await;
    tab.see_text(".composer .closed", "You left this group.")
        .await;
    tab.see_absent(".panel .members").await;
    let members = people[2]
        .get(&format!("/api/conversations/{group}/members/"))
        .await
        .expect(200);
    let owner = |it: &&Value| it["role"] == "owner";
    let members = members.as_array().unwrap();
    let owner = members.iter().find(owner).unwrap();
    assert_eq!(owner["user"]["username"], "cas");
}
