//! Opening an account, logging in and out, and one's settings.

use serde_json::json;

use crate::admin::Keeper;
use crate::support::browser::{Browsers, DESKTOP, PHONE};
use crate::support::{PASSWORD, TestApp};

/// From nothing to the first page, out, and back in; each page on the way is
/// one that everybody can use, light, dark and small.
#[tokio::test]
async fn a_newcomer_opens_an_account_and_comes_back() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let tab = browsers.open(app.site(), DESKTOP).await;
    tab.goto("/register").await;
    tab.assert_good().await;
    tab.register("ann", "Ann Lee").await;
    assert_eq!(tab.path().await, "/messages");
    tab.assert_good().await;
    tab.goto("/").await;
    assert_eq!(tab.path().await, "/messages");

    tab.goto("/settings").await;
    tab.assert_good().await;
    tab.click("[name=theme][value=dark]").await;
    tab.comes_to(BACKGROUND, json!(true)).await;
    tab.assert_good().await;
    tab.reload().await;
    tab.comes_to(BACKGROUND, json!(true)).await;
    tab.click("[name=theme][value='']").await;
    tab.comes_to(BACKGROUND, json!(false)).await;
    tab.goto("/profile/ann").await;
    tab.assert_good().await;
    tab.size(PHONE).await;
    tab.goto("/settings").await;
    tab.assert_good().await;
    tab.press_button("form", "Log out here").await;
    tab.see("form[action='/login']").await;
    tab.assert_good().await;

    tab.type_into("[name=username]", "ann").await;
    tab.type_into("[name=password]", "not what it was").await;
    tab.click("button[type=submit]").await;
    tab.see("[role=alert]").await;
    // A refusal is an answer like others, but for the browser's own log.
    assert!(tab.complaints().await.iter().all(|it| it.contains("401")));
    assert_eq!(tab.axe().await, [""; 0]);
    tab.type_into("[name=password]", PASSWORD).await;
    tab.click("button[type=submit]").await;
    tab.see(".messenger").await;
    tab.assert_good().await;
    tab.close().await;
}

/// Whether the page is dark.
const BACKGROUND: &str = "
    const context = document.createElement('canvas').getContext('2d');
    context.fillStyle = getComputedStyle(document.body).backgroundColor;
    context.fillRect(0, 0, 1, 1);
    return context.getImageData(0, 0, 1, 1).data[0] < 80";

/// A password link opens its form without a click, and its code is neither sent
/// in a URL nor left in the address.
#[tokio::test]
async fn password_link_opens_its_form() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let mut keeper = Keeper::at(&app).await;
    let ann = app.person("ann").await;
    let path = format!("/admin/users/{}/reset", ann.id);
    let page = keeper.act(&path, &[]).await.expect(200);
    let (_, rest) = page.text.split_once("/reset#").unwrap();
    let (code, _) = rest.split_once('<').unwrap();
    let tab = browsers.open(app.site(), DESKTOP).await;
    tab.goto(&format!("/reset#{code}")).await;
    tab.see("[name=new_password]").await;
    tab.assert_good().await;
    let address = tab.script("return location.href", &[]).await;
    assert_eq!(address, json!(app.site().url("/reset")));
    for sent in tab.asked_for().await {
        assert!(!sent.contains(code), "{sent}");
    }
    tab.type_into("[name=new_password]", "another long one")
        .await;
    tab.click("button[type=submit]").await;
    tab.see_text("h1", "Your password is set").await;
    tab.close().await;
}
