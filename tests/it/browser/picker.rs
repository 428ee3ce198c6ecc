//! The picker of emoji: its groups and skin tones.

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::browser::{BrowserDriver, COMPOSER, DESKTOP, ENTER, ESCAPE, PHONE, TAB};

const DRAFT: &str = "return document.querySelector('.composer textarea').value";
/// Returns the name of the group at the top of the shelves, and of the marked
/// tab.
const GROUP: &str = "const shelves = document.querySelector('.emoji-shelves');
    const { top } = shelves.getBoundingClientRect();
    const first = [...shelves.children].findLast((it) => it.getBoundingClientRect().top <= top + 4);
    return [first.ariaLabel, document.querySelector('.emoji-tabs [aria-current]').ariaLabel]";

/// A tab leads to its group, by pointer and by keys. The chosen skin tone applies
/// to the emoji that have it, also after a reload.
#[tokio::test]
async fn picker_has_groups_and_tones() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.open_conversation(id).await;
    tab.see(".is-live").await;
    tab.click("main [data-act=emoji]").await;
    tab.see(".emoji-grid button").await;
    for (feature, value) in [
        ("prefers-color-scheme", "dark"),
        ("forced-colors", "active"),
        ("prefers-color-scheme", "light"),
    ] {
        tab.emulate_media(feature, value).await;
        tab.assert_accessible().await;
    }
    tab.click(".emoji-tabs [aria-label='Animals and nature']")
        .await;
    let nature = json!(["Animals and nature", "Animals and nature"]);
    tab.wait_for_value(GROUP, nature).await;
    tab.click(".emoji input[type=search]").await;
    tab.press(TAB).await;
    // The tabs are one stop of the keyboard, at the marked one.
    tab.press("\u{e014}").await;
    tab.press(ENTER).await;
    let food = json!(["Food and drink", "Food and drink"]);
    tab.wait_for_value(GROUP, food).await;
    tab.press(TAB).await;
    let focused = "return document.activeElement.closest('.emoji-grid') !== null";
    tab.wait_for_value(focused, json!(true)).await;

    tab.click(".emoji-tones [title=Medium]").await;
    tab.fill(".emoji input[type=search]", "thumbs up").await;
    tab.see_text(".emoji-grid button", "👍🏽").await;
    tab.press(ENTER).await;
    tab.wait_for_value(DRAFT, json!("👍🏽")).await;
    tab.send_text("").await;
    tab.fill(COMPOSER, "").await;
    tab.reload().await;
    tab.see(".is-live").await;
    tab.click("main [data-act=emoji]").await;
    tab.see_text(".emoji-shelf h3", "Recently used").await;
    tab.wait_for_value(
        "return document.querySelector('.emoji-grid button').innerText",
        json!("👍🏽"),
    )
    .await;
    tab.see(".emoji-tones input:checked[aria-label=Medium]")
        .await;
    tab.press(ESCAPE).await;
    tab.see_absent(".emoji").await;

    tab.size(PHONE).await;
    tab.click("main [data-act=emoji]").await;
    tab.see(".emoji-grid button").await;
    let is_inside =
        "const { left, right } = document.querySelector('.emoji').getBoundingClientRect();
        return left >= 0 && right <= innerWidth";
    tab.wait_for_value(is_inside, json!(true)).await;
    tab.assert_accessible().await;
    tab.press(ESCAPE).await;
    tab.see_absent(".emoji").await;
    assert_eq!(tab.script(DRAFT, &[]).await, Value::from(""));
}
