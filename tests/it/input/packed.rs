//! Bodies that are packed are refused before they are read.

use super::http::Wire;
use super::rest::Target;
use crate::authority::routes;

/// A head that announces a packed body of which nothing comes.
fn announces((method, path): (&str, &str), kind: &str, token: &str) -> Vec<u8> {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: here\r\nauthorization: Bearer {token}\r\n\
         content-type: {kind}\r\ncontent-encoding: gzip\r\ncontent-length: 1000\r\n\r\n"
    );
    head.into_bytes()
}

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// Guards against a little that is much once it is unpacked: 244 KB were 245 MB
/// and seconds of a thread.
#[tokio::test]
async fn no_door_waits_for_a_body_that_is_packed() {
    let (mut target, mut refused) = (Target::new().await, 0);
    for (path, methods) in routes::of_the_sources() {
        let real = routes::shape(&path).replace("{}", "1");
        for method in methods.iter().filter(|it| *it != "GET" && *it != "DELETE") {
            for kind in [JSON, FORM] {
                // Some doors log out, and read nothing.
                target.refresh().await;
                let request = announces(
                    (method.as_str(), real.as_str()),
                    kind,
                    &target.people[0].token,
                );
                let reply = Wire::to(target.app.site()).ask(&request).await;
                assert_eq!(reply.fault(), None, "{method} {real}: {reply:?}");
                // Nobody waited for it until the time was over.
                assert!(!reply.text().contains("took too long"), "{method} {real}");
                refused += usize::from(reply.status == 415);
            }
        }
    }
    assert!(refused > 30, "{refused}");
    target.refresh().await;
    let token = &target.people[0].token;
    // Also where it is looked at for its token, before anything else.
    let site = target.app.site();
    let request = String::from_utf8(announces(("POST", "/settings/profile"), FORM, token));
    let by_cookie = request
        .unwrap()
        .replace("authorization: Bearer ", "cookie: tidings=");
    let reply = Wire::to(site).ask(by_cookie.as_bytes()).await;
    assert_eq!(reply.status, 415, "{reply:?}");
}

#[tokio::test]
async fn what_is_not_packed_may_say_so() {
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

/// What is too large is refused at its head, or where it gets too large.
#[tokio::test]
async fn no_door_reads_more_than_it_takes() {
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
