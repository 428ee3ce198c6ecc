//! Two people from their first minute to blue ticks.

use serde_json::json;

use crate::support::TestApp;
use crate::support::browser::{Browsers, DESKTOP, ENTER, Tab, UP, WRITE};

/// The state of the ticks of the last message.
const TICKS: &str = "return [...document.querySelectorAll('.history .about .ticks')]
    .at(-1)?.getAttribute('aria-label') ?? null";

async fn newcomer(browsers: &Browsers, app: &TestApp, username: &str, name: &str) -> Tab {
    let tab = browsers.open(app.site(), DESKTOP).await;
    tab.register(username, name).await;
    tab
}

#[tokio::test]
async fn two_newcomers_find_each_other_and_talk() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let ann = newcomer(&browsers, &app, "ann", "Ann Lee").await;
    let ben = newcomer(&browsers, &app, "ben", "Ben Okri").await;
    they_connect(&ann, &ben).await;
    they_write(&ann, &ben).await;
    they_answer_and_change(&ann, &ben).await;
    for tab in [&ann, &ben] {
        tab.assert_good().await;
    }
    // Whoever closes the last page is gone, five seconds later.
    ann.see(".bar .face.is-online").await;
    ben.close().await;
    ann.see_no(".bar .face.is-online").await;
    ann.see_text(".bar-name .hint", "last seen").await;
    ann.assert_good().await;
}

/// One finds and asks, the other hears of it and accepts.
async fn they_connect(ann: &Tab, ben: &Tab) {
    ann.type_into("#seek", "be").await;
    ann.press_button(".found", "Ask to connect").await;
    ann.see_text(".found", "Asked").await;
    ben.see_text(".people .person", "Ann Lee").await;
    ben.assert_good().await;
    ben.press_button(".people", "Accept").await;
    ben.see_text(".rows .row", "Say hello to Ann Lee").await;
    ann.press(crate::support::browser::ESCAPE).await;
    ann.see_text(".rows .row", "Say hello to Ben Okri").await;
    ann.click(".rows .row").await;
    ann.see(WRITE).await;
}

/// A first message, seen from both sides.
async fn they_write(ann: &Tab, ben: &Tab) {
    ann.type_into(WRITE, "Hello Ben").await;
    ann.press(ENTER).await;
    ann.see_said("Hello Ben").await;
    ben.see_text(".row .badge", "1").await;
    ben.see_text(".row-preview", "Hello Ben").await;
    ben.comes_to("return document.title", json!("(1) Messages · Tidings"))
        .await;
    // Both are here; it is on his screen, in the list, and not read.
    ann.comes_to(TICKS, json!("Delivered")).await;
    ben.click(".row").await;
    ben.see_said("Hello Ben").await;
    ann.comes_to(TICKS, json!("Read")).await;
    ann.see(".history .ticks.are-blue").await;
    ben.see_no(".row .badge").await;
    ben.comes_to("return document.title", json!("Ann Lee · Tidings"))
        .await;
    // Typing is told while it goes on, in the head and in the list.
    ben.type_into(WRITE, "Hi Ann, how").await;
    ann.see_text(".bar-name .hint", "typing…").await;
    ann.see_text(".row-preview", "typing…").await;
    ann.see_text(".bar-name .hint", "online").await;
    ben.type_into(WRITE, " are you?").await;
    ann.see_text(".bar-name .hint", "typing…").await;
    ben.press(ENTER).await;
    ann.see_said("Hi Ann, how are you?").await;
    ann.see_text(".bar-name .hint", "online").await;
    ben.comes_to(TICKS, json!("Read")).await;
}

/// Answers, reactions, an edit and a withdrawal.
async fn they_answer_and_change(ann: &Tab, ben: &Tab) {
    let last = ".history .message:last-child";
    ann.choose(last, "Reply").await;
    ann.see_text(".answering", "Answering Ben Okri").await;
    ann.say("Fine, thank yo").await;
    ben.see_text(".history .quote", "Hi Ann, how are you?")
        .await;
    // The arrow takes the last one up again.
    ann.press(UP).await;
    ann.see_text(".answering", "Editing").await;
    ann.say("u").await;
    ben.see_said("Fine, thank you").await;
    ben.see_text(".history .about", "edited").await;
    ben.choose(last, "Copy").await;
    ben.click_right(last).await;
    ben.see("[role=menu]").await;
    ben.assert_good().await;
    ben.click(".quick button").await;
    ann.see(".reactions button").await;
    ann.click(".reactions button").await;
    ben.see_text(".reactions button", "2").await;
    ann.choose(last, "Details").await;
    ann.see_text("dialog", "Read").await;
    ann.see_text("dialog .person", "Ben Okri").await;
    ann.assert_good().await;
    ann.click("dialog [aria-label=Close]").await;
    ann.choose(last, "Withdraw").await;
    ann.press_button("dialog", "Withdraw").await;
    ben.see_text(".history .is-withdrawn", "Message withdrawn")
        .await;
    ben.see_no(".reactions button").await;
}
