//! Answers that come late open nothing that the user doesn't want any more, and
//! a text goes to whom it was written for.

use serde_json::json;

use crate::groups::crew;
use crate::support::TestApp;
use crate::support::browser::{Browsers, DESKTOP, ENTER, ESCAPE, Tab, WRITE};

/// Answers to requests of some paths wait until the test releases them.
fn late(paths: &str) -> String {
    format!(
        "const real = window.fetch;
        let gate;
        window.hold = () => {{ gate = new Promise((resolve) => {{ window.letCome = resolve; }}); }};
        window.hold();
        window.waiting = 0;
        window.fetch = async (path, how) => {{
            if (/{paths}/.test(path)) {{
                window.waiting += 1;
                await gate;
            }}
            return real(path, how);
        }};"
    )
}

/// Creation and reading of a conversation.
const CONVERSATIONS: &str = "conversations\\/(create\\/|\\d+\\/$)";

async fn one_waits(tab: &Tab) {
    have_waited(tab, 1).await;
}

async fn have_waited(tab: &Tab, count: u32) {
    tab.comes_to("return window.waiting", json!(count)).await;
}

async fn let_come(tab: &Tab) {
    tab.script("window.letCome()", &[]).await;
}

/// `ann`, who talks with `teo`, and could begin with `oskar`.
async fn world(app: &TestApp) -> (i64, Vec<crate::support::Person>) {
    let people = crew::friends(app, &["ann", "oskar", "teo"]).await;
    let id = people[2].talk_with(&people[0]).await;
    (id, people)
}

#[tokio::test]
async fn late_answer_leaves_open_conversation_alone() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let (id, people) = world(&app).await;
    let tab = browsers.open_as(&people[0], DESKTOP).await;
    tab.before_each_page(&late(CONVERSATIONS)).await;
    tab.goto("/messages").await;
    tab.click_text(".rows .row", "Say hello to oskar").await;
    one_waits(&tab).await;
    tab.click_text(".rows .row", "The first.").await;
    tab.see_text("main h1", "teo").await;
    tab.type_into(WRITE, "For Te").await;
    let_come(&tab).await;
    // Oskar's conversation is there by now.
    tab.see(".rows .row[href^='/messages?conversation=']:not([aria-current])")
        .await;
    tab.press(&format!("o{ENTER}")).await;
    tab.see_said("For Teo").await;
    tab.see(".message:last-child .ticks[data-status=sent]")
        .await;
    tab.see_text("main h1", "teo").await;
    assert_eq!(people[2].history(id).await[1]["text"], "For Teo");
    let other = people[1].direct_with(&people[0]).await;
    assert!(people[1].history(other).await.is_empty());
    tab.assert_good().await;
}

/// Who writes where they are is not taken elsewhere either.
#[tokio::test]
async fn late_answer_interrupts_no_typing() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let (id, people) = world(&app).await;
    let tab = browsers.open_as(&people[0], DESKTOP).await;
    tab.before_each_page(&late(CONVERSATIONS)).await;
    tab.open_conversation(id).await;
    tab.click("[data-act=new]").await;
    tab.press_button("dialog", "New group").await;
    tab.type_into("#group-title", "Late crew").await;
    tab.click_text("dialog .is-choice", "oskar").await;
    tab.press_button("dialog", "Create group").await;
    one_waits(&tab).await;
    tab.type_into(WRITE, "For Te").await;
    let_come(&tab).await;
    tab.see_text(".rows .row-name", "Late crew").await;
    tab.press(&format!("o{ENTER}")).await;
    tab.see_said("For Teo").await;
    tab.see(".message:last-child .ticks[data-status=sent]")
        .await;
    assert_eq!(people[2].history(id).await[1]["text"], "For Teo");
    tab.assert_good().await;
}

/// The first message to somebody goes to them, also if another conversation is
/// open by then; and what was typed meanwhile stays.
#[tokio::test]
async fn late_first_message_reaches_its_recipient() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let (id, people) = world(&app).await;
    let tab = browsers.open_as(&people[0], DESKTOP).await;
    tab.before_each_page(&late(CONVERSATIONS)).await;
    for goes_elsewhere in [true, false] {
        let username = if goes_elsewhere { "oskar" } else { "una" };
        if !goes_elsewhere {
            let una = app.person("una").await;
            people[0].connect_with(&una).await;
        }
        tab.goto(&format!("/messages/chat/{username}/")).await;
        tab.say("Only for you").await;
        one_waits(&tab).await;
        if goes_elsewhere {
            tab.click_text(".rows .row", "The first.").await;
            tab.see_text("main h1", "teo").await;
        } else {
            tab.type_into(WRITE, "And this").await;
        }
        let_come(&tab).await;
        tab.see_text(".row-preview", "Only for you").await;
        if goes_elsewhere {
            tab.see_text("main h1", "teo").await;
            assert_eq!(people[2].history(id).await.len(), 1);
        } else {
            tab.see_said("Only for you").await;
            let draft = "return document.querySelector('.composer textarea').value";
            tab.comes_to(draft, json!("And this")).await;
        }
    }
    let other = people[1].direct_with(&people[0]).await;
    let texts = people[1].history(other).await;
    assert_eq!(texts[0]["text"], "Only for you");
    tab.assert_good().await;
}

/// The members are drawn anew after an act. That moves the focus neither out of
/// a menu that is open by then, nor to the page when that menu closes.
#[tokio::test]
async fn late_members_leave_open_menu_alone() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let people = crew::friends(&app, &["ann", "oskar", "teo"]).await;
    let made = crew::make(&people[0], "The crew", &["oskar", "teo"]).await;
    let group = made.expect(201)["id"].as_i64().unwrap();
    let tab = browsers.open_as(&people[0], DESKTOP).await;
    tab.before_each_page(&late("members\\/[?]")).await;
    tab.open_conversation(group).await;
    tab.click("[data-act=about]").await;
    one_waits(&tab).await;
    let_come(&tab).await;
    tab.see("[aria-label='What to do with teo']").await;
    tab.script("window.hold()", &[]).await;
    tab.click("[aria-label='What to do with oskar']").await;
    tab.pick("Make admin").await;
    have_waited(&tab, 2).await;
    tab.type_into("[aria-label='What to do with teo']", ENTER)
        .await;
    tab.see("[role=menu]").await;
    let_come(&tab).await;
    tab.see_text("dialog .members", "admin").await;
    let focused = "return document.activeElement.innerText";
    tab.comes_to(focused, json!("Make admin")).await;
    tab.press(ESCAPE).await;
    tab.see_no("[role=menu]").await;
    let focused = "return document.activeElement.ariaLabel";
    tab.comes_to(focused, json!("What to do with teo")).await;
    tab.assert_good().await;
}
