//! Which origins may open a socket by cookie.

use futures_util::StreamExt;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::Browser;
use crate::support::{TestApp, within};

/// Returns the status of a handshake by cookie. 101 means that `hello` arrived.
async fn status_of_handshake(
    app: &TestApp,
    cookie: &str,
    origins: impl IntoIterator<Item = &str>,
) -> u16 {
    let url = format!("ws://{}/ws/", app.site().address());
    let mut request = url.into_client_request().unwrap();
    let headers = request.headers_mut();
    headers.insert("cookie", cookie.parse().unwrap());
    for origin in origins {
        headers.append("origin", origin.parse().unwrap());
    }
    match within("the handshake", connect_async(request)).await {
        Ok((mut socket, response)) => {
            let hello = within("hello", socket.next()).await.unwrap().unwrap();
            assert!(matches!(hello, Message::Text(_)), "{hello:?}");
            response.status().as_u16()
        }
        Err(Error::Http(response)) => {
            let body = response.body().clone().unwrap_or_default();
            let body = String::from_utf8(body).unwrap();
            assert!(body.contains("\"code\":\"bad_origin\""), "{body}");
            response.status().as_u16()
        }
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn origin_needs_same_host_and_port() {
    let app = TestApp::spawn().await;
    app.register_user("ann").await;
    let mut browser = Browser::at(&app);
    browser.log_in("ann").await.expect(303);
    let cookie = format!("tidings={}", browser.cookie("tidings").unwrap());
    assert_eq!(
        status_of_handshake(&app, &cookie, Some(&*app.site().url(""))).await,
        101
    );
    let port = app.site().address().port();
    let there = format!("http://localhost:{port}");
    for origin in [
        None,
        Some("null"),
        Some("http://127.0.0.1"),
        Some("http://evil.example"),
        Some(&*there),
    ] {
        assert_eq!(
            status_of_handshake(&app, &cookie, origin).await,
            403,
            "{origin:?}"
        );
    }
}

/// Several Origin headers are a risk: a proxy may check a different one than
/// the server.
#[tokio::test]
async fn two_origin_headers_are_refused() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    let (cookie, ours) = (format!("tidings={}", ann.token), app.site().url(""));
    for two in [
        [&*ours, "https://evil.example"],
        ["https://evil.example", &*ours],
    ] {
        assert_eq!(
            status_of_handshake(&app, &cookie, two).await,
            403,
            "{two:?}"
        );
    }
}

#[tokio::test]
async fn public_url_is_the_only_origin() {
    let settings = crate::people::settings(&["--public-url", "http://chat.example.org"]);
    let builder = TestApp::builder();
    let app = builder
        .settings(move |s| s.public_url = settings.public_url)
        .spawn()
        .await;
    app.register_user("ann").await;
    let mut browser = Browser::at(&app);
    browser.log_in("ann").await.expect(303);
    let cookie = format!("tidings={}", browser.cookie("tidings").unwrap());
    assert_eq!(
        status_of_handshake(&app, &cookie, Some("http://chat.example.org")).await,
        101
    );
    assert_eq!(
        status_of_handshake(&app, &cookie, Some(&*app.site().url(""))).await,
        403
    );
    assert_eq!(status_of_handshake(&app, &cookie, None).await, 403);
}
