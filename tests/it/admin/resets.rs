//! Links to choose a new password.

use reqwest::Method;
use serde_json::json;

use super::Keeper;
use crate::pages::{Browser, Shown};
use crate::support::TestApp;

/// Returns the path of the link in a page.
fn link(page: &Shown) -> String {
    let (_, rest) = page.text.split_once("/reset#").unwrap();
    let (code, _) = rest.split_once('<').unwrap();
    format!("/reset#{code}")
}

/// Returns the fragment of a link, which browsers don't send.
fn token(link: &str) -> &str {
    link.split_once('#').unwrap().1
}

/// Submits the link's code as the page's script does.
async fn open(browser: &mut Browser, link: &str) -> Shown {
    browser.get("/reset").await.expect(200).check_page();
    browser.submit("/reset", &[("token", token(link))]).await
}

#[tokio::test]
async fn link_sets_password_of_new_account() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    let wrong = [("username", "x"), ("display_name", "Zoe")];
    let refused = keeper.act("/admin/users/new", &wrong).await.expect(422);
    assert!(refused.text.contains("id=\"username-wrong\""));
    assert!(refused.text.contains("value=\"Zoe\""), "the input stays");
    let names = [("username", "zoe"), ("display_name", "Zoe")];
    let page = keeper.act("/admin/users/new", &names).await.expect(200);
    page.check_page();
    let link = link(&page);
    assert!(
        page.text.contains(&app.site().url(&link)),
        "the page shows the complete link"
    );
    app.log_in("zoe")
        .await
        .expect_problem(401, "bad_credentials");

    let mut browser = Browser::at(&app);
    let form = open(&mut browser, &link).await.expect(200);
    form.check_page();
    // The link must not leak in a Referer header.
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
    // The account has a notice that its password was set by a link.
    let request = app.site().request(Method::GET, "/api/me/");
    let request = request.bearer_auth(zoe["token"].take().as_str().unwrap());
    let mut notices = app.site().send(request).await.expect(200)["notices"].take();
    assert!(notices[0]["at"].take().is_string());
    let expected = json!([{ "at": null, "cause": "password_link_used", "address": "127.0.0.1" }]);
    assert_eq!(notices, expected);
    // The link works only once.
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
async fn link_replaces_former_and_ends_logins() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    let ann = app.register_user("ann").await;
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
    // A form with a wrong CSRF token is refused.
    let ours = std::mem::replace(&mut browser.token, "wrong".to_owned());
    browser.submit("/reset", &fields).await.expect(403);
    browser.token = ours;
    browser.submit("/reset", &fields).await.expect(200);
    assert_eq!(socket.expect_close().await, 4401);
    ann.get("/api/me/")
        .await
        .expect_problem(401, "unauthenticated");
    app.log_in("ann")
        .await
        .expect_problem(401, "bad_credentials");
}

#[tokio::test]
async fn deactivated_account_has_no_password_link() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    let ann = app.register_user("ann").await;
    let path = |act: &str| format!("/admin/users/{}/{act}", ann.id);
    let link = link(&keeper.act(&path("reset"), &[]).await.expect(200));
    keeper.act(&path("deactivate"), &[]).await.expect(303);
    // The server creates no link for a deactivated account.
    let page = keeper.get(&format!("/admin/users/{}", ann.id)).await;
    assert!(!page.expect(200).text.contains(&path("reset")));
    let refused = keeper.act(&path("reset"), &[]).await.expect(409);
    refused.check_page();
    assert!(refused.text.contains("deactivated: reactivate it first"));
    assert_eq!(keeper.log("?what=user.reset_link").await.len(), 1);
    let mut browser = Browser::at(&app);
    open(&mut browser, &link).await.expect(404);
    open(&mut browser, "#nonsense").await.expect(404);
}

/// Without scripts, the code is typed by hand. The URL sent to the server
/// doesn't contain the code.
#[tokio::test]
async fn link_hides_its_code_from_servers() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    let ann = app.register_user("ann").await;
    let path = format!("/admin/users/{}/reset", ann.id);
    let page = keeper.act(&path, &[]).await.expect(200);
    let link = link(&page);
    let sent = reqwest::Url::parse(&app.site().url(&link)).unwrap();
    let sent = format!("{}?{}", sent.path(), sent.query().unwrap_or_default());
    assert!(!sent.contains(token(&link)), "{sent}");
    let mut browser = Browser::at(&app);
    // The server ignores a code in a URL's query.
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
