//! Cookies that our pages didn't set.

use reqwest::Method;
use reqwest::header::{COOKIE, HeaderValue};

use super::{Browser, Shown};
use crate::support::{TestApp, TestUser};

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
    // Replaces the cookies that the browser would send.
    let mut request = request.build().unwrap();
    request.headers_mut().insert(COOKIE, cookie);
    let request = reqwest::RequestBuilder::from_parts(reqwest::Client::new(), request);
    browser.send(request).await
}

/// Returns the value and attributes of the response's first cookie.
fn set(shown: &Shown) -> (String, String) {
    let cookies = shown.set_cookies();
    let (pair, attributes) = cookies[0].split_once("; ").unwrap();
    let (_, value) = pair.split_once('=').unwrap();
    (value.to_owned(), attributes.to_owned())
}

/// Another site on our domain can set a cookie whose name equals ours once it
/// is percent-decoded. `__Host-` only protects the exact name.
#[tokio::test]
async fn cookie_with_similar_name_is_ignored() {
    let (plain, tls) = (TestApp::spawn().await, at_tls().await);
    let status_with = async |app: &TestApp, ann: &TestUser, name: &str| {
        let cookie = format!("{name}={}", ann.token);
        with(app, "/api/me/", cookie.as_bytes()).await.status
    };
    let ann = plain.register_user("ann").await;
    assert_eq!(status_with(&plain, &ann, "tidings").await, 200);
    for name in ["%74idings", "tidings%00", "TIDINGS", "xtidings", "tidings "] {
        assert_eq!(status_with(&plain, &ann, name).await, 401, "{name}");
    }
    let ann = tls.register_user("ann").await;
    assert_eq!(status_with(&tls, &ann, "__Host-tidings").await, 200);
    for name in [
        "%5F%5FHost-tidings",
        "%5f_Host-tidings",
        "__Host%2Dtidings",
        "tidings",
    ] {
        assert_eq!(status_with(&tls, &ann, name).await, 401, "{name}");
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
async fn cookie_among_malformed_ones_is_found() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    for (before, after) in [
        (&b"other=\xff\xfe; "[..], &b""[..]),
        (&b""[..], &b"; other=\xc3"[..]),
        (&b"%ff=%ff;=;;a; \"=\"; "[..], &b";"[..]),
    ] {
        let cookie = [before, b"tidings=", ann.token.as_bytes(), after].concat();
        with(&app, "/api/me/", &cookie).await.expect(200);
    }
}

/// The server replaces an invalid value of the form cookie by one random word.
#[tokio::test]
async fn forged_form_cookie_is_replaced() {
    let app = TestApp::spawn().await;
    for forged in [
        "attacker",
        "x%3B%20Domain%3Devil.example",
        "%0d%0aSet-Cookie:%20x=1",
        "%00",
        "AAAAAAAAAAAAAAAAAAAAA=",
        "AAAAAAAAAAAAAAAAAAAAAAA",
    ] {
        let cookie = format!("tidings-form={forged}");
        for page in ["/login", "/register", "/reset?token=x"] {
            let shown = with(&app, page, cookie.as_bytes()).await;
            assert!(
                shown.status == 200 || shown.status == 404,
                "{page} {forged}"
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
    // A valid value is kept, so that forms in other tabs stay valid.
    let (ours, _) = set(&with(&app, "/login", b"").await);
    let again = with(&app, "/login", format!("tidings-form={ours}").as_bytes()).await;
    assert_eq!(set(&again).0, ours);
}
