//! In a conversation that the user can't write to, everything but the composer
//! works.

use serde_json::json;

use crate::admin::Keeper;
use crate::groups::crew;
use crate::support::browser::{BrowserDriver, BrowserTab, COMPOSER, DESKTOP, ESCAPE, PHONE};
use crate::support::{TestApp, TestUser};

/// Checks that everything except the composer works after a page load.
async fn assert_works(tab: &BrowserTab, name: &str) {
    tab.see_message("The first.").await;
    tab.see_absent(COMPOSER).await;
    // Opens a message's menu, which needs the page's script.
    tab.choose_from_menu(".history .message", "Copy link").await;
    tab.click("main [data-act=about]").await;
    tab.see_text(".panel", "Archive").await;
    tab.press(ESCAPE).await;
    tab.see_absent(".panel").await;
    tab.click("[data-act=new]").await;
    tab.see_text(".side-panel", "New group").await;
    tab.press(ESCAPE).await;
    tab.see_absent(".side-panel").await;
    tab.click(".history").await;
    tab.press("/").await;
    let focused = "return document.activeElement.id";
    tab.wait_for_value(focused, json!("seek")).await;
    tab.click(".history").await;
    tab.press(ESCAPE).await;
    tab.see_absent("main h1:not(.unseen)").await;
    let complaints = tab.console_errors().await;
    assert!(complaints.is_empty(), "{name}: {complaints:#?}");
}

/// Opens a closed conversation, then reloads it, and checks both pages.
async fn assert_loads(tab: &BrowserTab, id: i64, (name, reason): (&str, &str)) {
    tab.open_conversation(id).await;
    tab.see_text(".composer .closed", reason).await;
    tab.assert_accessible().await;
    assert_works(tab, name).await;
    tab.open_conversation(id).await;
    tab.reload().await;
    tab.see(".days").await;
    tab.see_text(".composer .closed", reason).await;
    assert_works(tab, name).await;
}

async fn disconnect(person: &TestUser, other: &TestUser) {
    let connections = person.get("/api/connections/").await.expect(200);
    let connections = connections.as_array().unwrap();
    let mut with = connections.iter();
    let with = with.find(|it| it["user"]["username"] == other.username.as_str());
    let path = format!("/api/connections/{}/", with.unwrap()["id"]);
    person.delete(&path).await;
}

#[tokio::test]
async fn closed_direct_conversation_loads_as_page() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ben.open_direct_used(&ann).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    disconnect(&ben, &ann).await;
    assert_loads(&tab, id, ("none", "no longer connected")).await;
    ann.request_connection(&ben).await.expect(201);
    assert_loads(
        &tab,
        id,
        ("requested", "ben hasn’t accepted your request yet"),
    )
    .await;
    disconnect(&ann, &ben).await;
    ben.request_connection(&ann).await.expect(201);
    assert_loads(&tab, id, ("incoming", "wants to connect")).await;
    // Accepting the request enables the composer without a reload.
    tab.open_conversation(id).await;
    tab.press_button(".people", "Accept").await;
    tab.see_absent(".composer .closed").await;
    tab.send_text("Writing again").await;
    tab.see(".message:last-child .ticks[data-status=sent]")
        .await;
    tab.assert_accessible().await;
    crate::people::block(&ann, &ben).await;
    assert_loads(&tab, id, ("blocked", "You blocked ben")).await;
}

#[tokio::test]
async fn closed_group_loads_as_page() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let mut keeper = Keeper::at(&app).await;
    let people = crew::friends(&app, &["ann", "ben", "cas"]).await;
    let (ann, ben) = (&people[0], &people[1]);
    let tab = browsers.open_as(ben, DESKTOP).await;
    for state in ["left", "removed", "closed"] {
        let made = crew::make(ann, state, &["ben", "cas"]).await.expect(201);
        let id = made["id"].as_i64().unwrap();
        ann.send(id, "The first.").await.expect(201);
        match state {
            "left" => {
                crew::leave(ben, id).await.expect(200);
            }
            "removed" => {
                crew::remove(ann, id, "ben").await;
            }
            _ => {
                let path = format!("/admin/conversations/{id}/close");
                keeper.act(&path, &[("reason", "Done")]).await.expect(303);
            }
        }
        assert_loads(&tab, id, (state, "no longer in this group")).await;
    }
}

/// The bar in the composer's place has the action that lets the user write. It
/// changes live, and the draft stays readable.
#[tokio::test]
async fn closed_chat_offers_the_act() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ben.open_direct_used(&ann).await;
    let tab = browsers.open_as(&ann, PHONE).await;
    tab.open_conversation(id).await;
    tab.type_into(COMPOSER, "Not sent yet").await;
    disconnect(&ben, &ann).await;
    tab.see_text(".composer .closed", "no longer connected")
        .await;
    let draft = "const { value, readOnly } = document.querySelector('.composer textarea');
        return [value, readOnly]";
    tab.wait_for_value(draft, json!(["Not sent yet", true]))
        .await;
    tab.see(COMPOSER).await;
    tab.see_absent(".composer form button").await;
    tab.assert_accessible().await;
    let buttons =
        "return [...document.querySelectorAll('.closed button')].map((it) => it.innerText)";
    let offers = async |expected: &[&str]| tab.wait_for_value(buttons, json!(expected)).await;
    offers(&["Connect"]).await;
    tab.tap_text(".closed button", "Connect").await;
    offers(&["Cancel request"]).await;
    let asked = ben.get("/api/connections/").await.expect(200);
    let accept = format!("/api/connections/{}/accept/", asked[0]["id"]);
    ben.post(&accept, json!({})).await.expect(200);
    tab.see_absent(".composer .closed").await;
    tab.wait_for_value(draft, json!(["Not sent yet", false]))
        .await;
    disconnect(&ben, &ann).await;
    offers(&["Connect"]).await;
    ben.request_connection(&ann).await.expect(201);
    offers(&["Accept", "Decline"]).await;
    tab.tap_text(".closed button", "Accept").await;
    tab.see_absent(".composer .closed").await;
    tab.tap(".composer button[type=submit]").await;
    tab.see_message("Not sent yet").await;
    // The info has the actions that end the connection.
    tab.tap("main [data-act=about]").await;
    tab.tap_text(".panel button", "Remove contact").await;
    tab.tap_text("dialog.is-small button", "Remove").await;
    tab.see_text(".panel .info-row", "Connect").await;
    tab.tap_text(".panel button", "Block").await;
    tab.tap_text("dialog.is-small button", "Block").await;
    tab.see_text(".panel .info-row", "Unblock").await;
    tab.back().await;
    tab.see_absent(".panel").await;
    offers(&["Unblock"]).await;
    tab.assert_accessible().await;
    tab.tap_text(".closed button", "Unblock").await;
    offers(&["Connect"]).await;
    tab.tap_text(".closed button", "Connect").await;
    offers(&["Cancel request"]).await;
    tab.tap_text(".closed button", "Cancel request").await;
    offers(&["Connect"]).await;
    ben.request_connection(&ann).await.expect(201);
    offers(&["Accept", "Decline"]).await;
    tab.tap_text(".closed button", "Decline").await;
    offers(&["Connect"]).await;
    tab.assert_no_console_errors().await;
}

/// Before the first message, the server has no conversation.
#[tokio::test]
async fn page_of_first_message_works() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, _ben) = app.register_connected("ann", "ben").await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    for round in ["loaded", "reloaded"] {
        tab.goto("/messages/chat/ben/").await;
        if round == "reloaded" {
            tab.reload().await;
        }
        tab.see(COMPOSER).await;
        tab.click("[data-act=new]").await;
        tab.see_text(".side-panel", "New group").await;
        tab.press(ESCAPE).await;
        tab.see_absent(".side-panel").await;
        tab.click(".history").await;
        tab.press("/").await;
        let focused = "return document.activeElement.id";
        tab.wait_for_value(focused, json!("seek")).await;
        tab.press(ESCAPE).await;
        tab.click("main [data-act=emoji]").await;
        tab.see(".emoji-grid button").await;
        tab.press(ESCAPE).await;
        tab.see_absent(".emoji-grid").await;
        tab.assert_accessible().await;
    }
    tab.send_text("Hello").await;
    tab.see_message("Hello").await;
    tab.see(".message:last-child .ticks[data-status=sent]")
        .await;
    tab.assert_accessible().await;
}

/// If the server refuses a text that the form sent without scripts, the
/// response page keeps the text in the composer.
#[tokio::test]
async fn refused_text_stays_in_closed_composer() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ben.open_direct_used(&ann).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.disable_scripts().await;
    tab.open_conversation_plainly(id).await;
    tab.type_into(COMPOSER, "Too late").await;
    disconnect(&ben, &ann).await;
    tab.click(".composer button[type=submit]").await;
    tab.see_text(".composer .closed", "no longer connected")
        .await;
    let kept = "return document.querySelector('.composer textarea').value";
    assert_eq!(tab.script(kept, &[]).await, json!("Too late"));
}
