//! Cookies that no page of ours has set.

use reqwest::Method;
use reqwest::header::{COOKIE, HeaderValue};

use super::{Browser, Shown};
use crate::support::{Person, TestApp};

async fn at_tls() -> TestApp {
    let settings = crate::people::settings(&["--public-url", "https://chat.example.org"]);
    let builder = TestApp::builder();
    builder
        .settings(move |own| own.public_url = settings.public_url)
        .spawn()
        .await
}

async fn with(app: &TestApp, path: &str, cookie: &[u8]) -> Shown {
    let mut browser = Browser::at(app);
    let request = browser.request(Method::GET, path);
    let cookie = HeaderValue::from_bytes(cookie).unwrap();
    // In place of the browser's own.
    let mut request = request.build().unwrap();
    request.headers_mut().insert(COOKIE, cookie);
    let request = reqwest::RequestBuilder::from_parts(reqwest::Client::new(), request);
    browser.send(request).await
}

/// What is in the cookie that the answer sets.
fn set(shown: &Shown) -> (String, String) {
    let cookies = shown.set_cookies();
    let (pair, attributes) = cookies[0].split_once("; ").unwrap();
    let (_, value) = pair.split_once('=').unwrap();
    (value.to_owned(), attributes.to_owned())
}

/// Any page beside ours may set a cookie whose name is ours once it is
/// decoded; `__Host-` keeps it from setting ours.
#[tokio::test]
async fn a_name_that_is_only_like_ours_is_not_ours() {
    let (plain, tls) = (TestApp::spawn().await, at_tls().await);
    let tried = async |app: &TestApp, ann: &Person, name: &str| {
        let cookie = format!("{name}={}", ann.token);
        with(app, "/api/me/", cookie.as_bytes()).await.status
    };
    let ann = plain.person("ann").await;
    assert_eq!(tried(&plain, &ann, "tidings").await, 200);
    for name in ["%74idings", "tidings%00", "TIDINGS", "xtidings", "tidings "] {
        assert_eq!(tried(&plain, &ann, name).await, 401, "{name}");
    }
    let ann = tls.person("ann").await;
    assert_eq!(tried(&tls, &ann, "__Host-tidings").await, 200);
    for name in [
        "%5F%5FHost-tidings",
        "%5f_Host-tidings",
        "__Host%2Dtidings",
        "tidings",
    ] {
        assert_eq!(tried(&tls, &ann, name).await, 401, "{name}");
    }
    let own = with(
        &tls,
        "/login",
        b"%5F_Host-tidings-form=AAAAAAAAAAAAAAAAAAAAAA",
    )
    .await;
    assert_ne!(set(&own).0, "AAAAAAAAAAAAAAAAAAAAAA");
}

#[tokio::test]
async fn what_stands_beside_our_cookie_does_not_hide_it() {
    let app = TestApp::spawn().await;
    let ann = app.person("ann").await;
    for (before, after) in [
        (&b"other=\xff\xfe; "[..], &b""[..]),
        (&b""[..], &b"; other=\xc3"[..]),
        (&b"%ff=%ff;=;;a; \"=\"; "[..], &b";"[..]),
    ] {
        let cookie = [before, b"tidings=", ann.token.as_bytes(), after].concat();
        with(&app, "/api/me/", &cookie).await.expect(200);
    }
}

/// What comes back in a cookie of ours is one word, whatever came.
#[tokio::test]
async fn a_form_s_cookie_that_is_made_up_is_replaced() {
    let app = TestApp::spawn().await;
    for made_up in [
        "attacker",
        "x%3B%20Domain%3Devil.example",
        "%0d%0aSet-Cookie:%20x=1",
        "%00",
        "AAAAAAAAAAAAAAAAAAAAA=",
        "AAAAAAAAAAAAAAAAAAAAAAA",
    ] {
        let cookie = format!("tidings-form={made_up}");
        for page in ["/login", "/register", "/reset?token=x"] {
            let shown = with(&app, page, cookie.as_bytes()).await;
            assert!(
                shown.status == 200 || shown.status == 404,
                "{page} {made_up}"
            );
            let (value, attributes) = set(&shown);
            assert_eq!(value.len(), 22, "{value}");
            assert!(
                value
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
            );
            assert_eq!(attributes, "HttpOnly; SameSite=Lax; Path=/");
        }
    }
    // One of ours stays, so that the forms in other tabs hold.
    let (ours, _) = set(&with(&app, "/login", b"").await);
    let again = with(&app, "/login", format!("tidings-form={ours}").as_bytes()).await;
    assert_eq!(set(&again).0, ours);
}
