//! A phone: safe areas, fields that cause no zoom, and the way between the list
//! and a conversation.

use serde_json::json;

use crate::support::TestApp;
use crate::support::browser::{BrowserDriver, BrowserTab, COMPOSER, PHONE};

async fn set_safe_areas(tab: &BrowserTab) {
    let insets = json!({ "insets": { "top": 47, "bottom": 34, "left": 10, "right": 12 } });
    tab.devtools("Emulation.setSafeAreaInsetsOverride", insets)
        .await;
}

/// Returns the visible controls that a notch, a rounded corner or the home
/// indicator hides, and whether the page scrolls.
const HIDDEN: &str = "
    const { scrollHeight } = document.documentElement;
    const covered = [...document.querySelectorAll('a, button, textarea, input, h1')]
        .filter((it) => it.checkVisibility({ visibilityProperty: true }) && !it.closest('.unseen, .skip')
            && !it.matches('.unseen'))
        .map((it) => [it.outerHTML.slice(0, 80), it.getBoundingClientRect(), !!it.closest('.side-scroll')])
        .filter(([, { top, bottom, left, right, width }, scrolls]) => width > 0
            && (left < 10 || right > innerWidth - 12
                || (!scrolls && (top < 47 || bottom > innerHeight - 34))))
        .map(([html]) => html);
    return [covered, scrollHeight > innerHeight];";

#[tokio::test]
async fn safe_areas_hide_no_control() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let tab = browsers.open_as(&ann, PHONE).await;
    set_safe_areas(&tab).await;
    tab.goto("/messages").await;
    tab.see(".is-live").await;
    tab.wait_for_value(HIDDEN, json!([[], false])).await;
    tab.open_conversation(id).await;
    tab.see(".is-live").await;
    tab.wait_for_value(HIDDEN, json!([[], false])).await;
    tab.assert_accessible().await;
    // A field with small letters makes phones zoom when it gets the focus.
    let small =
        "return [...document.querySelectorAll('input:not([type=hidden]), textarea, select')]
        .filter((it) => parseFloat(getComputedStyle(it).fontSize) < 16)
        .map((it) => it.outerHTML)";
    for path in [
        "/messages",
        "/settings",
        "/profile/ben",
        "/messages/chat/ben/",
    ] {
        tab.goto(path).await;
        tab.see("main, .side").await;
        assert_eq!(tab.script(small, &[]).await, json!([]), "{path}");
    }
    tab.open_conversation(id).await;
    tab.tap("[data-act=emoji]").await;
    tab.see(".emoji input").await;
    assert_eq!(tab.script(small, &[]).await, json!([]));
}

/// The list keeps its place, and the parts of the page slide in.
#[tokio::test]
async fn list_keeps_place_on_return() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    for at in 0..30 {
        let group = json!({ "title": format!("Group {at}."), "usernames": ["ben"] });
        let made = ann.post("/api/conversations/create/", group).await;
        made.expect(201);
    }
    drop(ben);
    let tab = browsers.open_as(&ann, PHONE).await;
    for preference in ["no-preference", "reduce"] {
        tab.emulate_media("prefers-reduced-motion", preference)
            .await;
        tab.goto("/messages").await;
        tab.see(".is-live").await;
        tab.script(MOVED, &[]).await;
        let wheel = json!({ "type": "mouseWheel", "x": 100, "y": 400, "deltaX": 0, "deltaY": 700 });
        tab.devtools("Input.dispatchMouseEvent", wheel).await;
        let place = "return Math.round(document.querySelector('.side-scroll').scrollTop)";
        tab.wait_for_value(place, json!(700)).await;
        for way in ["button", "history"] {
            let row = "const box = document.querySelector('.side-scroll').getBoundingClientRect();
                return [...document.querySelectorAll('.rows .row')].find((it) =>
                    it.getBoundingClientRect().top > box.top + 100).dataset.id";
            let id = tab.script(row, &[]).await;
            tab.tap(&format!(".row[data-id='{}']", id.as_str().unwrap()))
                .await;
            tab.see(COMPOSER).await;
            if way == "button" {
                tab.tap(".back").await;
            } else {
                tab.back().await;
            }
            tab.see(".rows .row").await;
            tab.wait_for_value(place, json!(700)).await;
        }
        let expected = if preference == "reduce" {
            json!([])
        } else {
            json!(["side", "thread"])
        };
        let moved = "return [...window.moved].sort()";
        tab.wait_for_value(moved, expected).await;
    }
    tab.assert_accessible().await;
}

/// Collects the parts of the page that were moved by an animation.
const MOVED: &str = "
    window.moved = new Set();
    addEventListener('animationstart', ({ target, animationName }) => {
        if (animationName === 'come') window.moved.add(target.classList[0]);
    }, true);";
