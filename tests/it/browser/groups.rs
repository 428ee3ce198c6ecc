//! Groups from creation to the end, the user's own settings of a group, and
//! switches in the page's settings.

use serde_json::json;

use crate::groups::crew::{group, invite, leave};
use crate::support::TestApp;
use crate::support::browser::{
    BrowserDriver, BrowserTab, COMPOSER, DESKTOP, ENTER, PANEL, PHONE, TAB,
};

#[tokio::test]
async fn group_is_created_managed_and_left() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let cas = app.register_user("cas").await;
    ann.connect_with(&cas).await;
    let (anns, bens) = (
        browsers.open_as(&ann, DESKTOP).await,
        browsers.open_as(&ben, DESKTOP).await,
    );
    for tab in [&anns, &bens] {
        tab.goto("/messages").await;
        tab.see(".rows .row").await;
    }
    create(&anns).await;
    bens.see_text(".row-name", "The crew").await;
    bens.click(".row").await;
    bens.see_text(".bar-name .hint", "2 members").await;
    manage(&anns, &bens).await;
    bens.click("[data-act=about]").await;
    bens.press_button(".panel", "Leave group").await;
    bens.see_text("dialog", "You can still read earlier messages")
        .await;
    bens.press_button("dialog.is-small", "Leave").await;
    bens.see_text(".composer .closed", "You left this group.")
        .await;
    bens.see_absent(COMPOSER).await;
    anns.see_text(".bar-name .hint", "only you").await;
    change_own_settings(&anns).await;
    for tab in [&anns, &bens] {
        tab.assert_accessible().await;
    }
}

/// Creates a group by the button above the list.
async fn create(anns: &BrowserTab) {
    anns.click("[data-act=new]").await;
    anns.press_button(PANEL, "New group").await;
    anns.click_text(".side-panel .is-choice", "ben").await;
    anns.press_button(PANEL, "Next").await;
    anns.type_into("#group-title", "The crew").await;
    anns.press_button(PANEL, "Create group").await;
    anns.see_text("main h1", "The crew").await;
    anns.send_text("Welcome").await;
    anns.see_message("Welcome").await;
}

/// Adds cas, makes ben an admin, lets ben rename the group, and removes cas.
async fn manage(anns: &BrowserTab, bens: &BrowserTab) {
    anns.click("[data-act=about]").await;
    anns.press_button(".panel", "Add members").await;
    anns.click("dialog [aria-label='Add cas']").await;
    anns.see_text(".members", "cas").await;
    bens.see_text(".bar-name .hint", "3 members").await;
    anns.click("[aria-label='Options for ben']").await;
    anns.assert_accessible().await;
    anns.pick_menu_entry("Make admin").await;
    anns.see_text(".members .role", "admin").await;
    bens.click("[data-act=about]").await;
    bens.click("[aria-label='Rename group']").await;
    bens.fill(".panel #title", "The better crew").await;
    bens.press_button(".panel", "Save").await;
    anns.see_text("main h1", "The better crew").await;
    bens.click(".panel [aria-label=Close]").await;
    anns.click("[aria-label='Options for cas']").await;
    anns.pick_menu_entry("Remove from group").await;
    anns.press_button("dialog.is-small", "Remove").await;
    bens.see_text(".bar-name .hint", "2 members").await;
    bens.see_text(".history .system", "removed").await;
    anns.click(".panel [aria-label=Close]").await;
}

/// Mutes, pins, archives and restores a conversation.
async fn change_own_settings(anns: &BrowserTab) {
    anns.click("main [data-act=about]").await;
    anns.press_button(".panel", "Mute").await;
    anns.pick_menu_entry("Mute always").await;
    anns.see(".row .is-muted").await;
    anns.see_text(".info-row", "Always").await;
    anns.press_button(".panel", "Pin").await;
    anns.see(".row .is-pinned").await;
    anns.press_button(".panel", "Mute").await;
    anns.pick_menu_entry("Unmute").await;
    anns.see_absent(".row .is-muted").await;
    anns.press_button(".panel", "Archive").await;
    anns.see_absent(".rows .row[href*='conversation=']").await;
    anns.click(".archive").await;
    anns.see_text(".rows .row-name", "The better crew").await;
    anns.assert_accessible().await;
    anns.choose_from_menu(".rows .row", "Unarchive").await;
    anns.see_text(".rows .row-name", "The better crew").await;
    anns.see_absent(".archive").await;
}

/// A refused message shows the reason and can be retried. The list's width and
/// the switches are stored.
#[tokio::test]
async fn refused_message_and_switches_are_kept() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.disable_sockets().await;
    tab.open_conversation(id).await;
    let connections = ann.get("/api/connections/").await.expect(200);
    let connection = connections[0]["id"].as_i64().unwrap();
    ben.delete(&format!("/api/connections/{connection}/")).await;
    for text in ["Refused", "Refused, too"] {
        tab.send_text(text).await;
    }
    tab.see_text(".failure", "Not sent. You can only message people")
        .await;
    tab.see(".message:last-child .failure").await;
    assert_eq!(tab.accessibility_faults().await, [""; 0]);
    ann.connect_with(&ben).await;
    tab.click(".failure [data-act=retry]").await;
    tab.see(".message .ticks[data-status=sent]").await;
    tab.click(".failure [data-act=discard]").await;
    tab.see_absent(".failure").await;
    let draft = "return document.querySelector('.composer textarea').value";
    tab.wait_for_value(draft, json!("Refused, too")).await;
    assert_eq!(ann.history(id).await[1]["text"], "Refused");
    // Ignores the logged refusals and failed sockets.
    drop(tab.console_errors().await);
    drag(&tab).await;
    switches(&tab).await;
}

async fn drag(tab: &BrowserTab) {
    let width = "return document.querySelector('.side').offsetWidth";
    let edge = tab.script(width, &[]).await.as_i64().unwrap();
    for (kind, x) in [
        ("mousePressed", edge),
        ("mouseMoved", 350),
        ("mouseMoved", 333),
        ("mouseReleased", 333),
    ] {
        let event = json!({ "type": kind, "x": x, "y": 300, "button": "left", "buttons": 1, "clickCount": 1 });
        tab.devtools("Input.dispatchMouseEvent", event).await;
    }
    tab.wait_for_value(width, json!(333)).await;
    tab.reload().await;
    tab.see(".days").await;
    tab.wait_for_value(width, json!(333)).await;
}

async fn switches(tab: &BrowserTab) {
    tab.goto("/settings").await;
    let is_on = "return ['sound', 'notify'].map((it) => document.getElementsByName(it)[0].checked)";
    tab.wait_for_value(is_on, json!([true, false])).await;
    let origin = tab.script("return location.origin", &[]).await;
    for (setting, outcome) in [("denied", false), ("granted", true)] {
        let permission = json!({
            "permission": { "name": "notifications" }, "setting": setting, "origin": origin,
        });
        tab.devtools("Browser.setPermission", permission).await;
        tab.click("[name=notify]").await;
        tab.wait_for_value(is_on, json!([true, outcome])).await;
        let is_shown = "return !document.querySelector('#notify-wrong').hidden";
        tab.wait_for_value(is_shown, json!(!outcome)).await;
    }
    tab.click("[name=sound]").await;
    tab.reload().await;
    tab.wait_for_value(is_on, json!([false, true])).await;
    tab.assert_accessible().await;
    tab.click("#forget").await;
    tab.see_text("#forgotten", "Cleared").await;
}

#[tokio::test]
async fn former_member_deletes_own_message() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (id, people) = group(&app, &["ann", "ben"]).await;
    // A text long enough that a click in the middle of its bubble misses the
    // link of its time.
    let text = "This is what I wrote before I left";
    people[1].send(id, text).await.expect(201);
    leave(&people[1], id).await.expect(200);
    let tab = browsers.open_as(&people[1], DESKTOP).await;
    tab.open_conversation(id).await;
    let mine = ".message.is-mine";
    tab.see_text(mine, text).await;
    tab.choose_from_menu(mine, "Delete for everyone").await;
    tab.press_button("dialog", "Delete for everyone").await;
    tab.see_text(mine, "Message deleted").await;
    let history = people[0].history(id).await;
    assert!(history.iter().any(|message| message["deleted"] == true));
    tab.assert_accessible().await;
}

/// The invited user answers on a phone. The inviter sees that the user must
/// accept.
#[tokio::test]
async fn former_member_answers_an_invitation() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (id, people) = group(&app, &["ann", "ben", "cas"]).await;
    leave(&people[1], id).await.expect(200);
    let anns = browsers.open_as(&people[0], DESKTOP).await;
    let bens = browsers.open_as(&people[1], PHONE).await;
    anns.open_conversation(id).await;
    bens.goto("/messages").await;
    bens.see(".rows .row").await;
    anns.click("main [data-act=about]").await;
    anns.press_button(".panel", "Add members").await;
    anns.click("dialog [aria-label='Add ben']").await;
    anns.see_text(
        ".toast",
        "ben @ben left this group and must accept the invitation",
    )
    .await;
    anns.see_text(".panel h3", "2 members").await;
    anns.assert_accessible().await;
    bens.see_text(".people .person", "invited you to rejoin")
        .await;
    bens.assert_accessible().await;
    bens.tap("[aria-label='Accept the invitation to Crew']")
        .await;
    bens.see(COMPOSER).await;
    anns.see_text("main .bar-name .hint", "3 members").await;

    leave(&people[1], id).await.expect(200);
    bens.goto("/messages").await;
    invite(&people[0], id, "ben").await.expect(202);
    bens.see_text(".people .person", "invited you to rejoin")
        .await;
    // The invitation is still there after a reload and can be declined by
    // keyboard.
    bens.reload().await;
    bens.see_text(".people .person", "invited you to rejoin")
        .await;
    let focused = "return document.activeElement.ariaLabel";
    for _ in 0..30 {
        let name = bens.script(focused, &[]).await;
        if name == "Decline the invitation to Crew" {
            break;
        }
        bens.press(TAB).await;
    }
    bens.press(ENTER).await;
    bens.see_absent(".people .person").await;
    let left = people[1].get("/api/invitations/").await.expect(200);
    assert_eq!(left, json!([]));
    assert_eq!(people[1].conversation(id).await["left"], true);
    bens.assert_no_console_errors().await;
}
