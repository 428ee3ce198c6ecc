//! Which origins may use the API (CORS).

use reqwest::Method;

use super::{Browser, Shown};
use crate::support::{TestApp, TestUser};

const THEIRS: &str = "https://app.example.org";

async fn app() -> TestApp {
    let settings = crate::people::settings(&["--allowed-origins", THEIRS]);
    let builder = TestApp::builder();
    builder
        .settings(move |s| s.allowed_origins = settings.allowed_origins)
        .spawn()
        .await
}

/// Sends the preflight request of a page of `origin`.
async fn preflight(app: &TestApp, path: &str, origin: &str) -> Shown {
    let mut browser = Browser::at(app);
    let request = browser
        .request(Method::OPTIONS, path)
        .header("origin", origin)
        .header("access-control-request-method", "PATCH")
        .header(
            "access-control-request-headers",
            "authorization,content-type",
        );
    browser.send(request).await
}

async fn look(app: &TestApp, person: &TestUser, origin: &str) -> Shown {
    let mut browser = Browser::at(app);
    let request = browser.request(Method::GET, "/api/me/");
    let request = request.header("origin", origin).bearer_auth(&person.token);
    browser.send(request).await
}

const ALLOWED: &str = "access-control-allow-origin";

#[tokio::test]
async fn listed_origin_is_allowed() {
    let app = app().await;
    let ann = app.register_user("ann").await;
    let asked = preflight(&app, "/api/me/", THEIRS).await.expect(200);
    assert_eq!(asked.header(ALLOWED), Some(THEIRS));
    let headers = asked.header("access-control-allow-headers").unwrap();
    assert!(
        headers.to_lowercase().contains("authorization"),
        "{headers}"
    );
    assert!(
        asked
            .header("access-control-allow-methods")
            .unwrap()
            .contains("PATCH")
    );
    let got = look(&app, &ann, THEIRS).await.expect(200);
    assert_eq!(got.header(ALLOWED), Some(THEIRS));
    for answer in [asked, got] {
        assert_eq!(answer.header("access-control-allow-credentials"), None);
    }
}

/// Covers every API endpoint in the table of routes. Pages allow no other
/// origin.
#[tokio::test]
async fn preflight_allows_api_methods() {
    let app = app().await;
    let by_name = ["history/", "send/", "status/", "unread"];
    let mut checked = 0;
    for (path, methods) in crate::authority::routes::of_the_sources() {
        let is_by_name = |it: &&str| path.starts_with(&format!("/messages/{it}"));
        let is_api = path.starts_with("/api/") || by_name.iter().any(is_by_name);
        let path = crate::authority::routes::shape(&path).replace("{}", "7");
        let heads = methods
            .iter()
            .any(|it| it == "GET")
            .then(|| "HEAD".to_owned());
        for method in methods.into_iter().chain(heads) {
            let request = app.site().request(Method::OPTIONS, &path);
            let request = request
                .header("origin", THEIRS)
                .header("access-control-request-method", &method)
                .header("access-control-request-headers", "authorization");
            let answer = app.site().send(request).await;
            let (status, allowed) = (answer.status, answer.header(ALLOWED));
            let expected = if is_api {
                (200, Some(THEIRS))
            } else {
                (403, None)
            };
            assert_eq!((status, allowed), expected, "{method} {path}");
            checked += usize::from(is_api);
        }
    }
    assert!(checked > 50, "{checked}");
}

#[tokio::test]
async fn unlisted_origin_is_refused() {
    let app = app().await;
    let ann = app.register_user("ann").await;
    for origin in ["https://evil.example", "http://app.example.org", "null"] {
        let asked = preflight(&app, "/api/me/", origin).await;
        assert_eq!(asked.header(ALLOWED), None, "{origin}");
        // The server responds, but without the header the browser hides the
        // response from the page.
        let got = look(&app, &ann, origin).await.expect(200);
        assert_eq!(got.header(ALLOWED), None, "{origin}");
    }
    let asked = preflight(&app, "/login", THEIRS).await;
    assert_eq!(asked.header(ALLOWED), None);
}

#[tokio::test]
async fn origins_are_refused_by_default() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    let asked = preflight(&app, "/api/me/", THEIRS).await.expect(405);
    assert_eq!(asked.header(ALLOWED), None);
    let got = look(&app, &ann, THEIRS).await.expect(200);
    assert_eq!(got.header(ALLOWED), None);
}

/// A refused preflight is a problem document, not the library's own response.
#[tokio::test]
async fn refused_preflight_is_a_problem() {
    let app = app().await;
    let ask = async |path: &str, headers: &[(&str, &str)]| {
        let mut request = app.site().request(Method::OPTIONS, path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        app.site().send(request).await
    };
    let method = ("access-control-request-method", "PATCH");
    for origin in ["https://evil.example", "null"] {
        let refused = ask("/api/me/", &[("origin", origin), method]).await;
        refused.expect_problem(403, "bad_origin");
    }
    ask("/api/me/", &[method])
        .await
        .expect_problem(403, "bad_origin");
    let elsewhere = ask("/login", &[("origin", THEIRS), method]).await;
    elsewhere.expect_problem(403, "bad_origin");
    for odd in [
        ("access-control-request-method", "BREW"),
        ("access-control-request-headers", "x-csrf-token"),
        ("access-control-request-headers", ","),
    ] {
        let mut headers = vec![("origin", THEIRS), odd];
        if odd.0 != method.0 {
            headers.push(method);
        }
        ask("/api/me/", &headers)
            .await
            .expect_problem(400, "bad_request");
    }
}
