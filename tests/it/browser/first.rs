//! The first words to somebody, and finding whom one knows.

use serde_json::json;

use crate::support::TestApp;
use crate::support::browser::{Browsers, DESKTOP, DOWN, ENTER, Tab, WRITE};

const DRAFT: &str = "return document.querySelector('.composer textarea').value";

/// The page of a conversation that isn't there yet is as live as any.
#[tokio::test]
async fn a_first_message_is_written_like_any_other() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.goto("/messages/chat/ben/").await;
    tab.type_into(WRITE, "Half a ").await;
    // What can't work yet isn't offered.
    tab.see_no("main [data-act=more], main [data-act=about]")
        .await;
    tab.assert_good().await;
    tab.reload().await;
    tab.comes_to(DRAFT, json!("Half a ")).await;
    let none = ben.get("/api/conversations/").await.expect(200);
    assert_eq!(none, json!([]), "nothing is there before it is sent");
    tab.type_into(WRITE, "sentence.").await;
    tab.press(ENTER).await;
    tab.see_said("Half a sentence.").await;
    tab.see("main [data-act=more]").await;
    let id = ben.direct_with(&ann).await;
    assert_eq!(tab.path().await, format!("/messages?conversation={id}"));
    tab.comes_to(DRAFT, json!("")).await;
    tab.see(".history .ticks[data-status=sent]").await;
    assert_eq!(ben.history(id).await.len(), 1);
    tab.say("And on.").await;
    tab.see_said("And on.").await;
    tab.assert_good().await;
}

/// More than the page names: whoever is found is known for what they are.
#[tokio::test]
async fn whom_one_is_connected_with_is_found_to_write_to() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let ann = app.person("ann").await;
    for name in [
        "oldest", "mate1", "mate2", "mate3", "mate4", "mate5", "mate6",
    ] {
        let mate = app.person(name).await;
        ann.connect_with(&mate).await;
    }
    app.person("oldish").await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.goto("/messages").await;
    tab.type_into("#seek", "old").await;
    tab.see_text(".found .person", "oldish").await;
    tab.see("[aria-label='Write to oldest']").await;
    tab.see("[aria-label='Ask to connect with oldish']").await;
    tab.see_no("[aria-label='Ask to connect with oldest']")
        .await;
    tab.click("[aria-label='Write to oldest']").await;
    tab.see_text("main h1", "oldest").await;
    tab.assert_good().await;
}

/// They stand folded above the list, and are answered there.
#[tokio::test]
async fn many_who_ask_take_one_row_and_are_declined_there() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    ann.talk_with(&ben).await;
    for name in ["cas", "dan", "eve"] {
        app.person(name)
            .await
            .ask_to_connect(&ann)
            .await
            .expect(201);
    }
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.goto("/messages").await;
    tab.see_text(".people summary", "3 people would like to connect")
        .await;
    tab.see_no(".people .person").await;
    assert!(height(&tab, ".people").await < 60.0);
    tab.click(".people summary").await;
    tab.see("[aria-label='Decline dan']").await;
    tab.assert_good().await;
    tab.click("[aria-label='Decline dan']").await;
    tab.see_text(".people summary", "2 people would like to connect")
        .await;
    tab.see_no("[aria-label='Decline dan']").await;
    tab.click("[aria-label='Accept cas']").await;
    // Whom one may write to stands among the others, and is written to.
    tab.see_text(".rows .row", "Say hello to cas").await;
    // Only one is left, who needs no fold.
    tab.see_no(".people summary").await;
    tab.click("[aria-label='Accept eve']").await;
    tab.see_no(".people .person").await;
    tab.type_into("#seek", DOWN).await;
    tab.press(ENTER).await;
    tab.see_text("main h1", "eve").await;
    let left = ann.get("/api/connections/").await.expect(200);
    assert_eq!(left.as_array().unwrap().len(), 3, "{left}");
    tab.assert_good().await;
}

async fn height(tab: &Tab, selector: &str) -> f64 {
    let height = "return document.querySelector(arguments[0]).offsetHeight";
    tab.script(height, &[json!(selector)])
        .await
        .as_f64()
        .unwrap()
}

/// Somebody new reads once what to do, wherever there is room for it.
#[tokio::test]
async fn a_newcomer_is_told_once_what_to_do() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let ann = app.person("ann").await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    let told = "return [...document.querySelectorAll('p')]
        .filter((it) => it.checkVisibility() && it.innerText.includes('Nobody to write to yet')).length";
    for screen in [DESKTOP, crate::support::browser::PHONE] {
        tab.size(screen).await;
        tab.goto("/messages").await;
        tab.comes_to(told, json!(1)).await;
        tab.assert_good().await;
    }
}
