//! What a message shows: quotes, large emoji, links and pictures of senders, the
//! same by the server and by the script. Copied messages name their senders.

use serde_json::{Value, json};

use crate::groups::crew;
use crate::support::TestApp;
use crate::support::browser::{BrowserDriver, BrowserTab, COMPOSER, CONTROL, DESKTOP, ScreenSize};

/// Opens a conversation with or without scripts.
async fn open(tab: &BrowserTab, id: i64, has_script: bool) {
    if has_script {
        tab.open_conversation(id).await;
        tab.see(".is-live").await;
    } else {
        tab.disable_scripts().await;
        tab.open_conversation_plainly(id).await;
    }
}

/// A quote of an own message names its author as the user, and so does the bar of
/// a reply to it.
#[tokio::test]
async fn own_quote_says_you() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.open_conversation(id).await;
    tab.see(".is-live").await;
    tab.choose_from_menu(".history .message", "Reply").await;
    tab.see_text(".answering", "Replying to yourself").await;
    tab.send_text("To me").await;
    tab.see_text(".quote .sender", "You").await;
    tab.see(".message:last-child .ticks[data-status=sent]")
        .await;
    let other = browsers.open_as(&ben, DESKTOP).await;
    for has_script in [true, false] {
        open(&tab, id, has_script).await;
        assert_eq!(tab.texts(".quote .sender").await, ["You"], "{has_script}");
        open(&other, id, has_script).await;
        assert_eq!(other.texts(".quote .sender").await, ["ann"], "{has_script}");
    }
}

/// Returns the font size of each message's text, in pixels.
const SIZES: &str = "return [...document.querySelectorAll('.history .said')]
    .map((it) => Math.round(parseFloat(getComputedStyle(it).fontSize)))";

#[tokio::test]
async fn few_emoji_are_large() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    for text in ["🎉", "👍🏽 ❤️", "😀😀😀😀", "😀!"] {
        ann.send(id, text).await.expect(201);
    }
    let tab = browsers.open_as(&ben, DESKTOP).await;
    for has_script in [true, false] {
        open(&tab, id, has_script).await;
        tab.wait_for_value(SIZES, json!([16, 36, 36, 16, 16])).await;
        if has_script {
            tab.assert_accessible().await;
        }
    }
}

#[tokio::test]
async fn www_and_mail_are_links() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let text = "See www.a.example/x, or mail ann@b.example. Not www.a.example@evil.example";
    ann.send(id, text).await.expect(201);
    let links = "return [...document.querySelectorAll('.said a')]
        .map((it) => [it.textContent, it.getAttribute('href'), it.target, it.rel])";
    let rel = "noopener nofollow";
    let expected = json!([
        ["www.a.example/x", "https://www.a.example/x", "_blank", rel],
        ["ann@b.example", "mailto:ann@b.example", "", rel],
    ]);
    let tab = browsers.open_as(&ben, DESKTOP).await;
    for has_script in [true, false] {
        open(&tab, id, has_script).await;
        tab.wait_for_value(links, expected.clone()).await;
        tab.assert_no_console_errors().await;
    }
}

/// Returns the initials beside each message of others, and whether each picture
/// is at the left of its bubble.
const PICTURES: &str = "return [...document.querySelectorAll('.history .message:not(.is-mine)')]
    .map((it) => {
        const [face, bubble] = ['.avatar', '.bubble'].map((part) => it.querySelector(`:scope > ${part}`));
        if (!face?.checkVisibility()) return '';
        const [left, right] = [face, bubble].map((part) => part.getBoundingClientRect());
        return left.right <= right.left ? face.innerText : 'misplaced';
    })";

/// The first of each run of messages shows its sender's picture, if there is
/// room.
#[tokio::test]
async fn group_shows_pictures_of_senders() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (group, people) = crew::group(&app, &["ann", "ben", "cas"]).await;
    people[1].send(group, "One").await.expect(201);
    people[1].send(group, "Two").await.expect(201);
    people[2].send(group, "Three").await.expect(201);
    let tab = browsers.open_as(&people[0], DESKTOP).await;
    let narrow = ScreenSize {
        width: 599,
        ..DESKTOP
    };
    let mut expected = vec!["B", "", "C"];
    for has_script in [true, false] {
        tab.size(DESKTOP).await;
        open(&tab, group, has_script).await;
        tab.wait_for_value(PICTURES, json!(expected)).await;
        let lefts =
            "return new Set([...document.querySelectorAll('.message:not(.is-mine) .bubble')]
            .map((it) => it.getBoundingClientRect().left)).size";
        tab.wait_for_value(lefts, json!(1)).await;
        if has_script {
            tab.assert_accessible().await;
            people[2].send(group, "Four").await.expect(201);
            people[1].send(group, "Five").await.expect(201);
            expected.extend(["", "B"]);
            tab.wait_for_value(PICTURES, json!(expected)).await;
            let shape = "const { width, height } = document.querySelector('.message > .avatar')
                    .getBoundingClientRect();
                return [width, height]";
            tab.wait_for_value(shape, json!([32, 32])).await;
            // Forced colours draw an edge around bubbles and pictures.
            tab.emulate_media("forced-colors", "active").await;
            let edges = "return ['.bubble', '.message > .avatar'].map((it) =>
                getComputedStyle(document.querySelector(it)).borderTopWidth)";
            tab.wait_for_value(edges, json!(["1px", "1px"])).await;
            tab.emulate_media("forced-colors", "none").await;
        }
        tab.size(narrow).await;
        tab.wait_for_value(PICTURES, json!(vec![""; 5])).await;
    }
}

/// Drags the mouse from the left edge of one text to the right edge of another.
async fn drag(tab: &BrowserTab, from: &str, to: &str) {
    let ends = "const [from, to] = arguments.map((it) =>
            [...document.querySelectorAll('.history .said')].find((said) => said.innerText === it)
                .getBoundingClientRect());
        return [[from.left + 1, from.top + 9], [to.right - 1, to.bottom - 9]]";
    let ends = ends.replace("arguments.map", "[...arguments].map");
    let ends = tab.script(&ends, &[json!(from), json!(to)]).await;
    let [start, end] = [0, 1].map(|at| ends[at].clone());
    for (kind, place, buttons) in [
        ("mouseMoved", &start, 0),
        ("mousePressed", &start, 1),
        ("mouseMoved", &end, 1),
        ("mouseReleased", &end, 0),
    ] {
        let event = json!({
            "type": kind, "x": place[0], "y": place[1], "buttons": buttons, "clickCount": 1,
            "button": if kind == "mouseMoved" && buttons == 0 { "none" } else { "left" },
        });
        tab.devtools("Input.dispatchMouseEvent", event).await;
    }
}

/// Copies the selection and returns what a paste into the composer brings.
async fn copied(tab: &BrowserTab) -> Value {
    tab.press(&format!("{CONTROL}c")).await;
    tab.fill(COMPOSER, "").await;
    tab.type_into(COMPOSER, &format!("{CONTROL}v")).await;
    let draft = "return document.querySelector('.composer textarea').value";
    tab.script(draft, &[]).await
}

#[tokio::test]
async fn copied_messages_name_their_senders() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    ben.send(id, "Second").await.expect(201);
    ann.send(id, "Third https://a.example/").await.expect(201);
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.open_conversation(id).await;
    tab.see(".is-live").await;
    tab.see_message("Third").await;
    let times = tab.texts(".history .when time").await;
    drag(&tab, "The first.", "Third https://a.example/").await;
    let all = format!(
        "[{}] ann: The first.\n[{}] ben: Second\n[{}] ann: Third https://a.example/",
        times[0], times[1], times[2]
    );
    assert_eq!(copied(&tab).await, json!(all));
    // One message alone is copied as it is.
    drag(&tab, "Second", "Second").await;
    assert_eq!(copied(&tab).await, json!("Second"));
    tab.assert_no_console_errors().await;
}
