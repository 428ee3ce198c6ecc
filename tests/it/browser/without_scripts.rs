//! The pages without JavaScript: users can read, write, and mark messages as
//! read.

use crate::support::browser::{BrowserDriver, DESKTOP};
use crate::support::{PASSWORD, TestApp, until};

#[tokio::test]
async fn messenger_works_without_scripts() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let ben = app.register_user("ben").await;
    let ann = app.register_user("ann").await;
    let tab = browsers.open(app.site(), DESKTOP).await;
    tab.disable_scripts().await;
    tab.goto("/login").await;
    tab.type_into("[name=username]", "ann").await;
    tab.type_into("[name=password]", PASSWORD).await;
    tab.click("button[type=submit]").await;
    tab.see(".messenger").await;
    tab.see_absent(".for-script").await;
    tab.type_into("#find-username", "ben").await;
    tab.click("[formaction='/messages/requests']").await;
    tab.see_text(".people", "ben hasn’t accepted your request yet")
        .await;
    tab.assert_no_console_errors().await;

    let asked = ben.get("/api/connections/").await.expect(200);
    let accept = format!("/api/connections/{}/accept/", asked[0]["id"]);
    ben.post(&accept, serde_json::json!({})).await.expect(200);
    tab.reload().await;
    tab.click(".rows .row").await;
    tab.type_into(".composer textarea", "Hello from afar").await;
    tab.click(".composer button[type=submit]").await;
    tab.see_message("Hello from afar").await;
    let id = ben.open_direct(&ann).await;
    ben.send(id, "And hello to you").await.expect(201);
    tab.goto("/messages").await;
    tab.see_text(".row .badge", "1").await;
    tab.click(".row").await;
    tab.see_message("And hello to you").await;
    tab.see_text(".unread-line", "1 unread message").await;
    tab.press_button(".mark-read", "Mark as read").await;
    tab.see_absent(".mark-read").await;
    tab.see_absent(".row .badge").await;
    until("the conversation to be read", async || {
        (ann.conversation(id).await["unread_count"] == 0).then_some(())
    })
    .await;
    tab.assert_no_console_errors().await;
}
