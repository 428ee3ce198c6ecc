//! Two new users from registration to blue ticks.

use serde_json::json;

use crate::support::TestApp;
use crate::support::browser::{BrowserDriver, BrowserTab, COMPOSER, DESKTOP, ENTER, UP};

/// Returns the state of the last message's ticks.
const TICKS: &str = "return [...document.querySelectorAll('.history .about .ticks')]
    .at(-1)?.getAttribute('aria-label') ?? null";

async fn new_user(
    browsers: &BrowserDriver,
    app: &TestApp,
    username: &str,
    name: &str,
) -> BrowserTab {
    let tab = browsers.open(app.site(), DESKTOP).await;
    tab.register(username, name).await;
    tab
}

#[tokio::test]
async fn new_users_connect_and_chat() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let ann = new_user(&browsers, &app, "ann", "Ann Lee").await;
    let ben = new_user(&browsers, &app, "ben", "Ben Okri").await;
    connect(&ann, &ben).await;
    exchange_messages(&ann, &ben).await;
    reply_and_change(&ann, &ben).await;
    for tab in [&ann, &ben] {
        tab.assert_accessible().await;
    }
    // A user whose last page is closed goes offline after five seconds.
    ann.see(".bar .face.is-online").await;
    ben.close().await;
    ann.see_absent(".bar .face.is-online").await;
    ann.see_text(".bar-name .hint", "last seen").await;
    ann.assert_accessible().await;
}

/// One user searches and sends a request, which the other accepts.
async fn connect(ann: &BrowserTab, ben: &BrowserTab) {
    ann.type_into("#seek", "be").await;
    ann.press_button(".found", "Connect").await;
    ann.see_text(".found", "Requested").await;
    ben.see_text(".people .person", "Ann Lee").await;
    ben.assert_accessible().await;
    ben.press_button(".people", "Accept").await;
    ben.see_text(".rows .row", "Say hello to Ann Lee").await;
    ann.press(crate::support::browser::ESCAPE).await;
    ann.see_text(".rows .row", "Say hello to Ben Okri").await;
    ann.click(".rows .row").await;
    ann.see(COMPOSER).await;
}

/// Sends the first message and checks both pages.
async fn exchange_messages(ann: &BrowserTab, ben: &BrowserTab) {
    ann.type_into(COMPOSER, "Hello Ben").await;
    ann.press(ENTER).await;
    ann.see_message("Hello Ben").await;
    ben.see_text(".row .badge", "1").await;
    ben.see_text(".row-preview", "Hello Ben").await;
    ben.wait_for_value("return document.title", json!("(1) Messages · Tidings"))
        .await;
    // The message is visible in the list, which delivers it but doesn't mark it
    // as read.
    ann.wait_for_value(TICKS, json!("Delivered")).await;
    ben.click(".row").await;
    ben.see_message("Hello Ben").await;
    ann.wait_for_value(TICKS, json!("Read")).await;
    ann.see(".history .ticks.are-blue").await;
    ben.see_absent(".row .badge").await;
    ben.wait_for_value("return document.title", json!("Ann Lee · Tidings"))
        .await;
    // Typing is shown in the header and in the list while it lasts.
    ben.type_into(COMPOSER, "Hi Ann, how").await;
    ann.see_text(".bar-name .hint", "typing…").await;
    ann.see_text(".row-preview", "typing…").await;
    ann.see_text(".bar-name .hint", "online").await;
    ben.type_into(COMPOSER, " are you?").await;
    ann.see_text(".bar-name .hint", "typing…").await;
    ben.press(ENTER).await;
    ann.see_message("Hi Ann, how are you?").await;
    ann.see_text(".bar-name .hint", "online").await;
    ben.wait_for_value(TICKS, json!("Read")).await;
}

/// Replies, reacts, edits and deletes.
async fn reply_and_change(ann: &BrowserTab, ben: &BrowserTab) {
    let last = ".history .message:last-child";
    ann.choose_from_menu(last, "Reply").await;
    ann.see_text(".answering", "Replying to Ben Okri").await;
    ann.send_text("Fine, thank yo").await;
    ben.see_text(".history .quote", "Hi Ann, how are you?")
        .await;
    // Arrow up edits the last own message.
    ann.press(UP).await;
    ann.see_text(".answering", "Editing").await;
    ann.send_text("u").await;
    ben.see_message("Fine, thank you").await;
    ben.see_text(".history .about", "edited").await;
    ben.choose_from_menu(last, "Copy").await;
    ben.right_click(last).await;
    ben.see("[role=menu]").await;
    ben.assert_accessible().await;
    ben.click(".quick button").await;
    ann.see(".reactions button").await;
    ann.click(".reactions button").await;
    ben.see_text(".reactions button", "2").await;
    ann.choose_from_menu(last, "Details").await;
    ann.see_text("dialog", "Read").await;
    ann.see_text("dialog .person", "Ben Okri").await;
    ann.assert_accessible().await;
    ann.click("dialog [aria-label=Close]").await;
    ann.choose_from_menu(last, "Delete for everyone").await;
    ann.press_button("dialog", "Delete for everyone").await;
    ben.see_text(".history .is-deleted", "Message deleted")
        .await;
    ben.see_absent(".reactions button").await;
}
