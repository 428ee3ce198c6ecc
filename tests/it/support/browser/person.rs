//! What people do in the messenger.

use serde_json::json;

use super::{Browsers, ENTER, Screen, Tab};
use crate::support::Person;

/// Where one writes.
pub(crate) const WRITE: &str = ".composer textarea";

impl Browsers {
    /// A browser in which somebody is logged in, with nothing loaded yet.
    pub(crate) async fn open_as(&self, person: &Person, screen: Screen) -> Tab {
        let tab = self.open(&person.site, screen).await;
        tab.log_in_as(person).await;
        tab
    }
}

impl Tab {
    /// As the login form does, by its cookie.
    pub(crate) async fn log_in_as(&self, person: &Person) {
        let cookie = json!({
            "name": "tidings",
            "value": person.token,
            "url": person.site.url("/"),
            "httpOnly": true,
            "sameSite": "Lax",
        });
        let set = self.devtools("Network.setCookie", cookie).await;
        assert_eq!(set["success"], json!(true));
    }

    /// The form of a newcomer.
    pub(crate) async fn register(&self, username: &str, name: &str) {
        self.goto("/register").await;
        self.type_into("[name=display_name]", name).await;
        self.type_into("[name=username]", username).await;
        self.type_into("[name=password]", crate::support::PASSWORD)
            .await;
        self.click("button[type=submit]").await;
        self.see(".messenger").await;
    }

    /// Opens a conversation's page, and waits until it is live.
    pub(crate) async fn open_conversation(&self, id: i64) {
        self.goto(&format!("/messages?conversation={id}")).await;
        self.see(".days").await;
    }

    /// The same without a script.
    pub(crate) async fn open_conversation_plainly(&self, id: i64) {
        self.goto(&format!("/messages?conversation={id}")).await;
        self.see(".day").await;
    }

    /// Writes, and sends with Enter.
    pub(crate) async fn say(&self, text: &str) {
        self.type_into(WRITE, text).await;
        self.type_into(WRITE, ENTER).await;
    }

    /// What is said in the open conversation, from above.
    pub(crate) async fn said(&self) -> Vec<String> {
        self.texts(".history .message .said").await
    }

    /// Waits until this is said in the open conversation.
    pub(crate) async fn see_said(&self, text: &str) {
        self.see_text(".history .message .said", text).await;
    }

    /// Opens the menu of the last that this names, and chooses an entry of it.
    pub(crate) async fn choose(&self, selector: &str, entry: &str) {
        self.click_right(selector).await;
        self.pick(entry).await;
    }

    /// Chooses an entry of the open menu.
    pub(crate) async fn pick(&self, entry: &str) {
        self.press_button("[role=menu]", entry).await;
    }
}
