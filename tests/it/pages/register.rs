//! `/register` without scripts.

use tidings::config::Registration;

use super::Browser;
use crate::support::TestApp;

async fn app_with(registration: Registration) -> TestApp {
    let builder = TestApp::builder();
    builder
        .settings(move |settings| settings.registration = registration)
        .spawn()
        .await
}

#[tokio::test]
async fn registration_form_creates_account() {
    let app = TestApp::spawn().await;
    let mut browser = Browser::at(&app);
    let page = browser.get("/register").await.expect(200);
    page.check_page();
    assert!(!page.text.contains("name=\"invite\""));
    let fields = [
        ("username", " ann "),
        ("display_name", ""),
        ("password", "correct horse battery"),
    ];
    let arrived = browser.submit("/register", &fields).await.expect(303);
    assert_eq!(arrived.location(), "/messages");
    let me = browser.get("/api/me/").await.expect(200);
    assert!(me.text.contains("\"display_name\":\"ann\""), "{}", me.text);
}

#[tokio::test]
async fn invalid_fields_show_errors_and_input() {
    let app = TestApp::spawn().await;
    app.register_user("ann").await;
    let good = ["ann2", "Ann Two", "correct horse battery"];
    for (at, name, value, status) in [
        (0, "username", "a!", 422),
        (0, "username", "ANN", 409),
        (1, "display_name", "a\u{7}b", 422),
        (2, "password", "short", 422),
    ] {
        let mut typed = good;
        typed[at] = value;
        let mut browser = Browser::at(&app);
        browser.get("/register").await.expect(200);
        let fields = [
            ("username", typed[0]),
            ("display_name", typed[1]),
            ("password", typed[2]),
        ];
        let page = browser.submit("/register", &fields).await.expect(status);
        page.check_page();
        assert!(
            page.text.contains(&format!("id=\"{name}-wrong\"")),
            "{}",
            page.text
        );
        assert!(page.text.contains("aria-invalid=\"true\""));
        assert!(page.text.contains("role=\"alert\""));
        assert!(
            page.text
                .contains(&format!("name=\"username\" value=\"{}\"", typed[0]))
        );
        assert!(!page.text.contains(typed[2]), "the password is not shown");
    }
}

#[tokio::test]
async fn invite_field_is_shown_if_required() {
    let app = app_with(Registration::Invite).await;
    let mut browser = Browser::at(&app);
    let page = browser.get("/register?invite=abc").await.expect(200);
    assert!(
        page.text.contains("name=\"invite\" value=\"abc\""),
        "{}",
        page.text
    );
    let fields = [
        ("username", "ann"),
        ("password", "correct horse battery"),
        ("invite", "abc"),
    ];
    let page = browser.submit("/register", &fields).await.expect(422);
    assert!(page.text.contains("id=\"invite-wrong\""), "{}", page.text);
}

#[tokio::test]
async fn closed_registration_shows_no_form() {
    let app = app_with(Registration::Closed).await;
    let mut browser = Browser::at(&app);
    let page = browser.get("/register").await.expect(200);
    page.check_page();
    assert!(!page.text.contains("<form"));
    assert!(page.text.contains("Ask an admin of this server"));
    let fields = [("username", "ann"), ("password", "correct horse battery")];
    browser.submit("/register", &fields).await.expect(403);
    let login = browser.get("/login").await.expect(200);
    assert!(!login.text.contains("href=\"/register\""));
}
