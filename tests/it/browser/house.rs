//! The admins' pages, in a real browser: every page on every screen, every act
//! by its form, and none of it for others.

mod acts;
mod lists;
mod refused;

use std::net::Ipv4Addr;

use serde_json::json;

use crate::admin::admin;
use crate::support::browser::{Browsers, DESKTOP, PHONE, Screen, TAB, Tab};
use crate::support::{Person, TestApp};

/// The width that doesn't fit, and what is smaller than a fingertip. A link
/// amid a sentence is as high as its line (WCAG 2.2, 2.5.5).
const MISFITS: &str = "
    const wide = document.documentElement.scrollWidth - innerWidth;
    const small = [...document.querySelectorAll('nav a, main a, .button, button, select, summary, textarea, .line, .field input')]
        .filter((it) => it.checkVisibility({ visibilityProperty: true }))
        .filter((it) => !it.closest('.unseen, p') && it.getBoundingClientRect().height < 44)
        .map((it) => it.outerHTML.slice(0, 120));
    return [...(wide > 0 ? [`${wide} px too wide`] : []), ...small];";

/// The screens and lights in which a page has to hold.
fn screens() -> [(&'static str, Screen); 5] {
    let narrow = Screen {
        width: 320,
        ..PHONE
    };
    let between = Screen {
        width: 768,
        ..DESKTOP
    };
    [
        ("light", DESKTOP),
        ("dark", DESKTOP),
        ("light", between),
        ("light", narrow),
        ("dark", narrow),
    ]
}

/// A page holds on every screen and in both lights.
async fn assert_holds(tab: &Tab, path: &str) {
    for (scheme, size) in screens() {
        tab.size(size).await;
        tab.prefers("prefers-color-scheme", scheme).await;
        tab.goto(path).await;
        tab.see("main h1").await;
        tab.assert_good().await;
        assert_eq!(tab.script(MISFITS, &[]).await, json!([]), "{path}");
    }
    tab.size(DESKTOP).await;
}

/// The same of the page that is open, where only a form leads there.
async fn assert_this_holds(tab: &Tab, name: &str) {
    for (scheme, size) in screens() {
        tab.size(size).await;
        tab.prefers("prefers-color-scheme", scheme).await;
        tab.assert_good().await;
        assert_eq!(tab.script(MISFITS, &[]).await, json!([]), "{name}");
    }
    tab.size(DESKTOP).await;
}

/// A world with somebody in it, and an admin's browser.
async fn world(app: &TestApp, browsers: &Browsers) -> (Person, Person, i64, Tab) {
    let root = admin(app, "root").await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let body = json!({ "title": "The crew", "usernames": ["ben"] });
    let made = ann.post("/api/conversations/create/", body).await;
    let group = made.expect(201)["id"].as_i64().unwrap();
    ann.send(group, "Good morning, all").await.expect(201);
    let tab = browsers.open_as(&root, DESKTOP).await;
    (ann, ben, group, tab)
}

#[tokio::test]
async fn every_page_holds_on_every_screen() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let (ann, _ben, group, tab) = world(&app, &browsers).await;
    ann.talk_with(&_ben).await;
    let said = ann.send(group, "Is anybody here?").await.expect(201);
    let user = format!("/admin/users/{}", ann.id);
    let conversation = format!("/admin/conversations/{group}");
    for path in [
        "/admin",
        "/admin/users",
        "/admin/users?q=nobodyhere",
        "/admin/users/new",
        &user,
        &format!("{user}/rename"),
        &format!("{user}/promote"),
        &format!("{user}/demote"),
        &format!("{user}/deactivate"),
        &format!("{user}/reactivate"),
        &format!("{user}/end-logins"),
        &format!("{user}/delete"),
        &format!("{user}/reset"),
        "/admin/conversations",
        "/admin/conversations?q=crew",
        &conversation,
        &format!("{conversation}/read"),
        &format!("{conversation}/close"),
        &format!("{conversation}/messages/{}/withdraw", said["id"]),
        "/admin/audit",
        "/admin/audit?who=root&what=cheese",
        "/settings",
        "/reset",
    ] {
        assert_holds(&tab, path).await;
    }
    tab.close().await;
}

#[tokio::test]
async fn what_is_unsafe_is_seen_on_every_screen() {
    let unsafe_ones = |settings: &mut tidings::config::Settings| {
        settings.listen = (Ipv4Addr::UNSPECIFIED, 0).into();
    };
    let app = TestApp::builder().settings(unsafe_ones).spawn().await;
    let browsers = Browsers::start().await;
    let (_ann, _ben, _group, tab) = world(&app, &browsers).await;
    tab.goto("/admin").await;
    tab.see_text(".summary", "over plain HTTP").await;
    tab.see_text(".summary", "There is no limit of").await;
    assert_holds(&tab, "/admin").await;
    tab.close().await;
}

/// The course of a figure is seen also where the screen is narrow, and begins
/// where its window does.
#[tokio::test]
async fn courses_are_seen_on_a_phone() {
    let (app, browsers) = (quick().await, Browsers::start().await);
    let (_ann, _ben, _group, tab) = world(&app, &browsers).await;
    tab.size(Screen {
        width: 320,
        ..PHONE
    })
    .await;
    tab.goto("/admin").await;
    tab.see_text("#live", "Live").await;
    tab.comes_to(
        "const it = document.querySelector('[data-figure=sessions] .course');
         const { width, height } = it.getBoundingClientRect();
         const [first] = it.querySelector('polyline').points;
         return [width >= 120, height >= 24, first.x, !!it.querySelector('line')]",
        json!([true, true, 0, true]),
    )
    .await;
    tab.close().await;
}

#[tokio::test]
async fn the_overview_is_live_and_says_so() {
    let (app, browsers) = (quick().await, Browsers::start().await);
    let (ann, ben, group, tab) = world(&app, &browsers).await;
    tab.goto("/admin").await;
    tab.see_text("#live", "Live").await;
    let _here = ben.socket("/ws/").await;
    tab.see_text("[data-figure=sessions] .now", "1").await;
    ann.send(group, "One more").await.expect(201);
    tab.comes_to(
        "return Number(document.querySelector('[data-figure=sends] .most').innerText) > 0",
        json!(true),
    )
    .await;
    tab.comes_to(
        "return document.querySelectorAll('[data-figure=sends] polyline')[0]
            .points.numberOfItems > 1",
        json!(true),
    )
    .await;
    tab.assert_good().await;
    tab.close().await;
}

async fn quick() -> TestApp {
    let builder = TestApp::builder();
    let change = |settings: &mut tidings::config::Settings| {
        settings.timings.pulse_every = std::time::Duration::from_millis(200);
        settings.timings.login_check_every = std::time::Duration::from_millis(100);
    };
    builder.settings(change).spawn().await
}

/// By keys alone one gets through, and sees where one is; and without a
/// script, too.
#[tokio::test]
async fn keys_are_enough_and_scripts_are_not_needed() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let (_ann, _ben, _group, tab) = world(&app, &browsers).await;
    tab.goto("/admin/users").await;
    let mut seen = Vec::new();
    for _ in 0..9 {
        tab.press(TAB).await;
        let ring = "const it = document.activeElement;
            const { outlineStyle, outlineWidth } = getComputedStyle(it);
            return outlineStyle !== 'none' && parseFloat(outlineWidth) >= 1
                ? it.innerText || it.id : `no ring: ${it.outerHTML}`";
        let at = tab.script(ring, &[]).await;
        seen.push(at.as_str().unwrap().trim().to_owned());
    }
    for (at, expected) in [
        (0, "Messages"),
        (2, "People"),
        (4, "Reports"),
        (6, "Open an account"),
        (7, "q"),
    ] {
        assert_eq!(seen[at], expected, "{seen:?}");
    }
    assert!(!seen.iter().any(|at| at.contains("no ring")), "{seen:?}");
    tab.without_scripts().await;
    tab.goto("/admin").await;
    tab.see("[data-figure=sessions] .now").await;
    tab.see_no(".for-script").await;
    tab.assert_no_complaints().await;
    tab.close().await;
}
