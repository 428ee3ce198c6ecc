//! Without JavaScript: everything can be read, written, and marked as read.

use crate::support::browser::{Browsers, DESKTOP};
use crate::support::{PASSWORD, TestApp, until};

#[tokio::test]
async fn without_scripts_one_reads_and_writes_all_the_same() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let ben = app.person("ben").await;
    let ann = app.person("ann").await;
    let tab = browsers.open(app.site(), DESKTOP).await;
    tab.without_scripts().await;
    tab.goto("/login").await;
    tab.type_into("[name=username]", "ann").await;
    tab.type_into("[name=password]", PASSWORD).await;
    tab.click("button[type=submit]").await;
    tab.see(".messenger").await;
    tab.see_no(".for-script").await;
    tab.type_into("#find-username", "ben").await;
    tab.click("[formaction='/messages/requests']").await;
    tab.see_text(".people", "You asked ben").await;
    tab.assert_no_complaints().await;

    let asked = ben.get("/api/connections/").await.expect(200);
    let accept = format!("/api/connections/{}/accept/", asked[0]["id"]);
    ben.post(&accept, serde_json::json!({})).await.expect(200);
    tab.reload().await;
    tab.click(".rows .row").await;
    tab.type_into(".composer textarea", "Hello from afar").await;
    tab.click(".composer button[type=submit]").await;
    tab.see_said("Hello from afar").await;
    let id = ben.direct_with(&ann).await;
    ben.send(id, "And hello to you").await.expect(201);
    tab.goto("/messages").await;
    tab.see_text(".row .badge", "1").await;
    tab.click(".row").await;
    tab.see_said("And hello to you").await;
    tab.see_text(".unread-line", "1 unread").await;
    tab.press_button(".mark-read", "Mark as read").await;
    tab.see_no(".mark-read").await;
    tab.see_no(".row .badge").await;
    until("the mark to stand", async || {
        (ann.conversation(id).await["unread_count"] == 0).then_some(())
    })
    .await;
    tab.assert_no_complaints().await;
}
