//! A conversation in which nothing can be written is a page like any other.

use serde_json::json;

use crate::admin::Keeper;
use crate::groups::crew;
use crate::support::browser::{Browsers, DESKTOP, ESCAPE, Tab, WRITE};
use crate::support::{Person, TestApp};

/// Everything beside the composer works on a page that was just loaded.
async fn works(tab: &Tab, name: &str) {
    tab.see_said("The first.").await;
    tab.see_no(WRITE).await;
    // The text before it belongs to this message alone.
    tab.choose(".history .message", "Copy link").await;
    tab.click("main [data-act=more]").await;
    tab.see_text("[role=menu]", "Archive").await;
    tab.press(ESCAPE).await;
    tab.see_no("[role=menu]").await;
    tab.click("[data-act=new]").await;
    tab.see_text("dialog", "New group").await;
    tab.press(ESCAPE).await;
    tab.see_no("dialog").await;
    tab.click(".history").await;
    tab.press("/").await;
    let focused = "return document.activeElement.id";
    tab.comes_to(focused, json!("seek")).await;
    tab.click(".history").await;
    tab.press(ESCAPE).await;
    tab.see_no("main h1:not(.unseen)").await;
    let complaints = tab.complaints().await;
    assert!(complaints.is_empty(), "{name}: {complaints:#?}");
}

/// Loads a closed conversation directly, and again.
async fn loads(tab: &Tab, id: i64, (name, reason): (&str, &str)) {
    tab.open_conversation(id).await;
    tab.see_text(".composer .closed", reason).await;
    tab.assert_good().await;
    works(tab, name).await;
    tab.open_conversation(id).await;
    tab.reload().await;
    tab.see(".days").await;
    tab.see_text(".composer .closed", reason).await;
    works(tab, name).await;
}

async fn disconnects(person: &Person, other: &Person) {
    let connections = person.get("/api/connections/").await.expect(200);
    let connections = connections.as_array().unwrap();
    let mut with = connections.iter();
    let with = with.find(|it| it["user"]["username"] == other.username.as_str());
    let path = format!("/api/connections/{}/", with.unwrap()["id"]);
    person.delete(&path).await;
}

#[tokio::test]
async fn closed_direct_conversation_loads_as_page() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ben.talk_with(&ann).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    disconnects(&ben, &ann).await;
    loads(&tab, id, ("none", "not connected")).await;
    ann.ask_to_connect(&ben).await.expect(201);
    loads(&tab, id, ("requested", "You asked ben")).await;
    disconnects(&ann, &ben).await;
    ben.ask_to_connect(&ann).await.expect(201);
    loads(&tab, id, ("incoming", "would like to connect")).await;
    // The page becomes one to write in without a reload.
    tab.open_conversation(id).await;
    tab.press_button(".people", "Accept").await;
    tab.see_no(".composer .closed").await;
    tab.say("Writing again").await;
    tab.see(".message:last-child .ticks[data-status=sent]")
        .await;
    tab.assert_good().await;
    crate::people::block(&ann, &ben).await;
    loads(&tab, id, ("blocked", "You block ben")).await;
}

#[tokio::test]
async fn closed_group_loads_as_page() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
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
        loads(&tab, id, (state, "no longer in this group")).await;
    }
}

/// Nobody has written yet: there is no conversation to know of.
#[tokio::test]
async fn page_of_first_message_works() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let (ann, _ben) = app.connected_pair("ann", "ben").await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    for round in ["loaded", "reloaded"] {
        tab.goto("/messages/chat/ben/").await;
        if round == "reloaded" {
            tab.reload().await;
        }
        tab.see(WRITE).await;
        tab.click("[data-act=new]").await;
        tab.see_text("dialog", "New group").await;
        tab.press(ESCAPE).await;
        tab.see_no("dialog").await;
        tab.click(".history").await;
        tab.press("/").await;
        let focused = "return document.activeElement.id";
        tab.comes_to(focused, json!("seek")).await;
        tab.press(ESCAPE).await;
        tab.click("main [data-act=emoji]").await;
        tab.see(".emoji-grid button").await;
        tab.press(ESCAPE).await;
        tab.see_no(".emoji-grid").await;
        tab.assert_good().await;
    }
    tab.say("Hello").await;
    tab.see_said("Hello").await;
    tab.see(".message:last-child .ticks[data-status=sent]")
        .await;
    tab.assert_good().await;
}

/// What the form without a script had refused is not lost to the script.
#[tokio::test]
async fn refused_text_stays_in_closed_composer() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ben.talk_with(&ann).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.without_scripts().await;
    tab.open_conversation_plainly(id).await;
    tab.type_into(WRITE, "Too late").await;
    disconnects(&ben, &ann).await;
    tab.click(".composer button[type=submit]").await;
    tab.see_text(".composer .closed", "not connected").await;
    let kept = "return document.querySelector('.composer textarea').value";
    assert_eq!(tab.script(kept, &[]).await, json!("Too late"));
}
