//! Actions of a user in the web client.

use serde_json::json;

use super::{BrowserDriver, BrowserTab, ENTER, ScreenSize};
use crate::support::{TestSite, TestUser};

/// The field for a new message.
pub(crate) const COMPOSER: &str = ".composer textarea";
/// The topmost panel over the list.
pub(crate) const PANEL: &str = ".side-panel:not([inert])";

impl BrowserDriver {
    /// Opens a browser that is logged in but has no page loaded yet.
    pub(crate) async fn open_as(&self, person: &TestUser, screen: ScreenSize) -> BrowserTab {
        let tab = self.open(&person.site, screen).await;
        tab.log_in_as(person).await;
        tab
    }
}

impl BrowserTab {
    /// Logs in by setting the cookie that the login form would set.
    pub(crate) async fn log_in_as(&self, person: &TestUser) {
        self.log_in_with(&person.site, &person.token).await;
    }

    /// Logs in with the token of a login.
    pub(crate) async fn log_in_with(&self, site: &TestSite, token: &str) {
        let cookie = json!({
            "name": "tidings",
            "value": token,
            "url": site.url("/"),
            "httpOnly": true,
            "sameSite": "Lax",
        });
        let set = self.devtools("Network.setCookie", cookie).await;
        assert_eq!(set["success"], json!(true));
    }

    /// Registers a new user by the form.
    pub(crate) async fn register(&self, username: &str, name: &str) {
        self.goto("/register").await;
        self.type_into("[name=display_name]", name).await;
        self.type_into("[name=username]", username).await;
        self.type_into("[name=password]", crate::support::PASSWORD)
            .await;
        self.click("button[type=submit]").await;
        self.see(".messenger").await;
    }

    /// Opens a conversation's page and waits until its script runs.
    pub(crate) async fn open_conversation(&self, id: i64) {
        self.goto(&format!("/messages?conversation={id}")).await;
        self.see(".days").await;
    }

    /// Opens a conversation's page without scripts.
    pub(crate) async fn open_conversation_plainly(&self, id: i64) {
        self.goto(&format!("/messages?conversation={id}")).await;
        self.see(".day").await;
    }

    /// Types a message and sends it with Enter.
    pub(crate) async fn send_text(&self, text: &str) {
        self.type_into(COMPOSER, text).await;
        self.type_into(COMPOSER, ENTER).await;
    }

    /// Returns the message texts of the open conversation in display order.
    pub(crate) async fn said(&self) -> Vec<String> {
        self.texts(".history .message .said").await
    }

    /// Waits until the open conversation has a message with this text.
    pub(crate) async fn see_message(&self, text: &str) {
        self.see_text(".history .message .said", text).await;
    }

    /// Opens the menu of the last match of `selector` and chooses an entry.
    pub(crate) async fn choose_from_menu(&self, selector: &str, entry: &str) {
        self.right_click(selector).await;
        self.pick_menu_entry(entry).await;
    }

    /// Chooses an entry of the open menu.
    pub(crate) async fn pick_menu_entry(&self, entry: &str) {
        self.press_button("[role=menu]", entry).await;
    }
}
