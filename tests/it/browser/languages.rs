//! Languages and directions of the browser.

use serde_json::json;

use crate::support::TestApp;
use crate::support::browser::{BrowserDriver, BrowserTab, DESKTOP, PHONE};

/// Days and digits are English, as the texts are, in browsers of every
/// language.
#[tokio::test]
async fn times_are_english_in_every_locale() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    for (locale, clock) in [
        ("de-DE", "^\\\\d\\\\d:\\\\d\\\\d$"),
        ("fa-IR", "^\\\\d\\\\d:\\\\d\\\\d$"),
        ("ar-EG", "^\\\\d{1,2}:\\\\d\\\\d\\\\s[ap]m$"),
        ("en-US", "^\\\\d{1,2}:\\\\d\\\\d\\\\s[AP]M$"),
    ] {
        let to = json!({ "locale": locale });
        tab.devtools("Emulation.setLocaleOverride", to).await;
        tab.open_conversation(id).await;
        let is_english = format!(
            "return new RegExp('{clock}').test(document.querySelector('.when').innerText.trim())"
        );
        tab.wait_for_value(&is_english, json!(true)).await;
        let foreign = "return [...document.querySelectorAll('time')]
             .map((it) => it.innerText).filter((text) => /[^\\x20-\\x7e\\u202f]/u.test(text))";
        tab.wait_for_value(foreign, json!([])).await;
    }
}

/// Returns where the middle of each part is, from 0 at the start of the page's
/// width to 1 at its end in the direction of reading.
async fn places(tab: &BrowserTab, selectors: &[&str]) -> Vec<f64> {
    let script = "
        const isMirrored = document.documentElement.dir === 'rtl';
        return arguments[0].map((selector) => {
            const { left, right } = document.querySelector(selector).getBoundingClientRect();
            const place = (left + right) / 2 / innerWidth;
            return Math.round((isMirrored ? 1 - place : place) * 100) / 100;
        })";
    let found = tab.script(script, &[json!(selectors)]).await;
    serde_json::from_value(found).unwrap()
}

/// A page whose direction is right to left mirrors its columns, bubbles,
/// composer and bars.
#[tokio::test]
async fn right_to_left_mirrors_layout() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    ann.send(id, "Mine").await.expect(201);
    ben.send(id, "Theirs").await.expect(201);
    let tab = browsers.open_as(&ann, DESKTOP).await;
    let conversation = format!("/messages?conversation={id}");
    for (size, path, parts) in [
        (
            DESKTOP,
            &*conversation,
            &[
                ".side",
                ".composer [type=submit]",
                ".is-mine .bubble",
                "main .face",
            ][..],
        ),
        (PHONE, &*conversation, &[".back", ".composer [type=submit]"]),
        (
            PHONE,
            "/settings",
            &[".way-back", "#current_password + .reveal"],
        ),
    ] {
        tab.size(size).await;
        tab.goto(path).await;
        for part in parts {
            tab.see(part).await;
        }
        let usual = places(&tab, parts).await;
        tab.script("document.documentElement.dir = 'rtl'", &[])
            .await;
        let mirrored = places(&tab, parts).await;
        for ((part, usual), mirrored) in parts.iter().zip(usual).zip(mirrored) {
            assert!(
                (usual - mirrored).abs() < 0.05,
                "{path} {part}: {usual} is mirrored to {mirrored}"
            );
        }
        let wide = "return document.documentElement.scrollWidth - innerWidth";
        tab.wait_for_value(wide, json!(0)).await;
    }
}
