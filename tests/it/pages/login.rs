//! `/login` and `/logout`, without a script.

use super::{Browser, Shown};
use crate::support::TestApp;

#[tokio::test]
async fn somebody_logs_in_and_out() {
    let app = TestApp::spawn().await;
    app.person("ann").await;
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
async fn what_is_wrong_is_said_in_the_form() {
    let app = TestApp::spawn().await;
    app.person("ann").await;
    let mut browser = Browser::at(&app);
    browser.get("/login?next=/settings").await.expect(200);
    let fields = [
        ("username", "a<b>&\"nn"),
        ("password", "wrong"),
        ("next", "/settings"),
    ];
    let page = browser.submit("/login", &fields).await.expect(401);
    page.check_page();
    assert!(page.text.contains("role=\"alert\""));
    assert!(page.text.contains("The username or the password is wrong."));
    assert!(
        page.text.contains("a&#60;b&#62;&#38;&#34;nn"),
        "{}",
        page.text
    );
    assert!(page.text.contains("name=\"next\" value=\"/settings\""));
    assert!(!page.text.contains("wrong\""), "the password is not shown");
    assert_eq!(browser.cookie("tidings"), None);

    // The same form, mended, and sent from the page that told.
    let fields = [
        ("username", "ann"),
        ("password", "correct horse battery"),
        ("next", "/settings"),
    ];
    let arrived = browser.submit("/login", &fields).await.expect(303);
    assert_eq!(arrived.location(), "/settings");
}

#[tokio::test]
async fn nobody_is_led_elsewhere() {
    let app = TestApp::spawn().await;
    app.person("ann").await;
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
async fn a_form_of_another_site_logs_nobody_in() {
    let app = TestApp::spawn().await;
    app.person("ann").await;
    let fields = [("username", "ann"), ("password", "correct horse battery")];
    let refused = |page: Shown| {
        page.check_page();
        assert!(page.text.contains("reload it"), "{}", page.text);
    };
    // Another site has no cookie of ours, and so no token that goes with it.
    let mut stranger = Browser::at(&app);
    refused(stranger.submit("/login", &fields).await.expect(403));
    let mut browser = Browser::at(&app);
    browser.get("/login").await.expect(200);
    let right = std::mem::replace(&mut browser.token, "x".repeat(43));
    refused(browser.submit("/login", &fields).await.expect(403));
    let mut elsewhere = Browser::at(&app);
    elsewhere.get("/login").await.expect(200);
    elsewhere.token = right;
    refused(elsewhere.submit("/login", &fields).await.expect(403));
    // What the refusing page brought along does hold.
    elsewhere.submit("/login", &fields).await.expect(303);
}

#[tokio::test]
async fn logging_out_ends_the_login_and_its_sockets() {
    let app = TestApp::spawn().await;
    let mut ann = app.person("ann").await;
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
    ann.get("/api/me/").await.refused(401, "unauthenticated");
    let again = browser.submit("/logout", &[]).await.expect(303);
    assert_eq!(again.location(), "/login");
    assert_eq!(again.header("clear-site-data"), None);
}

#[tokio::test]
async fn behind_tls_the_cookie_is_bound_to_it() {
    let settings = crate::people::settings(&["--public-url", "https://chat.example.org"]);
    let builder = TestApp::builder();
    let app = builder
        .settings(move |s| s.public_url = settings.public_url)
        .spawn()
        .await;
    app.person("ann").await;
    let mut browser = Browser::at(&app);
    let arrived = browser.log_in("ann").await.expect(303);
    let cookies = arrived.set_cookies();
    assert!(cookies[0].starts_with("__Host-tidings=eyJ"), "{cookies:?}");
    assert!(cookies[0].contains("; Secure"), "{cookies:?}");
    assert!(browser.cookie("__Host-tidings-form").is_some());
    browser.get("/api/me/").await.expect(200);
}

/// Guards: another site's form, which comes without the cookie, must not make
/// the browser forget it.
#[tokio::test]
async fn a_log_out_without_a_cookie_takes_none_away() {
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

/// Whoever logs in again in a browser has no use for the login before.
#[tokio::test]
async fn login_by_cookie_ends_the_former() {
    let app = TestApp::spawn().await;
    let (mut ann, ben) = (app.person("ann").await, app.person("ben").await);
    let mut browser = Browser::at(&app);
    browser.log_in("ann").await.expect(303);
    ann.token = browser.cookie("tidings").unwrap().to_owned();
    let mut socket = ann.socket("/ws/").await;
    // The form is shown to strangers alone; another tab may have it open.
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
    ann.get("/api/me/").await.refused(401, "unauthenticated");
    ben.get("/api/me/").await.expect(200);
}
