//! `/settings`, without a script.

use super::Browser;
use crate::support::TestApp;

const PASSWORD: &str = "correct horse battery";

/// Somebody's browser, logged in.
async fn browser(app: &TestApp, username: &str) -> Browser {
    let mut browser = Browser::at(app);
    browser.log_in(username).await.expect(303);
    browser
}

#[tokio::test]
async fn a_name_is_changed_by_a_form() {
    let app = TestApp::spawn().await;
    let ann = app.person("ann").await;
    let mut browser = browser(&app, "ann").await;
    let page = browser.get("/settings").await.expect(200);
    page.check_page();
    assert!(page.text.contains("name=\"display_name\" value=\"ann\""));
    let fields = [("display_name", "Ann <b>"), ("about", "Tea.")];
    let saved = browser.submit("/settings/profile", &fields).await;
    let saved = saved.expect(303).location().to_owned();
    let page = browser.get(&saved).await.expect(200);
    assert!(page.text.contains("role=\"status\">Saved.</p>"));
    let page = browser.get("/settings").await.expect(200);
    assert!(!page.text.contains("Saved."));
    let me = ann.get("/api/me/").await.expect(200);
    assert_eq!(
        (&me["display_name"], &me["about"]),
        (&"Ann <b>".into(), &"Tea.".into())
    );
    let fields = [("display_name", ""), ("about", "Still here")];
    let refused = browser
        .submit("/settings/profile", &fields)
        .await
        .expect(422);
    refused.check_page();
    assert!(refused.text.contains("id=\"display_name-wrong\""));
    assert!(refused.text.contains("Still here"), "what was typed stays");
}

#[tokio::test]
async fn a_password_is_changed_by_a_form() {
    let app = TestApp::spawn().await;
    let ann = app.person("ann").await;
    let mut browser = browser(&app, "ann").await;
    browser.get("/settings").await.expect(200);
    let wrong = [
        ("current_password", "not that one"),
        ("new_password", "a long new one"),
    ];
    let refused = browser
        .submit("/settings/password", &wrong)
        .await
        .expect(422);
    assert!(refused.text.contains("id=\"current_password-wrong\""));
    let weak = [("current_password", PASSWORD), ("new_password", "short")];
    let refused = browser
        .submit("/settings/password", &weak)
        .await
        .expect(422);
    assert!(refused.text.contains("id=\"new_password-wrong\""));
    let right = [
        ("current_password", PASSWORD),
        ("new_password", "a long new one"),
    ];
    let changed = browser
        .submit("/settings/password", &right)
        .await
        .expect(200);
    changed.check_page();
    assert!(changed.text.contains("Your password is changed."));
    ann.get("/api/me/").await.expect(401);
    browser.get("/settings").await.expect(200);
}

#[tokio::test]
async fn logins_are_ended_one_by_one() {
    let app = TestApp::spawn().await;
    let ann = app.person("ann").await;
    let mut browser = browser(&app, "ann").await;
    let page = browser.get("/settings").await.expect(200);
    assert_eq!(page.text.matches("· here").count(), 1);
    let (_, rest) = page.text.split_once("/settings/logins/").unwrap();
    let (other, _) = rest.split_once('/').unwrap();
    let end = format!("/settings/logins/{other}/end");
    browser.token = "x".repeat(43);
    browser.submit(&end, &[]).await.expect(403);
    browser.get("/settings").await.expect(200);
    browser.submit(&end, &[]).await.expect(303);
    ann.get("/api/me/").await.expect(401);
    let page = browser.get("/settings").await.expect(200);
    assert!(!page.text.contains("/settings/logins/"));
}

#[tokio::test]
async fn who_is_not_logged_in_is_led_there() {
    let app = TestApp::spawn().await;
    let mut browser = Browser::at(&app);
    for path in ["/settings", "/profile/ann"] {
        let turned = browser.get(path).await.expect(303);
        assert!(turned.location().starts_with("/login?next=%2F"), "{path}");
    }
}
