//! The settings page: each form is answered beside its button.

use serde_json::json;

use super::appearance::assert_fits;
use crate::people::block;
use crate::support::browser::{
    BrowserDriver, BrowserTab, DESKTOP, ENTER, NetworkState, PHONE, ScreenSize, TAB,
};
use crate::support::{PASSWORD, TestApp};

/// The id of the focused element, or its text.
const FOCUSED: &str = "const it = document.activeElement; return it.id || it.innerText.trim()";
const DRAFT: &str = "return document.querySelector('#about').value";

/// Returns the selector of a section.
fn section(name: &str) -> String {
    format!("section[aria-labelledby='{name}-heading']")
}

/// Checks a page in all colours and sizes.
async fn check_looks(tab: &BrowserTab) {
    for (feature, value) in [
        ("prefers-color-scheme", "light"),
        ("prefers-color-scheme", "dark"),
        ("forced-colors", "active"),
    ] {
        tab.emulate_media(feature, value).await;
        tab.assert_accessible().await;
    }
    tab.emulate_media("prefers-color-scheme", "light").await;
    for width in [320, 768, 1440] {
        tab.size(ScreenSize { width, ..PHONE }).await;
        assert_fits(tab).await;
    }
    tab.size(DESKTOP).await;
}

/// A form changes only its own section: text that was typed elsewhere stays.
#[tokio::test]
async fn settings_answer_beside_their_buttons() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let ann = app.register_user("ann").await;
    block(&ann, &app.register_user("ben").await).await;
    let other = ann.log_in_again().await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.goto("/settings").await;
    tab.see(&section("devices")).await;
    check_looks(&tab).await;
    tab.type_into("#about", "Tea").await;

    let privacy = section("privacy");
    tab.click(&format!("{privacy} [type=submit]")).await;
    tab.see_text(&format!("{privacy} [role=status]"), "Unblocked.")
        .await;
    tab.wait_for_value(FOCUSED, json!("privacy-heading")).await;
    tab.see_text(&privacy, "You block no users.").await;
    assert_eq!(ann.get("/api/blocks/").await.expect(200), json!([]));

    let devices = section("devices");
    tab.press_button(&devices, "Log out everywhere else").await;
    tab.see_text(&format!("{devices} [role=status]"), "all other devices.")
        .await;
    other
        .get("/api/me/")
        .await
        .expect_problem(401, "unauthenticated");

    change_password(&tab).await;
    tab.wait_for_value(DRAFT, json!("Tea")).await;
    tab.fill("#display_name", " ").await;
    tab.press_button(&section("profile"), "Save").await;
    tab.see("#display_name-wrong").await;
    tab.wait_for_value(FOCUSED, json!("display_name")).await;
    tab.fill("#display_name", "Ann Lee").await;
    tab.press(ENTER).await;
    tab.see_text(&format!("{} .done", section("profile")), "Saved.")
        .await;
    tab.wait_for_value(FOCUSED, json!("Save")).await;
    let me = ann.get("/api/me/").await.expect(200);
    assert_eq!(
        (&me["display_name"], &me["about"]),
        (&json!("Ann Lee"), &json!("Tea"))
    );
    assert_eq!(tab.path().await, "/settings");
    assert_eq!(tab.accessibility_faults().await, [""; 0]);
}

/// Enters a wrong password, and then the right one.
async fn change_password(tab: &BrowserTab) {
    let password = section("password");
    tab.type_into("#current_password", "not that one").await;
    tab.type_into("#new_password", "a long new one").await;
    tab.press(ENTER).await;
    tab.see_text("#current_password-wrong", "current password")
        .await;
    tab.wait_for_value(FOCUSED, json!("current_password")).await;
    assert_eq!(tab.accessibility_faults().await, [""; 0]);
    tab.console_errors().await;
    tab.type_into("#current_password", PASSWORD).await;
    tab.type_into("#new_password", "a long new one").await;
    tab.press(ENTER).await;
    tab.see_text(&format!("{password} .done"), "Password changed.")
        .await;
}

/// Without a network, a form says so beside its button and keeps its text.
#[tokio::test]
async fn unsent_setting_keeps_its_text() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let ann = app.register_user("ann").await;
    let tab = browsers.open_as(&ann, PHONE).await;
    tab.goto("/settings").await;
    tab.type_into("#about", "Tea").await;
    tab.set_network(NetworkState::Offline).await;
    tab.tap_text(&format!("{} button", section("profile")), "Save")
        .await;
    tab.see_text(&format!("{} [role=alert]", section("profile")), "offline")
        .await;
    tab.wait_for_value(DRAFT, json!("Tea")).await;
    tab.set_network(NetworkState::Online).await;
    tab.tap_text(&format!("{} button", section("profile")), "Save")
        .await;
    tab.see_text(&format!("{} .done", section("profile")), "Saved.")
        .await;
    tab.see_absent(&format!("{} [role=alert]", section("profile")))
        .await;
    // The links to the sections work by touch, and move the focus.
    tab.tap_text(".sections a", "Data").await;
    tab.wait_for_value(FOCUSED, json!("data-heading")).await;
    tab.wait_for_value(
        "const { top } = document.querySelector('#data-heading').getBoundingClientRect();
         return top >= 0 && top < innerHeight",
        json!(true),
    )
    .await;
}

/// The deletion of an account asks for the password, and leads to the login
/// form. Drafts of the account leave the browser.
#[tokio::test]
async fn account_is_deleted_in_settings() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.open_conversation(id).await;
    tab.type_into(".composer textarea", "A draft").await;
    let drafts = "return Object.keys(localStorage).filter((it) => it.includes('draft')).length";
    tab.wait_for_value(drafts, json!(1)).await;
    tab.goto("/settings").await;
    tab.wait_for_console_info("WebSocket connection established")
        .await;
    tab.type_into("#password", "not that one").await;
    tab.press(ENTER).await;
    tab.see_text("#password-wrong", "current password").await;
    tab.wait_for_value(FOCUSED, json!("password")).await;
    tab.type_into("#password", PASSWORD).await;
    tab.press_button(&section("data"), "Delete account").await;
    tab.see_text(".notice", "Your account was deleted.").await;
    assert_eq!(tab.path().await, "/login?ended=deleted");
    tab.wait_for_value(drafts, json!(0)).await;
    let history = ben.history(id).await;
    assert_eq!(history[0]["sender"]["display_name"], "Deleted user");
}

/// Without scripts, forms redirect to their section and say what they did.
#[tokio::test]
async fn settings_work_without_scripts() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let ann = app.register_user("ann").await;
    block(&ann, &app.register_user("ben").await).await;
    let tab = browsers.open_as(&ann, PHONE).await;
    tab.disable_scripts().await;
    tab.goto("/settings").await;
    tab.see_absent(".reveal").await;
    tab.see_absent("[name=theme]").await;
    tab.see_text("time[data-form=used]", "used just now").await;
    tab.press_button(&section("privacy"), "Unblock").await;
    tab.see_text(".done", "Unblocked.").await;
    tab.type_into("#password", "not that one").await;
    tab.press_button(&section("data"), "Delete account").await;
    tab.see_text("#password-wrong", "current password").await;
    ann.get("/api/me/").await.expect(200);
}

/// A script shows times in local time. Without one, they are in UTC and say so.
#[tokio::test]
async fn times_of_settings_are_local() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let ann = app.register_user("ann").await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    let zone = json!({ "timezoneId": "America/Los_Angeles" });
    tab.devtools("Emulation.setTimezoneOverride", zone).await;
    let change = json!({ "current_password": PASSWORD, "new_password": "a long new one" });
    let changed = ann.post("/api/me/password/", change).await;
    changed.expect(204);
    let local = "const time = document.querySelector('time[data-form=full]');
         const at = new Date(time.dateTime);
         const hour = at.toLocaleString([], { timeStyle: 'short' });
         return at.getHours() !== at.getUTCHours() && time.innerText.includes(hour)";
    for path in ["/settings", "/messages"] {
        tab.goto(path).await;
        tab.wait_for_value(local, json!(true)).await;
    }
    tab.disable_scripts().await;
    tab.goto("/settings").await;
    tab.see_text("time[data-form=full]", " UTC").await;
}

/// The keyboard alone reaches a section, and shows what is typed as a password.
#[tokio::test]
async fn settings_need_only_a_keyboard() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let ann = app.register_user("ann").await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.goto("/settings").await;
    tab.see(".sections").await;
    tab.press(TAB).await;
    for _ in 0..6 {
        tab.press(TAB).await;
    }
    tab.wait_for_value(FOCUSED, json!("Password")).await;
    tab.press(ENTER).await;
    tab.wait_for_value(FOCUSED, json!("password-heading")).await;
    tab.press(TAB).await;
    tab.wait_for_value(FOCUSED, json!("current_password")).await;
    tab.press("secret").await;
    tab.press(TAB).await;
    tab.press(" ").await;
    let shown = "const field = document.querySelector('#current_password');
         const { ariaPressed } = document.activeElement;
         return [field.type, field.value, ariaPressed]";
    tab.wait_for_value(shown, json!(["text", "secret", "true"]))
        .await;
    assert_eq!(tab.accessibility_faults().await, [""; 0]);
    tab.press(" ").await;
    tab.wait_for_value(shown, json!(["password", "secret", "false"]))
        .await;
}
