//! Registration, login, logout and the user's settings.

use serde_json::json;

use super::appearance::assert_fits;
use crate::admin::Keeper;
use crate::support::browser::{BrowserDriver, DESKTOP, ENTER, PHONE};
use crate::support::{PASSWORD, TestApp};

/// Registers, logs out and logs in again. Checks each page for accessibility,
/// light, dark and on a phone.
#[tokio::test]
async fn new_user_registers_and_returns() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let tab = browsers.open(app.site(), DESKTOP).await;
    tab.goto("/register").await;
    tab.assert_accessible().await;
    tab.register("ann", "Ann Lee").await;
    assert_eq!(tab.path().await, "/messages");
    tab.assert_accessible().await;
    tab.goto("/").await;
    assert_eq!(tab.path().await, "/messages");

    tab.goto("/settings").await;
    tab.assert_accessible().await;
    tab.click("[name=theme][value=dark]").await;
    tab.wait_for_value(BACKGROUND, json!(true)).await;
    tab.assert_accessible().await;
    tab.reload().await;
    tab.wait_for_value(BACKGROUND, json!(true)).await;
    tab.click("[name=theme][value='']").await;
    tab.wait_for_value(BACKGROUND, json!(false)).await;
    tab.goto("/profile/ann").await;
    tab.assert_accessible().await;
    tab.size(PHONE).await;
    tab.goto("/settings").await;
    tab.assert_accessible().await;
    tab.press_button("form", "Log out").await;
    tab.see("form[action='/login']").await;
    tab.assert_accessible().await;

    tab.type_into("[name=username]", "ann").await;
    tab.type_into("[name=password]", "wrong").await;
    tab.click("button[type=submit]").await;
    tab.see_text("#password-wrong[role=alert]", "Wrong username or password.")
        .await;
    let focused = "return document.activeElement.id";
    tab.wait_for_value(focused, json!("password")).await;
    // The browser logs the refusal's status as an error.
    assert!(
        tab.console_errors()
            .await
            .iter()
            .all(|it| it.contains("401"))
    );
    assert_eq!(tab.accessibility_faults().await, [""; 0]);
    tab.type_into("[name=password]", PASSWORD).await;
    tab.click("button[type=submit]").await;
    tab.see(".messenger").await;
    tab.assert_accessible().await;
    tab.close().await;
}

/// Whether the page has a dark background.
const BACKGROUND: &str = "
    const context = document.createElement('canvas').getContext('2d');
    context.fillStyle = getComputedStyle(document.body).backgroundColor;
    context.fillRect(0, 0, 1, 1);
    return context.getImageData(0, 0, 1, 1).data[0] < 80";

/// A password link opens its form without a click. Its code is neither sent in
/// a URL nor kept in the address bar.
#[tokio::test]
async fn password_link_opens_its_form() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let mut keeper = Keeper::at(&app).await;
    let ann = app.register_user("ann").await;
    let path = format!("/admin/users/{}/reset", ann.id);
    let page = keeper.act(&path, &[]).await.expect(200);
    let (_, rest) = page.text.split_once("/reset#").unwrap();
    let (code, _) = rest.split_once('<').unwrap();
    let tab = browsers.open(app.site(), DESKTOP).await;
    tab.goto(&format!("/reset#{code}")).await;
    tab.see("[name=new_password]").await;
    tab.assert_accessible().await;
    let address = tab.script("return location.href", &[]).await;
    assert_eq!(address, json!(app.site().url("/reset")));
    for sent in tab.requested_urls().await {
        assert!(!sent.contains(code), "{sent}");
    }
    tab.type_into("[name=new_password]", "another long one")
        .await;
    tab.click("button[type=submit]").await;
    tab.see_text("h1", "Your password is set").await;
    tab.close().await;
}

/// The forms before login show a typed password, explain what to do without
/// one, and lead to the first wrong field.
#[tokio::test]
async fn account_forms_help_with_passwords() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    app.register_user("ann").await;
    let tab = browsers.open(app.site(), PHONE).await;
    tab.goto("/login?ended=1&next=%2Fsettings").await;
    tab.see_text(
        ".notice[role=status]",
        "You were logged out on this device.",
    )
    .await;
    tab.see(".brand .mark").await;
    tab.see_absent(".forgotten p").await;
    tab.tap(".forgotten summary").await;
    tab.see_text(".forgotten p", "Ask an admin of this server")
        .await;
    assert_fits(&tab).await;
    for (feature, value) in LOOKS {
        tab.emulate_media(feature, value).await;
        tab.assert_accessible().await;
    }
    tab.type_into("#username", "ann").await;
    tab.type_into("#password", PASSWORD).await;
    let state = "return [document.querySelector('#password').type,
         document.querySelector('.reveal').ariaPressed]";
    tab.tap(".reveal").await;
    tab.wait_for_value(state, json!(["text", "true"])).await;
    tab.assert_accessible().await;
    tab.tap(".reveal").await;
    tab.wait_for_value(state, json!(["password", "false"]))
        .await;
    tab.tap(".reveal").await;
    tab.type_into("#password", ENTER).await;
    tab.see("main.settings").await;
    assert_eq!(tab.path().await, "/settings");

    let tab = browsers.open(app.site(), PHONE).await;
    tab.goto("/register").await;
    tab.type_into("#username", "ann").await;
    tab.type_into("#display_name", "Ann").await;
    tab.type_into("#password", "another long one").await;
    tab.type_into("#password", ENTER).await;
    tab.see("#username-wrong").await;
    let focused = "return document.activeElement.id";
    tab.wait_for_value(focused, json!("username")).await;
    assert_fits(&tab).await;
    tab.goto("/login").await;
    tab.disable_scripts().await;
    tab.reload().await;
    tab.see("#password").await;
    tab.see_absent(".reveal").await;
    let described = "return document.querySelector('meta[name=description]').content !== ''";
    assert_eq!(tab.script(described, &[]).await, json!(true));
}

/// The features that change colours.
const LOOKS: [(&str, &str); 3] = [
    ("prefers-color-scheme", "light"),
    ("prefers-color-scheme", "dark"),
    ("forced-colors", "active"),
];

/// If the browser refuses cookies, the forms of a visitor say so.
#[tokio::test]
async fn refused_cookies_are_explained() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    app.register_user("ann").await;
    let tab = browsers.open_without_cookies(app.site(), DESKTOP).await;
    for (path, fields) in [
        ("/login", &[("username", "ann"), ("password", PASSWORD)][..]),
        ("/register", &[("username", "ben"), ("password", PASSWORD)]),
        ("/reset", &[("token", "AAAAAAAAAAAAAAAAAAAA")]),
    ] {
        tab.goto(path).await;
        for (name, text) in fields {
            tab.type_into(&format!("[name={name}]"), text).await;
        }
        tab.click("button[type=submit]").await;
        tab.see_text(
            "[role=alert]",
            "Your browser must allow cookies for this site.",
        )
        .await;
        assert_eq!(tab.accessibility_faults().await, [""; 0]);
    }
    tab.close().await;
}
