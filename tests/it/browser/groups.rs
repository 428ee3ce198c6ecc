//! A group from its making to the end, one's own settings of it, and what
//! else a page can switch.

use serde_json::json;

use crate::groups::crew::{group, invite, leave};
use crate::support::TestApp;
use crate::support::browser::{Browsers, DESKTOP, ENTER, PHONE, TAB, Tab, WRITE};

#[tokio::test]
async fn a_group_is_made_managed_and_left() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let cas = app.person("cas").await;
    ann.connect_with(&cas).await;
    let (anns, bens) = (
        browsers.open_as(&ann, DESKTOP).await,
        browsers.open_as(&ben, DESKTOP).await,
    );
    for tab in [&anns, &bens] {
        tab.goto("/messages").await;
        tab.see(".rows .row").await;
    }
    made(&anns).await;
    bens.see_text(".row-name", "The crew").await;
    bens.click(".row").await;
    bens.see_text(".bar-name .hint", "2 people").await;
    managed(&anns, &bens).await;
    bens.click("[data-act=about]").await;
    bens.press_button("dialog", "Leave this group").await;
    bens.see_text("dialog", "Its history up to now stays").await;
    bens.press_button("dialog.is-small", "Leave").await;
    bens.see_text(".composer .closed", "no longer in this group")
        .await;
    bens.see_no(WRITE).await;
    anns.see_text(".bar-name .hint", "only you").await;
    ones_own(&anns).await;
    for tab in [&anns, &bens] {
        tab.assert_good().await;
    }
}

/// By the button above the list.
async fn made(anns: &Tab) {
    anns.click("[data-act=new]").await;
    anns.press_button("dialog", "New group").await;
    anns.type_into("#group-title", "The crew").await;
    anns.see_text("dialog .is-choice", "ben").await;
    anns.assert_good().await;
    anns.click_text("dialog .is-choice", "ben").await;
    anns.press_button("dialog", "Create group").await;
    anns.see_text("main h1", "The crew").await;
    anns.say("Welcome").await;
    anns.see_said("Welcome").await;
}

/// Somebody is added, made admin, who renames it; somebody is removed.
async fn managed(anns: &Tab, bens: &Tab) {
    anns.click("[data-act=about]").await;
    anns.press_button("dialog", "Add somebody").await;
    anns.see_text("dialog .person", "cas").await;
    anns.click("dialog [aria-label='Add cas']").await;
    anns.see_text("dialog .members", "cas").await;
    bens.see_text(".bar-name .hint", "3 people").await;
    anns.click("[aria-label='What to do with ben']").await;
    anns.assert_good().await;
    anns.pick("Make admin").await;
    anns.see_text("dialog .members .person", "admin").await;
    bens.click("[data-act=about]").await;
    bens.fill("dialog #title", "The better crew").await;
    bens.press_button("dialog", "Rename").await;
    anns.see_text("main h1", "The better crew").await;
    bens.click("dialog [aria-label=Close]").await;
    anns.click("[aria-label='What to do with cas']").await;
    anns.pick("Remove from the group").await;
    anns.press_button("dialog.is-small", "Remove").await;
    bens.see_text(".bar-name .hint", "2 people").await;
    bens.see_text(".history .system", "removed").await;
    anns.click("dialog [aria-label=Close]").await;
}

/// Muted, pinned, put away and brought back.
async fn ones_own(anns: &Tab) {
    for (entry, mark) in [
        ("Mute until I unmute", ".row .is-muted"),
        ("Pin", ".row .is-pinned"),
    ] {
        anns.click("main [data-act=more]").await;
        anns.pick(entry).await;
        anns.see(mark).await;
    }
    anns.click("main [data-act=more]").await;
    anns.pick("Unmute").await;
    anns.see_no(".row .is-muted").await;
    anns.click("main [data-act=more]").await;
    anns.pick("Archive").await;
    anns.see_no(".rows .row[href*='conversation=']").await;
    anns.click(".archive").await;
    anns.see_text(".rows .row-name", "The better crew").await;
    anns.assert_good().await;
    anns.choose(".rows .row", "Bring back").await;
    anns.see_text(".rows .row-name", "The better crew").await;
    anns.see_no(".archive").await;
}

/// What the server refuses for good says why, and can be tried again; the
/// list's width and the switches are remembered.
#[tokio::test]
async fn a_refusal_can_be_mended_and_switches_are_remembered() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.without_sockets().await;
    tab.open_conversation(id).await;
    let connections = ann.get("/api/connections/").await.expect(200);
    let connection = connections[0]["id"].as_i64().unwrap();
    ben.delete(&format!("/api/connections/{connection}/")).await;
    for text in ["Refused", "Refused, too"] {
        tab.say(text).await;
    }
    tab.see_text(".failure", "Not sent. You can only message people")
        .await;
    tab.see(".message:last-child .failure").await;
    assert_eq!(tab.axe().await, [""; 0]);
    ann.connect_with(&ben).await;
    tab.click(".failure [data-act=retry]").await;
    tab.see(".message .ticks[data-status=sent]").await;
    tab.click(".failure [data-act=discard]").await;
    tab.see_no(".failure").await;
    let draft = "return document.querySelector('.composer textarea').value";
    tab.comes_to(draft, json!("Refused, too")).await;
    assert_eq!(ann.history(id).await[1]["text"], "Refused");
    // Refusals are in the browser's log, and so is what never opened.
    drop(tab.complaints().await);
    drag(&tab).await;
    switches(&tab).await;
}

async fn drag(tab: &Tab) {
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
    tab.comes_to(width, json!(333)).await;
    tab.reload().await;
    tab.see(".days").await;
    tab.comes_to(width, json!(333)).await;
}

async fn switches(tab: &Tab) {
    tab.goto("/settings").await;
    let is_on = "return ['sound', 'notify'].map((it) => document.getElementsByName(it)[0].checked)";
    tab.comes_to(is_on, json!([true, false])).await;
    let origin = tab.script("return location.origin", &[]).await;
    for (setting, outcome) in [("denied", false), ("granted", true)] {
        let permission = json!({
            "permission": { "name": "notifications" }, "setting": setting, "origin": origin,
        });
        tab.devtools("Browser.setPermission", permission).await;
        tab.click("[name=notify]").await;
        tab.comes_to(is_on, json!([true, outcome])).await;
        let told = "return !document.querySelector('#notify-wrong').hidden";
        tab.comes_to(told, json!(!outcome)).await;
    }
    tab.click("[name=sound]").await;
    tab.reload().await;
    tab.comes_to(is_on, json!([false, true])).await;
    tab.assert_good().await;
    tab.click("#forget").await;
    tab.see_text("#kept", "Forgotten").await;
}

#[tokio::test]
async fn former_member_withdraws_own_message() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let (id, people) = group(&app, &["ann", "ben"]).await;
    // Wide enough that its middle is not the link of its time.
    let text = "This is what I wrote before I left";
    people[1].send(id, text).await.expect(201);
    leave(&people[1], id).await.expect(200);
    let tab = browsers.open_as(&people[1], DESKTOP).await;
    tab.open_conversation(id).await;
    let mine = ".message.is-mine";
    tab.see_text(mine, text).await;
    tab.choose(mine, "Withdraw").await;
    tab.press_button("dialog", "Withdraw").await;
    tab.see_text(mine, "Message withdrawn").await;
    let history = people[0].history(id).await;
    assert!(history.iter().any(|message| message["deleted"] == true));
    tab.assert_good().await;
}

/// The invited user answers on a phone, the inviter is told that it is an
/// invitation.
#[tokio::test]
async fn leaver_accepts_or_declines_an_invitation() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let (id, people) = group(&app, &["ann", "ben", "cas"]).await;
    leave(&people[1], id).await.expect(200);
    let anns = browsers.open_as(&people[0], DESKTOP).await;
    let bens = browsers.open_as(&people[1], PHONE).await;
    anns.open_conversation(id).await;
    bens.goto("/messages").await;
    bens.see(".rows .row").await;
    anns.click("main [data-act=about]").await;
    anns.press_button("dialog", "Add somebody").await;
    anns.click("dialog [aria-label='Add ben']").await;
    anns.see_text(".toast", "ben @ben left this group and has to accept")
        .await;
    anns.see_text("dialog h3", "2 people").await;
    anns.assert_good().await;
    bens.see_text(".people .person", "invites you back").await;
    bens.assert_good().await;
    bens.tap("[aria-label='Accept the invitation to Crew']")
        .await;
    bens.see(WRITE).await;
    anns.see_text("main .bar-name .hint", "3 people").await;

    leave(&people[1], id).await.expect(200);
    bens.goto("/messages").await;
    invite(&people[0], id, "ben").await.expect(202);
    bens.see_text(".people .person", "invites you back").await;
    // It is there after a reload, too, and by the keyboard.
    bens.reload().await;
    bens.see_text(".people .person", "invites you back").await;
    let focused = "return document.activeElement.ariaLabel";
    for _ in 0..30 {
        let name = bens.script(focused, &[]).await;
        if name == "Decline the invitation to Crew" {
            break;
        }
        bens.press(TAB).await;
    }
    bens.press(ENTER).await;
    bens.see_no(".people .person").await;
    let left = people[1].get("/api/invitations/").await.expect(200);
    assert_eq!(left, json!([]));
    assert_eq!(people[1].conversation(id).await["left"], true);
    bens.assert_no_complaints().await;
}
