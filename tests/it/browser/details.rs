//! What makes a messenger pleasant: emoji, sounds and notifications, times that
//! age, a counter, long presses, a place on the home screen.

use serde_json::{Value, json};

use crate::support::browser::{Browsers, DESKTOP, DOWN, ENTER, ESCAPE, PHONE, Tab, UP, WRITE};
use crate::support::{Person, TestApp, until};

/// Of Unicode's emoji, with one colour of skin.
const MANY: u64 = 1_500;

#[tokio::test]
async fn any_emoji_is_found_and_those_used_last_stand_in_front() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let tab = browsers.open_as(&ben, DESKTOP).await;
    tab.open_conversation(id).await;
    tab.click("[data-act=emoji]").await;
    let count = "return document.querySelectorAll('.emoji-grid button').length";
    until("all emoji", || async {
        let count = tab.script(count, &[]).await.as_u64();
        (count > Some(MANY)).then_some(())
    })
    .await;
    assert_eq!(tab.axe().await, [""; 0]);
    tab.press("rock").await;
    tab.see(".emoji-grid button[aria-label*=rocket]").await;
    tab.press(&format!("{DOWN}{ENTER}")).await;
    tab.comes_to(
        "const field = document.querySelector('.composer textarea');
         return document.activeElement === field && field.value.length > 0",
        json!(true),
    )
    .await;
    let chosen = tab
        .script(
            "return document.querySelector('.composer textarea').value",
            &[],
        )
        .await;
    tab.press(ENTER).await;
    tab.see_said(chosen.as_str().unwrap()).await;
    // What isn't sent yet can't be answered with one.
    tab.see(".message:last-child .ticks[data-status=sent]")
        .await;
    // As a reaction, now within reach.
    tab.type_into(".history", UP).await;
    tab.press(ENTER).await;
    tab.click(".quick [aria-label='More emoji']").await;
    tab.see_text(".emoji-shelf h3", "Used lately").await;
    tab.press(&format!("{DOWN}{ENTER}")).await;
    tab.see_text(".message [data-act=reaction]", chosen.as_str().unwrap())
        .await;
    tab.assert_good().await;
    // Where the rest can't be had, a few are always here.
    tab.block(&["*emoji.json"]).await;
    tab.reload().await;
    tab.click("[data-act=emoji]").await;
    tab.see_text(".emoji-said", "could not be fetched").await;
    tab.see(".emoji-grid button").await;
    tab.press(ESCAPE).await;
    tab.see_no(".emoji-grid").await;
    let refused = tab.complaints().await;
    assert!(
        refused.iter().all(|it| it.contains("emoji.json")),
        "{refused:?}"
    );
}

/// Lets a test say how late it is, and hear what would be heard and shown.
const STAGED: &str = "
    const real = Date.now;
    window.later = 0;
    Date.now = () => real() + window.later;
    window.heard = [];
    navigator.setAppBadge = async (count) => { window.badge = count; };
    navigator.clearAppBadge = async () => { window.badge = 0; };
    window.AudioContext = class {
        currentTime = 0;
        constructor() { window.heard.push('sound'); throw new Error('no loudspeaker'); }
    };
    window.Notification = class extends EventTarget {
        static permission = 'granted';
        static requestPermission = async () => 'granted';
        constructor(title, { body }) { super(); window.heard.push(`${title}: ${body}`); }
        close() {}
    };
    window.look = (isHere) => {
        const state = isHere ? 'visible' : 'hidden';
        Object.defineProperty(document, 'visibilityState', { value: state, configurable: true });
        document.hasFocus = () => isHere;
        document.dispatchEvent(new Event('visibilitychange'));
    };";

#[tokio::test]
async fn what_comes_while_one_looks_elsewhere_is_heard_and_shown_and_times_age() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let tab = browsers.open_as(&ben, DESKTOP).await;
    tab.before_each_page(STAGED).await;
    tab.open_conversation(id).await;
    tab.see_said("The first.").await;
    // Browsers are silent until somebody has done something.
    tab.click(WRITE).await;
    heard_and_shown(&tab, &ann, id).await;
    badged(&tab, &ann, id).await;
    switched(&tab, &ann, id).await;
    counted(&tab).await;
    aged(&tab).await;
}

/// A sound by itself; a notification for who wants it.
async fn heard_and_shown(tab: &Tab, ann: &Person, id: i64) {
    tab.script("window.look(false)", &[]).await;
    ann.send(id, "Are you there?").await.expect(201);
    tab.comes_to("return window.heard", json!(["sound"])).await;
    tab.script("localStorage.setItem('tidings.notify', 'true')", &[])
        .await;
    ann.send(id, "Hello?").await.expect(201);
    let both = json!(["sound", "sound", "ann: Hello?"]);
    tab.comes_to("return window.heard", both.clone()).await;
    // Who looks at it needs neither.
    tab.script("window.look(true)", &[]).await;
    ann.send(id, "There you are.").await.expect(201);
    tab.see_said("There you are.").await;
    assert_eq!(tab.script("return window.heard", &[]).await, both);
}

/// On the app's own picture, where there is one: what waits, and no more.
async fn badged(tab: &Tab, ann: &Person, id: i64) {
    tab.comes_to("return window.badge", json!(0)).await;
    tab.script("window.look(false)", &[]).await;
    ann.send(id, "One more").await.expect(201);
    tab.comes_to("return window.badge", json!(1)).await;
    tab.script("window.look(true)", &[]).await;
    tab.comes_to("return window.badge", json!(0)).await;
}

async fn switched(tab: &Tab, ann: &Person, id: i64) {
    tab.script(
        "localStorage.setItem('tidings.sound', 'false');
         localStorage.setItem('tidings.notify', 'false');
         window.heard = [];
         window.look(false)",
        &[],
    )
    .await;
    ann.send(id, "Gone again?").await.expect(201);
    tab.see_said("Gone again?").await;
    assert_eq!(tab.script("return window.heard", &[]).await, json!([]));
    tab.script("window.look(true)", &[]).await;
}

/// Only near the end of what a message may be.
async fn counted(tab: &Tab) {
    let shown = "return document.querySelector('.composer .counter').checkVisibility()";
    tab.paste(WRITE, &"x".repeat(5_000)).await;
    tab.comes_to(shown, json!(false)).await;
    tab.paste(WRITE, &"x".repeat(9_990)).await;
    tab.comes_to(shown, json!(true)).await;
    tab.see_text(".composer .counter", "10 left").await;
    tab.paste(WRITE, &"x".repeat(10_003)).await;
    tab.see_text(".composer .counter", "-3 left").await;
    tab.see(".composer button[type=submit]:disabled").await;
    tab.fill(WRITE, "").await;
    tab.comes_to(shown, json!(false)).await;
}

/// The same page, days later.
async fn aged(tab: &Tab) {
    let times = "return [...document.querySelectorAll('.rows .row time, .history .day time, .history .day')]
        .map((it) => it.textContent.trim())";
    let before = tab.script(times, &[]).await;
    assert!(before.to_string().contains("Today"), "{before}");
    tab.script("window.later = 24 * 3600_000; window.look(true)", &[])
        .await;
    tab.see_text(".history .day", "Yesterday").await;
    let after = tab.script(times, &[]).await;
    let (Value::Array(before), Value::Array(after)) = (before, after) else {
        panic!("texts");
    };
    assert_ne!(before[0], after[0], "the row's time is a weekday now");
}

#[tokio::test]
async fn on_a_phone_a_long_press_opens_the_menu_and_the_home_screen_takes_it() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let tab = browsers.open_as(&ben, PHONE).await;
    tab.open_conversation(id).await;
    tab.see_said("The first.").await;
    let middle = tab
        .script(
            "const it = document.querySelector('.history .message .bubble') ??
                document.querySelector('.history .message');
             const { x, y, width, height } = it.getBoundingClientRect();
             return { x: x + width / 2, y: y + height / 2 }",
            &[],
        )
        .await;
    let touch = |kind: &str, points: Value| json!({ "type": kind, "touchPoints": points });
    let down = touch("touchStart", json!([middle]));
    tab.devtools("Input.dispatchTouchEvent", down).await;
    tab.see("[role=menu]").await;
    let up = touch("touchEnd", json!([]));
    tab.devtools("Input.dispatchTouchEvent", up).await;
    tab.pick("Reply").await;
    tab.see(".answering").await;
    let manifest = tab.devtools("Page.getAppManifest", json!({})).await;
    assert_eq!(manifest["errors"], json!([]), "{manifest}");
    let text = manifest["data"].as_str().unwrap();
    let manifest: Value = serde_json::from_str(text).unwrap();
    assert_eq!(manifest["display"], "standalone");
    let wanting = tab
        .devtools("Page.getInstallabilityErrors", json!({}))
        .await;
    assert_eq!(wanting["installabilityErrors"], json!([]), "{wanting}");
    tab.assert_no_complaints().await;
}
