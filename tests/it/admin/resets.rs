//! Links by which people choose a password.

use reqwest::Method;
use serde_json::json;

use super::Keeper;
use crate::pages::{Browser, Shown};
use crate::support::TestApp;

/// The path of the link that a page shows.
fn link(page: &Shown) -> String {
    let (_, rest) = page.text.split_once("/reset#").unwrap();
    let (code, _) = rest.split_once('<').unwrap();
    format!("/reset#{code}")
}

/// What is behind the `#`, which browsers don't send.
fn token(link: &str) -> &str {
    link.split_once('#').unwrap().1
}

/// Types the link's code, as a browser's script does.
async fn open(browser: &mut Browser, link: &str) -> Shown {
    browser.get("/reset").await.expect(200).check_page();
    browser.submit("/reset", &[("token", token(link))]).await
}

#[tokio::test]
async fn an_account_is_opened_and_its_password_chosen_by_a_link() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    let wrong = [("username", "x"), ("display_name", "Zoe")];
    let refused = keeper.act("/admin/users/new", &wrong).await.expect(422);
    assert!(refused.text.contains("id=\"username-wrong\""));
    assert!(
        refused.text.contains("value=\"Zoe\""),
        "what was typed stays"
    );
    let names = [("username", "zoe"), ("display_name", "Zoe")];
    let page = keeper.act("/admin/users/new", &names).await.expect(200);
    page.check_page();
    let link = link(&page);
    assert!(page.text.contains(&app.site().url(&link)), "it is whole");
    app.log_in("zoe").await.refused(401, "bad_credentials");

    let mut browser = Browser::at(&app);
    let form = open(&mut browser, &link).await.expect(200);
    form.check_page();
    // Nobody is told where one came from.
    assert_eq!(form.header("referrer-policy"), Some("no-referrer"));
    assert!(form.text.contains("For @zoe."));
    let short = [("token", token(&link)), ("new_password", "short")];
    let weak = browser.submit("/reset", &short).await.expect(422);
    assert!(weak.text.contains("id=\"new_password-wrong\""));
    let good = [
        ("token", token(&link)),
        ("new_password", "correct horse battery"),
    ];
    let done = browser.submit("/reset", &good).await.expect(200);
    done.check_page();
    assert!(done.text.contains("Your password is set"));
    let mut zoe = app.log_in("zoe").await.expect(200);
    // Who has the account now learns how its password was set.
    let request = app.site().request(Method::GET, "/api/me/");
    let request = request.bearer_auth(zoe["token"].take().as_str().unwrap());
    let mut notices = app.site().send(request).await.expect(200)["notices"].take();
    assert!(notices[0]["at"].take().is_string());
    let expected = json!([{ "at": null, "cause": "password_link_used", "address": "127.0.0.1" }]);
    assert_eq!(notices, expected);
    // Once, and no more.
    open(&mut browser, &link).await.expect(404).check_page();
    browser.submit("/reset", &good).await.expect(404);
    let log = keeper.log("").await;
    assert!(log[0].contains("user.reset_used"), "{}", log[0]);
    assert!(
        log[0].contains("zoe") && log[0].contains("127.0.0.1"),
        "{}",
        log[0]
    );
    assert!(log[1].contains("user.reset_link") && log[2].contains("user.create"));
    assert!(log.iter().all(|line| !line.contains(token(&link))));
}

#[tokio::test]
async fn a_link_ends_every_login_and_takes_the_place_of_the_one_before() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    let ann = app.person("ann").await;
    let mut socket = ann.socket("/ws/").await;
    let path = format!("/admin/users/{}/reset", ann.id);
    let first = link(&keeper.act(&path, &[]).await.expect(200));
    let second = link(&keeper.act(&path, &[]).await.expect(200));
    assert_ne!(first, second);
    let mut browser = Browser::at(&app);
    open(&mut browser, &first).await.expect(404);
    open(&mut browser, &second).await.expect(200);
    ann.get("/api/me/").await.expect(200);
    let fields = [
        ("token", token(&second)),
        ("new_password", "another long one"),
    ];
    // Another site's form is none of ours.
    let ours = std::mem::replace(&mut browser.token, "wrong".to_owned());
    browser.submit("/reset", &fields).await.expect(403);
    browser.token = ours;
    browser.submit("/reset", &fields).await.expect(200);
    assert_eq!(socket.expect_close().await, 4401);
    ann.get("/api/me/").await.refused(401, "unauthenticated");
    app.log_in("ann").await.refused(401, "bad_credentials");
}

#[tokio::test]
async fn nothing_is_chosen_for_who_is_switched_off() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    let ann = app.person("ann").await;
    let path = |act: &str| format!("/admin/users/{}/{act}", ann.id);
    let link = link(&keeper.act(&path("reset"), &[]).await.expect(200));
    keeper.act(&path("deactivate"), &[]).await.expect(303);
    // Nor is a link made that nobody could use.
    let page = keeper.get(&format!("/admin/users/{}", ann.id)).await;
    assert!(!page.expect(200).text.contains(&path("reset")));
    let refused = keeper.act(&path("reset"), &[]).await.expect(409);
    refused.check_page();
    assert!(refused.text.contains("switched off: switch it on first"));
    assert_eq!(keeper.log("?what=user.reset_link").await.len(), 1);
    let mut browser = Browser::at(&app);
    open(&mut browser, &link).await.expect(404);
    open(&mut browser, "#nonsense").await.expect(404);
}

/// The code is typed by hand where no script takes it from the link, and no URL
/// that is sent holds it.
#[tokio::test]
async fn link_hides_its_code_from_servers() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    let ann = app.person("ann").await;
    let path = format!("/admin/users/{}/reset", ann.id);
    let page = keeper.act(&path, &[]).await.expect(200);
    let link = link(&page);
    let sent = reqwest::Url::parse(&app.site().url(&link)).unwrap();
    let sent = format!("{}?{}", sent.path(), sent.query().unwrap_or_default());
    assert!(!sent.contains(token(&link)), "{sent}");
    let mut browser = Browser::at(&app);
    // A code in a URL is not even looked at.
    let asked = browser.get(&format!("/reset?token={}", token(&link))).await;
    assert!(!asked.expect(200).text.contains("@ann"));
    let typed = token(&link).to_lowercase().replace('-', " ");
    let form = browser.submit("/reset", &[("token", &typed)]).await;
    assert!(form.expect(200).text.contains("For @ann."));
    let good = [
        ("token", &*typed),
        ("new_password", "correct horse battery 2"),
    ];
    browser.submit("/reset", &good).await.expect(200);
}
