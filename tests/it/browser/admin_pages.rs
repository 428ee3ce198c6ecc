//! The admin pages in a real browser: every page on every screen, every action
//! by its form, and that other users can't open them.

mod access;
mod actions;
mod lists;

use std::net::Ipv4Addr;

use serde_json::json;

use crate::admin::admin;
use crate::support::browser::{BrowserDriver, BrowserTab, DESKTOP, PHONE, ScreenSize, TAB};
use crate::support::{TestApp, TestUser};

/// Returns the excess width and the elements less than 44 px high. Links in
/// paragraphs may be smaller (WCAG 2.2, 2.5.5).
const MISFITS: &str = "
    const wide = document.documentElement.scrollWidth - innerWidth;
    const small = [...document.querySelectorAll('nav a, main a, .button, button, select, summary, textarea, .line, .field input')]
        .filter((it) => it.checkVisibility({ visibilityProperty: true }))
        .filter((it) => !it.closest('.unseen, p') && it.getBoundingClientRect().height < 44)
        .map((it) => it.outerHTML.slice(0, 120));
    return [...(wide > 0 ? [`${wide} px too wide`] : []), ...small];";

/// The screens and colour schemes to check.
fn screens() -> [(&'static str, ScreenSize); 5] {
    let narrow = ScreenSize {
        width: 320,
        ..PHONE
    };
    let between = ScreenSize {
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

/// Checks a page on every screen, in both colour schemes.
async fn assert_page_fits(tab: &BrowserTab, path: &str) {
    for (scheme, size) in screens() {
        tab.size(size).await;
        tab.emulate_media("prefers-color-scheme", scheme).await;
        tab.goto(path).await;
        tab.see("main h1").await;
        tab.assert_accessible().await;
        assert_eq!(tab.script(MISFITS, &[]).await, json!([]), "{path}");
    }
    tab.size(DESKTOP).await;
}

/// Checks the open page on every screen. Use this for a page that only a form
/// leads to.
async fn assert_open_page_fits(tab: &BrowserTab, name: &str) {
    for (scheme, size) in screens() {
        tab.size(size).await;
        tab.emulate_media("prefers-color-scheme", scheme).await;
        tab.assert_accessible().await;
        assert_eq!(tab.script(MISFITS, &[]).await, json!([]), "{name}");
    }
    tab.size(DESKTOP).await;
}

/// Creates two users and a group, and opens an admin's browser.
async fn world(app: &TestApp, browsers: &BrowserDriver) -> (TestUser, TestUser, i64, BrowserTab) {
    let root = admin(app, "root").await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let body = json!({ "title": "The crew", "usernames": ["ben"] });
    let made = ann.post("/api/conversations/create/", body).await;
    let group = made.expect(201)["id"].as_i64().unwrap();
    ann.send(group, "Good morning, all").await.expect(201);
    let tab = browsers.open_as(&root, DESKTOP).await;
    (ann, ben, group, tab)
}

#[tokio::test]
async fn admin_pages_fit_every_screen() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, _ben, group, tab) = world(&app, &browsers).await;
    ann.open_direct_used(&_ben).await;
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
        &format!("{conversation}/messages/{}/delete", said["id"]),
        "/admin/audit",
        "/admin/audit?who=root&what=cheese",
        "/settings",
        "/reset",
    ] {
        assert_page_fits(&tab, path).await;
    }
    tab.close().await;
}

#[tokio::test]
async fn unsafe_settings_are_shown_everywhere() {
    let unsafe_ones = |settings: &mut tidings::config::Settings| {
        settings.listen = (Ipv4Addr::UNSPECIFIED, 0).into();
    };
    let app = TestApp::builder().settings(unsafe_ones).spawn().await;
    let browsers = BrowserDriver::start().await;
    let (_ann, _ben, _group, tab) = world(&app, &browsers).await;
    tab.goto("/admin").await;
    tab.see_text(".summary", "over plain HTTP").await;
    tab.see_text(".summary", "There is no limit of").await;
    assert_page_fits(&tab, "/admin").await;
    tab.close().await;
}

/// The chart of a figure is visible on a narrow screen and starts at the left
/// end of its time window.
#[tokio::test]
async fn charts_are_visible_on_phone() {
    let (app, browsers) = (quick().await, BrowserDriver::start().await);
    let (_ann, _ben, _group, tab) = world(&app, &browsers).await;
    tab.size(ScreenSize {
        width: 320,
        ..PHONE
    })
    .await;
    tab.goto("/admin").await;
    tab.see_text("#live", "Live").await;
    tab.wait_for_value(
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
async fn overview_updates_live() {
    let (app, browsers) = (quick().await, BrowserDriver::start().await);
    let (ann, ben, group, tab) = world(&app, &browsers).await;
    tab.goto("/admin").await;
    tab.see_text("#live", "Live").await;
    // The page itself holds a session.
    tab.see_text("[data-figure=sessions] .now", "1").await;
    let _here = ben.socket("/ws/").await;
    tab.see_text("[data-figure=sessions] .now", "2").await;
    ann.send(group, "One more").await.expect(201);
    tab.wait_for_value(
        "return Number(document.querySelector('[data-figure=sends] .most').innerText) > 0",
        json!(true),
    )
    .await;
    tab.wait_for_value(
        "return document.querySelectorAll('[data-figure=sends] polyline')[0]
            .points.numberOfItems > 1",
        json!(true),
    )
    .await;
    tab.assert_accessible().await;
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

/// The keyboard alone reaches every control and shows the focus. The page also
/// works without scripts.
#[tokio::test]
async fn admin_pages_need_only_a_keyboard() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
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
        (0, "Back to chats"),
        (2, "Users"),
        (4, "Reports"),
        (6, "Create account"),
        (7, "q"),
    ] {
        assert_eq!(seen[at], expected, "{seen:?}");
    }
    assert!(!seen.iter().any(|at| at.contains("no ring")), "{seen:?}");
    tab.disable_scripts().await;
    tab.goto("/admin").await;
    tab.see("[data-figure=sessions] .now").await;
    tab.see_absent(".for-script").await;
    tab.assert_no_console_errors().await;
    tab.close().await;
}
