//! Compressed request bodies are refused before they are read.

use super::http::Wire;
use super::rest::Target;
use crate::authority::routes;

/// Returns the head of a request with a compressed body, without the body.
fn announces((method, path): (&str, &str), kind: &str, token: &str) -> Vec<u8> {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: here\r\nauthorization: Bearer {token}\r\n\
         content-type: {kind}\r\ncontent-encoding: gzip\r\ncontent-length: 1000\r\n\r\n"
    );
    head.into_bytes()
}

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// Guards against decompression bombs: in the past, a body of 244 KB became 245
/// MB and occupied a thread for seconds.
#[tokio::test]
async fn compressed_body_is_refused_unread() {
    let (mut target, mut refused) = (Target::new().await, 0);
    for (path, methods) in routes::of_the_sources() {
        let real = routes::shape(&path).replace("{}", "1");
        for method in methods.iter().filter(|it| *it != "GET" && *it != "DELETE") {
            for kind in [JSON, FORM] {
                // Some endpoints log out and read no body.
                target.refresh().await;
                let request = announces(
                    (method.as_str(), real.as_str()),
                    kind,
                    &target.people[0].token,
                );
                let reply = Wire::to(target.app.site()).ask(&request).await;
                assert_eq!(reply.fault(), None, "{method} {real}: {reply:?}");
                // The server must not wait for the body until its timeout.
                assert!(!reply.text().contains("took too long"), "{method} {real}");
                refused += usize::from(reply.status == 415);
            }
        }
    }
    assert!(refused > 30, "{refused}");
    target.refresh().await;
    let token = &target.people[0].token;
    // Forms are refused too, although the server first searches their body for
    // a CSRF token.
    let site = target.app.site();
    let request = String::from_utf8(announces(("POST", "/settings/profile"), FORM, token));
    let by_cookie = request
        .unwrap()
        .replace("authorization: Bearer ", "cookie: tidings=");
    let reply = Wire::to(site).ask(by_cookie.as_bytes()).await;
    assert_eq!(reply.status, 415, "{reply:?}");
}

#[tokio::test]
async fn identity_encoding_is_accepted() {
    let target = Target::new().await;
    let body = r#"{"username":"ann","password":"correct horse battery"}"#;
    let request = format!(
        "POST /api/auth/login HTTP/1.1\r\nhost: here\r\ncontent-type: {JSON}\r\n\
         content-encoding: identity\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let reply = Wire::to(target.app.site()).ask(request.as_bytes()).await;
    assert_eq!(reply.status, 200, "{reply:?}");
}

/// A body is refused at its `content-length`, or once its chunks exceed the
/// limit.
#[tokio::test]
async fn oversized_body_is_refused_early() {
    let target = Target::new().await;
    let head = |rest: &str| {
        format!(
            "POST /api/auth/login HTTP/1.1\r\nhost: here\r\ncontent-type: {JSON}\r\n{rest}\r\n\r\n"
        )
    };
    let announced = head("content-length: 262145");
    let mut pieces = head("transfer-encoding: chunked").into_bytes();
    for length in [0x10000, 0x10000, 0x10000, 0x10000, 1] {
        pieces.extend(format!("{length:x}\r\n").into_bytes());
        pieces.extend(vec![b' '; length]);
        pieces.extend(b"\r\n");
    }
    for request in [announced.into_bytes(), pieces] {
        let reply = Wire::to(target.app.site()).ask(&request).await;
        assert_eq!(reply.status, 413, "{reply:?}");
        assert_eq!(reply.fault(), None);
    }
}
