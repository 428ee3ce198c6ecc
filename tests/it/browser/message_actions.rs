//! The actions of a message: the bar at the mouse, gestures of a finger, keys,
//! and reactions.

use serde_json::{Value, json};

use super::pointer_input::point_to;
use crate::support::browser::{
    BrowserDriver, BrowserTab, COMPOSER, DESKTOP, DOWN, ENTER, ESCAPE, PHONE, SHIFT, ScreenSize,
    TAB, UP,
};
use crate::support::{TestApp, TestUser};

const HOME: &str = "\u{e011}";
const END: &str = "\u{e010}";
const F10: &str = "\u{e03a}";
const HEART: &str = "%E2%9D%A4%EF%B8%8F";
const IS_WRITING: &str = "return document.activeElement.matches('.composer textarea')";

/// Adds a heart to a message.
async fn add_heart(person: &TestUser, id: i64, message: &Value) {
    let path = format!("/api/conversations/{id}/messages/{message}/reactions/{HEART}/");
    person.put(&path).await.expect(200);
}

/// Checks the page in light, dark and forced colours.
async fn assert_accessible_in_all_colours(tab: &BrowserTab) {
    for (feature, value) in [
        ("prefers-color-scheme", "dark"),
        ("forced-colors", "active"),
        ("prefers-color-scheme", "light"),
    ] {
        tab.emulate_media(feature, value).await;
        tab.assert_accessible().await;
    }
}

/// Returns whether the bar covers a text, a quote or a reaction, or leaves the
/// history.
const BAR_COVERS: &str = "
    const bar = document.querySelector('.acts > div').getBoundingClientRect();
    const history = document.querySelector('.history').getBoundingClientRect();
    const covered = [...document.querySelectorAll('.history :is(.said, .quote, .about, .sender)')]
        .filter((it) => [...it.getClientRects()].some((box) => box.width > 0
            && box.left < bar.right && box.right > bar.left
            && box.top < bar.bottom - 4 && box.bottom > bar.top + 4))
        .map((it) => it.textContent.slice(0, 40));
    const isOutside = bar.left < history.left || bar.right > history.right
        || bar.top < history.top - 4 || bar.bottom > history.bottom + 4;
    return isOutside ? [...covered, 'outside'] : covered;";

/// The bar has three actions and covers no text. In a narrow column, its one
/// button opens a menu with the same actions.
#[tokio::test]
async fn message_bar_covers_no_text() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    ben.send(id, "Ok").await.expect(201);
    let words = "some more words ".repeat(90);
    let tall = ann.send(id, &words).await.expect(201)["id"].clone();
    let wide = ben.send(id, &"wide words ".repeat(20)).await.expect(201)["id"].clone();
    let short = ann.send(id, "Short").await.expect(201)["id"].clone();
    let tab = browsers.open_as(&ben, DESKTOP).await;
    tab.open_conversation(id).await;
    tab.see(".is-live").await;
    for width in [1280, 800, 700, 360, 320] {
        tab.size(ScreenSize { width, ..DESKTOP }).await;
        for message in [&short, &wide, &tall] {
            point_to(&tab, &format!("#message-{message} .when")).await;
            tab.see(&format!("#message-{message} .acts")).await;
            tab.wait_for_value(BAR_COVERS, json!([])).await;
            let is_wide = width >= 800;
            let shown = "return [...document.querySelectorAll('.acts button')]
                .filter((it) => it.checkVisibility()).map((it) => it.ariaLabel)";
            let expected = if is_wide {
                json!(["React", "Reply", "More"])
            } else {
                json!(["More"])
            };
            tab.wait_for_value(shown, expected).await;
        }
    }
    tab.size(DESKTOP).await;
    check_bar(&tab, &short).await;
    check_time_link(&tab, &short).await;
}

/// Reacts, replies and opens the menu by the bar of a message.
async fn check_bar(tab: &BrowserTab, message: &Value) {
    point_to(tab, &format!("#message-{message} .said")).await;
    tab.click(".acts [data-act=react]").await;
    tab.see(".quick").await;
    let count = "return document.querySelectorAll('.quick button').length";
    tab.wait_for_value(count, json!(7)).await;
    assert_accessible_in_all_colours(tab).await;
    tab.press("\u{e014}").await;
    tab.press(ENTER).await;
    tab.see_text(".reactions button[aria-pressed=true]", "❤")
        .await;
    tab.see_absent(".quick").await;
    point_to(tab, &format!("#message-{message} .said")).await;
    tab.click(".acts [data-act=reply]").await;
    tab.see_text(".answering", "Replying to ann").await;
    tab.wait_for_value(IS_WRITING, json!(true)).await;
    tab.press(ESCAPE).await;
    point_to(tab, &format!("#message-{message} .said")).await;
    tab.click(".acts [data-act=menu]").await;
    tab.see_text("[role=menu]", "Reply").await;
    // The menu leaves the message visible.
    let covers = "const [menu, said] = ['.menu', arguments[0]].map((it) =>
            document.querySelector(it).getBoundingClientRect());
        return menu.left < said.right && menu.right > said.left
            && menu.top < said.bottom && menu.bottom > said.top";
    let selector = json!(format!("#message-{message} .said"));
    assert_eq!(tab.script(covers, &[selector]).await, json!(false));
    assert_accessible_in_all_colours(tab).await;
    // The arrow keys also reach the row of emoji above the entries.
    tab.press(UP).await;
    let focused = "return document.activeElement.ariaLabel ?? document.activeElement.innerText";
    tab.wait_for_value(focused, json!("React with 👍")).await;
    tab.press(DOWN).await;
    tab.wait_for_value(focused, json!("Reply")).await;
    tab.press(ESCAPE).await;
    tab.see_absent("[role=menu]").await;
}

/// A click on the time opens the menu. With Ctrl, it is the browser's.
async fn check_time_link(tab: &BrowserTab, message: &Value) {
    let time = format!("#message-{message} .when");
    let here = tab.path().await;
    tab.click(&time).await;
    tab.see_text("[role=menu]", "Reply").await;
    assert_eq!(tab.path().await, here);
    tab.press(ESCAPE).await;
    tab.see_absent("[role=menu]").await;
    let place = "window.isOurs = null;
        addEventListener('click', (event) => { window.isOurs = event.defaultPrevented; });
        const { x, y, width, height } =
            document.querySelector(arguments[0]).getBoundingClientRect();
        return { x: x + width / 2, y: y + height / 2, button: 'left', clickCount: 1, modifiers: 2 }";
    let place = tab.script(place, &[json!(time)]).await;
    for kind in ["mousePressed", "mouseReleased"] {
        let mut event = place.clone();
        event["type"] = json!(kind);
        tab.devtools("Input.dispatchMouseEvent", event).await;
    }
    tab.wait_for_value("return window.isOurs", json!(false))
        .await;
    tab.see_absent("[role=menu]").await;
    assert_eq!(tab.path().await, here);
}

/// Sends a touch with one finger, or its end.
async fn touch(tab: &BrowserTab, kind: &str, point: Option<(f64, f64)>) {
    let points: Vec<Value> = point
        .iter()
        .map(|(x, y)| json!({ "x": x, "y": y }))
        .collect();
    let event = json!({ "type": kind, "touchPoints": points });
    tab.devtools("Input.dispatchTouchEvent", event).await;
}

/// Returns the middle of the first match.
async fn middle(tab: &BrowserTab, selector: &str) -> (f64, f64) {
    tab.see(selector).await;
    let script = "const { x, y, width, height } =
            document.querySelector(arguments[0]).getBoundingClientRect();
        return [x + width / 2, y + height / 2]";
    let found = tab.script(script, &[json!(selector)]).await;
    serde_json::from_value(found).unwrap()
}

/// Holds a finger on an element until `sign` is visible.
async fn hold(tab: &BrowserTab, selector: &str, sign: &str) {
    touch(tab, "touchStart", Some(middle(tab, selector).await)).await;
    tab.see(sign).await;
    touch(tab, "touchEnd", None).await;
}

/// A long press lifts the message, dims the rest, and shows the row of emoji and
/// the menu below. On a reaction, it lists the users.
#[tokio::test]
async fn long_press_lifts_message() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let other = ann.send(id, "Another one").await.expect(201)["id"].clone();
    let last = ann.send(id, "Words to select").await.expect(201)["id"].clone();
    add_heart(&ann, id, &last).await;
    let tab = browsers.open_as(&ben, PHONE).await;
    tab.open_conversation(id).await;
    tab.see(".is-live").await;
    let bubble = format!("#message-{last} .bubble");
    hold(&tab, &bubble, ".is-lifted").await;
    tab.see(".quick").await;
    tab.see_text("[role=menu]", "Select text").await;
    let is_dimmed =
        "const cover = getComputedStyle(document.querySelector('.messenger'), '::after');
        const lifted = getComputedStyle(document.querySelector('.is-lifted'));
        return [cover.backgroundColor, Number(lifted.zIndex) > Number(cover.zIndex)]";
    tab.wait_for_value(is_dimmed, json!(["rgba(0, 0, 0, 0.45)", true]))
        .await;
    let is_free = format!(
        "const menu = document.querySelector('.menu').getBoundingClientRect();
         const bubble = document.querySelector('{bubble}').getBoundingClientRect();
         const history = document.querySelector('.history').getBoundingClientRect();
         return bubble.bottom <= menu.top && menu.bottom <= innerHeight
             && bubble.top >= history.top"
    );
    tab.wait_for_value(&is_free, json!(true)).await;
    tab.tap_text("[role=menu] button", "Select text").await;
    tab.see_absent(".is-lifted").await;
    let selected = "return String(getSelection())";
    tab.wait_for_value(selected, json!("Words to select")).await;
    tab.tap(COMPOSER).await;
    tab.wait_for_value(selected, json!("")).await;
    hold(
        &tab,
        &format!("#message-{last} .reactions button"),
        ".is-names",
    )
    .await;
    tab.see_text(".is-names", "ann").await;
    tab.assert_accessible().await;
    tab.press(ESCAPE).await;
    tab.see_absent(".is-names").await;
    let mine = ".reactions button[aria-pressed=true]";
    tab.see_absent(mine).await;
    hold(&tab, &format!("#message-{other} .bubble"), ".is-lifted").await;
    assert_accessible_in_all_colours(&tab).await;
    tab.back().await;
    tab.see_absent(".is-lifted").await;
    tab.see(COMPOSER).await;
}

/// A finger that moves a message to the right replies. Shorter ways and other
/// directions do nothing.
#[tokio::test]
async fn swipe_to_right_replies() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    ben.send(id, "Mine").await.expect(201);
    let tab = browsers.open_as(&ben, PHONE).await;
    tab.open_conversation(id).await;
    tab.see(".is-live").await;
    tab.see_message("Mine").await;
    for (x, y, replies) in [(30.0, 0.0, false), (5.0, 80.0, false), (90.0, 4.0, true)] {
        let (from_x, from_y) = middle(&tab, ".history .message .said").await;
        touch(&tab, "touchStart", Some((from_x, from_y))).await;
        for step in 1..=5 {
            let part = f64::from(step) / 5.0;
            let point = (from_x + x * part, from_y + y * part);
            touch(&tab, "touchMove", Some(point)).await;
        }
        if replies {
            tab.see(".is-far .swipe").await;
        }
        touch(&tab, "touchEnd", None).await;
        tab.see_absent(".swipe").await;
        if replies {
            tab.see_text(".answering", "Replying to ann").await;
            tab.wait_for_value(IS_WRITING, json!(true)).await;
        } else {
            tab.see_absent(".answering").await;
        }
        tab.see_absent("[role=menu]").await;
    }
    let still = "return document.querySelector('.history .message').style.translate";
    tab.wait_for_value(still, json!("")).await;
    tab.assert_accessible().await;
}

/// Returns the text of the focused message.
const FOCUSED: &str = "const node = document.activeElement.closest('.history .message');
    return node === document.activeElement ? node.querySelector('.said').innerText : null";

/// Tab reaches one message of the history, and then what is in it. Arrows, Home
/// and End walk from message to message.
#[tokio::test]
async fn history_is_one_tab_stop() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    for number in 1..=40 {
        let text = format!("Number {number}. https://a.example/");
        ann.send(id, &text).await.expect(201);
    }
    ann.send(id, "The last.").await.expect(201);
    let tab = browsers.open_as(&ben, DESKTOP).await;
    tab.open_conversation(id).await;
    tab.see_message("The last.").await;
    tab.click(".to-end").await;
    tab.see_absent(".to-end").await;
    let stops = "return document.querySelectorAll(`.history :is([tabindex='0'], a:not([tabindex]),
        button:not([tabindex]))`).length";
    tab.wait_for_value(stops, json!(1)).await;
    tab.click(COMPOSER).await;
    tab.press(&format!("{SHIFT}{TAB}")).await;
    tab.wait_for_value(FOCUSED, json!("The last.")).await;
    tab.press(UP).await;
    let number = |number: u32| json!(format!("Number {number}. https://a.example/"));
    tab.wait_for_value(FOCUSED, number(40)).await;
    // The link in the focused message is reached, and no other one.
    tab.press(TAB).await;
    let focused = "return document.activeElement.matches('.said a')";
    tab.wait_for_value(focused, json!(true)).await;
    tab.press(TAB).await;
    tab.press(TAB).await;
    let is_below = "return document.activeElement.closest('.composer') !== null";
    tab.wait_for_value(is_below, json!(true)).await;
    tab.press(&format!("{SHIFT}{TAB}")).await;
    tab.wait_for_value(FOCUSED, number(40)).await;
    tab.press(DOWN).await;
    tab.wait_for_value(FOCUSED, json!("The last.")).await;
    for key in [ENTER.to_owned(), format!("{SHIFT}{F10}")] {
        tab.press(&key).await;
        tab.see_text("[role=menu]", "Reply").await;
        tab.press(ESCAPE).await;
        tab.see_absent("[role=menu]").await;
        tab.wait_for_value(FOCUSED, json!("The last.")).await;
    }
    tab.press(HOME).await;
    tab.wait_for_value(FOCUSED, json!("The first.")).await;
    tab.press(END).await;
    tab.wait_for_value(FOCUSED, json!("The last.")).await;
    tab.press(ESCAPE).await;
    tab.wait_for_value(IS_WRITING, json!(true)).await;
    tab.assert_accessible().await;
}

/// A reaction of one user has no number. A click sets or removes the own one.
/// Hovering and the menu key list the users.
#[tokio::test]
async fn reactions_count_from_two() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let sent = ann.send(id, "Lovely").await.expect(201)["id"].clone();
    add_heart(&ann, id, &sent).await;
    let tab = browsers.open_as(&ben, DESKTOP).await;
    tab.open_conversation(id).await;
    tab.see(".is-live").await;
    let shown = "const button = document.querySelector('.reactions button');
        return [button.firstChild.data, button.ariaPressed, button.childNodes.length > 2
            ? button.childNodes[1].data : '']";
    tab.wait_for_value(shown, json!(["❤️", "false", ""])).await;
    tab.click(".reactions button").await;
    tab.wait_for_value(shown, json!(["❤️", "true", " 2"])).await;
    let names = "const { width, height } =
            document.querySelector('.reactions .names').getBoundingClientRect();
        return width > 20 && height > 10";
    point_to(&tab, ".reactions button").await;
    tab.wait_for_value(names, json!(true)).await;
    tab.see_text(".reactions .names", "ann, You").await;
    assert_accessible_in_all_colours(&tab).await;
    // By keyboard: the focus stays on the reaction when it is drawn again.
    point_to(&tab, ".bar h1").await;
    tab.wait_for_value(names, json!(false)).await;
    tab.click(COMPOSER).await;
    tab.press(&format!("{SHIFT}{TAB}")).await;
    tab.press(TAB).await;
    tab.press(TAB).await;
    let focused = "return document.activeElement.matches('.reactions button')";
    tab.wait_for_value(focused, json!(true)).await;
    tab.wait_for_value(names, json!(true)).await;
    tab.press(ENTER).await;
    tab.wait_for_value(shown, json!(["❤️", "false", ""])).await;
    tab.wait_for_value(focused, json!(true)).await;
    tab.right_click(".reactions button").await;
    tab.see_text(".is-names", "❤️ ann").await;
    tab.assert_accessible().await;
    tab.press(ESCAPE).await;
    tab.see_absent(".is-names").await;
    tab.disable_scripts().await;
    tab.open_conversation_plainly(id).await;
    let plain = "return document.querySelector('.reactions li').firstChild.data.trim()";
    tab.wait_for_value(plain, json!("❤️")).await;
}
