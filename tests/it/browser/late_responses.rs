//! A late response doesn't reopen what the user has left, and each text reaches
//! the user that it was typed for.

use serde_json::json;

use crate::groups::crew;
use crate::groups::largest_group::fill;
use crate::support::TestApp;
use crate::support::browser::{BrowserDriver, BrowserTab, COMPOSER, DESKTOP, ENTER, ESCAPE, PANEL};

/// Holds requests to matching paths until the test releases them.
fn hold_requests(paths: &str) -> String {
    format!(
        "const real = window.fetch;
        let gate;
        window.hold = () => {{ gate = new Promise((resolve) => {{ window.release = resolve; }}); }};
        window.hold();
        window.held = 0;
        window.fetch = async (path, how) => {{
            if (/{paths}/.test(path)) {{
                window.held += 1;
                await gate;
            }}
            return real(path, how);
        }};"
    )
}

/// Matches the requests that create or load a conversation.
const CONVERSATIONS: &str = "conversations\\/(create\\/|\\d+\\/$)";

async fn wait_for_held_request(tab: &BrowserTab) {
    tab.wait_for_value("return window.held", json!(1)).await;
}

async fn release(tab: &BrowserTab) {
    tab.script("window.release()", &[]).await;
}

/// Creates `ann`, who has a conversation with `teo` and a contact `oskar`.
async fn world(app: &TestApp) -> (i64, Vec<crate::support::TestUser>) {
    let people = crew::friends(app, &["ann", "oskar", "teo"]).await;
    let id = people[2].open_direct_used(&people[0]).await;
    (id, people)
}

#[tokio::test]
async fn late_answer_leaves_open_conversation_alone() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (id, people) = world(&app).await;
    let made = crew::make(&people[2], "Old crew", &["ann"]).await;
    let group = made.expect(201)["id"].as_i64().unwrap();
    crew::leave(&people[0], group).await.expect(200);
    crew::invite(&people[2], group, "ann").await.expect(202);
    let tab = browsers.open_as(&people[0], DESKTOP).await;
    tab.run_before_pages(&hold_requests("invitations\\/\\d+\\/accept"))
        .await;
    tab.goto("/messages").await;
    tab.press_button(".people", "Accept").await;
    wait_for_held_request(&tab).await;
    tab.click_text(".rows .row", "The first.").await;
    tab.see_text("main h1", "teo").await;
    tab.type_into(COMPOSER, "For Te").await;
    release(&tab).await;
    tab.see_absent(".people .person").await;
    tab.press(&format!("o{ENTER}")).await;
    tab.see_message("For Teo").await;
    tab.see(".message:last-child .ticks[data-status=sent]")
        .await;
    tab.see_text("main h1", "teo").await;
    assert_eq!(people[2].history(id).await[1]["text"], "For Teo");
    tab.assert_accessible().await;
}

/// A late response opens no other conversation while the user types.
#[tokio::test]
async fn late_answer_interrupts_no_typing() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (id, people) = world(&app).await;
    let tab = browsers.open_as(&people[0], DESKTOP).await;
    tab.run_before_pages(&hold_requests(CONVERSATIONS)).await;
    tab.open_conversation(id).await;
    tab.click("[data-act=new]").await;
    tab.press_button(PANEL, "New group").await;
    tab.click_text(".side-panel .is-choice", "oskar").await;
    tab.press_button(PANEL, "Next").await;
    tab.type_into("#group-title", "Late crew").await;
    tab.press_button(PANEL, "Create group").await;
    wait_for_held_request(&tab).await;
    tab.type_into(COMPOSER, "For Te").await;
    release(&tab).await;
    tab.see_text(".rows .row-name", "Late crew").await;
    tab.press(&format!("o{ENTER}")).await;
    tab.see_message("For Teo").await;
    tab.see(".message:last-child .ticks[data-status=sent]")
        .await;
    assert_eq!(people[2].history(id).await[1]["text"], "For Teo");
    tab.assert_accessible().await;
}

/// A first message reaches its recipient even if another conversation has been
/// opened meanwhile. Text typed meanwhile stays.
#[tokio::test]
async fn late_first_message_reaches_its_recipient() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (id, people) = world(&app).await;
    let tab = browsers.open_as(&people[0], DESKTOP).await;
    tab.run_before_pages(&hold_requests(CONVERSATIONS)).await;
    for opens_another in [true, false] {
        let username = if opens_another { "oskar" } else { "una" };
        if !opens_another {
            let una = app.register_user("una").await;
            people[0].connect_with(&una).await;
        }
        tab.goto(&format!("/messages/chat/{username}/")).await;
        tab.send_text("Only for you").await;
        wait_for_held_request(&tab).await;
        if opens_another {
            tab.click_text(".rows .row", "The first.").await;
            tab.see_text("main h1", "teo").await;
        } else {
            tab.type_into(COMPOSER, "And this").await;
        }
        release(&tab).await;
        tab.see_text(".row-preview", "Only for you").await;
        if opens_another {
            tab.see_text("main h1", "teo").await;
            assert_eq!(people[2].history(id).await.len(), 1);
        } else {
            tab.see_message("Only for you").await;
            let draft = "return document.querySelector('.composer textarea').value";
            tab.wait_for_value(draft, json!("And this")).await;
        }
    }
    let other = people[1].open_direct(&people[0]).await;
    let texts = people[1].history(other).await;
    assert_eq!(texts[0]["text"], "Only for you");
    tab.assert_accessible().await;
}

/// The members are redrawn after an action. The redraw doesn't take the focus
/// from an open menu. When the menu closes, the focus returns to its button.
#[tokio::test]
async fn late_members_leave_open_menu_alone() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (group, people) = crew::group(&app, &["ann", "ben", "cas"]).await;
    // Only the members of a large group are fetched.
    fill(&app, group, 100).await;
    let tab = browsers.open_as(&people[0], DESKTOP).await;
    tab.run_before_pages(&hold_requests("members\\/[?]")).await;
    tab.open_conversation(group).await;
    tab.click("[data-act=about]").await;
    wait_for_held_request(&tab).await;
    release(&tab).await;
    tab.see("[aria-label='Options for cas']").await;
    tab.script("window.hold(); window.held = 0", &[]).await;
    tab.click("[aria-label='Options for ben']").await;
    tab.pick_menu_entry("Make admin").await;
    tab.wait_for_value("return window.held > 0", json!(true))
        .await;
    tab.type_into("[aria-label='Options for cas']", ENTER).await;
    tab.see("[role=menu]").await;
    release(&tab).await;
    tab.see_text(".members .role", "admin").await;
    let focused = "return document.activeElement.innerText";
    tab.wait_for_value(focused, json!("Make admin")).await;
    tab.press(ESCAPE).await;
    tab.see_absent("[role=menu]").await;
    let focused = "return document.activeElement.ariaLabel";
    tab.wait_for_value(focused, json!("Options for cas")).await;
    tab.assert_accessible().await;
}
