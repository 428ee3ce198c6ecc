//! `/login` and `/logout` without scripts.

use super::{Browser, Shown};
use crate::support::TestApp;

#[tokio::test]
async fn login_form_sets_the_cookies() {
    let app = TestApp::spawn().await;
    app.register_user("ann").await;
    let mut browser = Browser::at(&app);
    let page = browser.get("/login").await.expect(200);
    page.check_page();
    assert!(
        page.text
            .contains(&format!("name=\"csrf_token\" value=\"{}\"", browser.token))
    );
    assert!(page.text.contains("href=\"/register\""));

    let arrived = browser.log_in("Ann").await.expect(303);
    assert_eq!(arrived.location(), "/messages");
    let cookies = arrived.set_cookies();
    let [cookie, device] = &cookies[..] else {
        panic!("two cookies: {cookies:?}");
    };
    let (pair, attributes) = cookie.split_once("; ").unwrap();
    assert!(pair.starts_with("tidings=eyJ"), "{pair}");
    for attribute in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(attributes.contains(attribute), "{attributes}");
    }
    assert!(!attributes.contains("Secure"), "{attributes}");
    let age = attributes.split("Max-Age=").nth(1).unwrap();
    let age: u32 = age.split(';').next().unwrap().parse().unwrap();
    assert!((604_700..=604_800).contains(&age), "{age}");
    assert!(device.starts_with("tidings-device="), "{device}");
    assert!(device.contains("HttpOnly"), "{device}");

    let me = browser.get("/api/me/").await.expect(200);
    assert!(me.text.contains("\"username\":\"ann\""), "{}", me.text);
    assert_eq!(
        browser.get("/login").await.expect(303).location(),
        "/messages"
    );
}

#[tokio::test]
async fn failed_login_shows_error_in_form() {
    let app = TestApp::spawn().await;
    app.register_user("ann").await;
    let mut browser = Browser::at(&app);
    browser.get("/login?next=/settings").await.expect(200);
    let fields = [
        ("username", "a<b>&\"nn"),
        ("password", "not that one"),
        ("next", "/settings"),
    ];
    let page = browser.submit("/login", &fields).await.expect(401);
    page.check_page();
    assert!(page.text.contains("role=\"alert\""));
    assert!(page.text.contains("Wrong username or password."));
    assert!(
        page.text.contains("a&#60;b&#62;&#38;&#34;nn"),
        "{}",
        page.text
    );
    assert!(page.text.contains("name=\"next\" value=\"/settings\""));
    assert!(
        !page.text.contains("not that one"),
        "the password is not shown"
    );
    assert_eq!(browser.cookie("tidings"), None);

    // The corrected form, sent from the page that shows the error.
    let fields = [
        ("username", "ann"),
        ("password", "correct horse battery"),
        ("next", "/settings"),
    ];
    let arrived = browser.submit("/login", &fields).await.expect(303);
    assert_eq!(arrived.location(), "/settings");
}

#[tokio::test]
async fn ended_login_is_explained() {
    let app = TestApp::spawn().await;
    let mut browser = Browser::at(&app);
    for (query, notice) in [
        (
            "ended=1&next=%2Fsettings",
            Some("logged out on this device."),
        ),
        ("ended=deleted", Some("Your account was deleted.")),
        ("ended=%3Cb%3E", None),
    ] {
        let page = browser.get(&format!("/login?{query}")).await.expect(200);
        page.check_page();
        assert_eq!(page.text.contains("class=\"notice\""), notice.is_some());
        assert!(page.text.contains(notice.unwrap_or_default()), "{query}");
    }
}

#[tokio::test]
async fn login_page_shows_support_contact() {
    let contact = |settings: &mut tidings::config::Settings| {
        let set = crate::people::settings(&["--support-contact", "mailto:help@example.org"]);
        settings.support_contact = set.support_contact;
    };
    let app = TestApp::builder().settings(contact).spawn().await;
    let page = Browser::at(&app).get("/login").await.expect(200);
    page.check_page();
    let link = "Ask <a href=\"mailto:help@example.org\">help@example.org</a> for a link.";
    assert!(page.text.contains(link), "{}", page.text);
    let app = TestApp::spawn().await;
    let page = Browser::at(&app).get("/login").await.expect(200);
    assert!(
        page.text
            .contains("Ask an admin of this server for a link.")
    );
}

#[tokio::test]
async fn redirects_stay_on_our_site() {
    let app = TestApp::spawn().await;
    app.register_user("ann").await;
    for next in [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "",
    ] {
        let mut browser = Browser::at(&app);
        browser.get("/login").await.expect(200);
        let fields = [
            ("username", "ann"),
            ("password", "correct horse battery"),
            ("next", next),
        ];
        let arrived = browser.submit("/login", &fields).await.expect(303);
        assert_eq!(arrived.location(), "/messages", "{next}");
    }
}

#[tokio::test]
async fn login_form_needs_matching_token() {
    let app = TestApp::spawn().await;
    app.register_user("ann").await;
    let fields = [("username", "ann"), ("password", "correct horse battery")];
    let refused = |page: Shown| {
        page.check_page();
        assert!(page.text.contains("Reload the page"), "{}", page.text);
    };
    // Another site doesn't know our cookie, so it has no token that matches it.
    let mut browser = Browser::at(&app);
    browser.get("/login").await.expect(200);
    let right = std::mem::replace(&mut browser.token, "x".repeat(43));
    refused(browser.submit("/login", &fields).await.expect(403));
    let mut other = Browser::at(&app);
    other.get("/login").await.expect(200);
    other.token = right;
    refused(other.submit("/login", &fields).await.expect(403));
    // The page of the refusal contains a valid token.
    other.submit("/login", &fields).await.expect(303);
}

/// A form without its cookie comes from a browser that refuses cookies, or from
/// another site's page.
#[tokio::test]
async fn form_without_cookie_asks_for_cookies() {
    let app = TestApp::spawn().await;
    app.register_user("ann").await;
    let fields = [
        ("username", "ann"),
        ("password", "correct horse battery"),
        ("token", "AAAAAAAAAAAAAAAAAAAA"),
    ];
    let needed = "Your browser must allow cookies for this site.";
    for path in ["/login", "/register", "/reset"] {
        let mut browser = Browser::at(&app);
        browser.get(path).await.expect(200);
        let mut without = Browser::at(&app);
        without.token = browser.token;
        let page = without.submit(path, &fields).await.expect(403);
        page.check_page();
        assert!(page.text.contains(needed), "{path}: {}", page.text);
    }
}

#[tokio::test]
async fn logout_ends_login_and_sockets() {
    let app = TestApp::spawn().await;
    let mut ann = app.register_user("ann").await;
    let mut browser = Browser::at(&app);
    browser.log_in("ann").await.expect(303);
    ann.token = browser.cookie("tidings").unwrap().to_owned();
    let mut socket = ann.socket("/ws/").await;
    browser.token = super::csrf::token_of(&app, &ann.token);
    let gone = browser.submit("/logout", &[]).await.expect(303);
    assert_eq!(gone.location(), "/login");
    assert_eq!(gone.header("clear-site-data"), Some("\"storage\""));
    assert_eq!(browser.cookie("tidings"), None);
    assert_eq!(socket.expect_close().await, 4401);
    ann.get("/api/me/")
        .await
        .expect_problem(401, "unauthenticated");
    let again = browser.submit("/logout", &[]).await.expect(303);
    assert_eq!(again.location(), "/login");
    assert_eq!(again.header("clear-site-data"), None);
}

#[tokio::test]
async fn cookie_is_secure_behind_tls() {
    let settings = crate::people::settings(&["--public-url", "https://chat.example.org"]);
    let builder = TestApp::builder();
    let app = builder
        .settings(move |s| s.public_url = settings.public_url)
        .spawn()
        .await;
    app.register_user("ann").await;
    let mut browser = Browser::at(&app);
    let arrived = browser.log_in("ann").await.expect(303);
    let cookies = arrived.set_cookies();
    assert!(cookies[0].starts_with("__Host-tidings=eyJ"), "{cookies:?}");
    assert!(cookies[0].contains("; Secure"), "{cookies:?}");
    assert!(browser.cookie("__Host-tidings-form").is_some());
    browser.get("/api/me/").await.expect(200);
}

/// Guards against forced logout: another site's form arrives without
/// the cookie, and must not make the browser delete it.
#[tokio::test]
async fn logout_without_cookie_deletes_none() {
    let app = TestApp::spawn().await;
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let request = client.post(app.site().url("/logout"));
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 303);
    assert!(answer.headers().get("set-cookie").is_none());
}

/// A new login in a browser ends the previous login of that browser.
#[tokio::test]
async fn new_login_ends_previous_one() {
    let app = TestApp::spawn().await;
    let (mut ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let mut browser = Browser::at(&app);
    browser.log_in("ann").await.expect(303);
    ann.token = browser.cookie("tidings").unwrap().to_owned();
    let mut socket = ann.socket("/ws/").await;
    // The server shows the form only without a login, but another tab may still
    // show it.
    let mut tab = Browser::at(&app);
    tab.get("/login").await.expect(200);
    let form = tab.cookie("tidings-form").unwrap().to_owned();
    let cookies = format!("tidings={}; tidings-form={form}", ann.token);
    let path = format!("{}/login", app.site().url(""));
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let request = client.build().unwrap().post(path);
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("csrf_token", &tab.token)
        .append_pair("username", "ben")
        .append_pair("password", "correct horse battery")
        .finish();
    let request = request
        .header("content-type", "application/x-www-form-urlencoded")
        .header("cookie", cookies)
        .body(body);
    tab.send(request).await.expect(303);
    assert_eq!(socket.expect_close().await, 4401);
    ann.get("/api/me/")
        .await
        .expect_problem(401, "unauthenticated");
    ben.get("/api/me/").await.expect(200);
}
