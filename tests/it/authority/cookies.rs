//! Requests with only a cookie, as another site's page can cause them: they
//! change nothing and open no socket.

use reqwest::Method;
use reqwest::header::{COOKIE, ORIGIN};

use super::endpoint_rows;
use super::world::{Things, World};
use crate::support::TestApp;

/// Endpoints that don't use the login cookie. They require a password or a
/// secret link, and their forms have a CSRF token of a separate cookie.
const WITHOUT_LOGIN_COOKIE: [&str; 5] = [
    "/reset",
    "/login",
    "/register",
    "/api/auth/login",
    "/api/auth/register",
];

#[tokio::test]
async fn cookie_alone_changes_nothing() {
    let world = World::new().await;
    let (admin, mut checked) = (world.of("admin").clone(), 0);
    for row in endpoint_rows() {
        if row.is_read_only() || WITHOUT_LOGIN_COOKIE.contains(&row.path()) {
            continue;
        }
        let things = Things::of(&world, "admin", &row).await;
        let (path, with) = (things.fill(row.path()), things.fill(&row.with));
        let method = Method::from_bytes(row.method().as_bytes()).unwrap();
        let kind = if with.starts_with('{') {
            "application/json"
        } else {
            "application/x-www-form-urlencoded"
        };
        for kind in [kind, "text/plain"] {
            let request = world.app.site().request(method.clone(), &path);
            let request = request
                .header(COOKIE, format!("tidings={}", admin.token))
                .header(ORIGIN, "https://evil.example")
                .header("content-type", kind)
                .body(with.clone());
            let answer = world.app.site().send(request).await;
            assert_eq!(answer.status, 403, "{path} {kind}: {}", answer.body);
            assert_eq!(answer.body["code"], "csrf_failed", "{path} {kind}");
            checked += 1;
        }
    }
    assert!(checked > 80, "{checked}");
    admin.get("/api/me/").await.expect(200);
}

#[tokio::test]
async fn foreign_origin_opens_no_socket() {
    let world = World::new().await;
    let (admin, mut checked) = (world.of("admin").clone(), 0);
    for row in endpoint_rows()
        .iter()
        .filter(|row| row.path().starts_with("/ws"))
    {
        let things = Things::of(&world, "admin", row).await;
        let path = things.fill(row.path());
        for origin in [Some("https://evil.example"), Some("null"), None] {
            let request = world.app.site().request(Method::GET, &path);
            let request = request
                .header(COOKIE, format!("tidings={}", admin.token))
                .header("connection", "Upgrade")
                .header("upgrade", "websocket")
                .header("sec-websocket-version", "13")
                .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
            let request = match origin {
                Some(origin) => request.header(ORIGIN, origin),
                None => request,
            };
            let answer = world.app.site().send(request).await;
            answer.expect_problem(403, "bad_origin");
            checked += 1;
        }
    }
    assert!(checked >= 15, "{checked}");
}

/// The security headers of every response.
#[tokio::test]
async fn responses_have_security_headers() {
    let world = World::new().await;
    for row in endpoint_rows() {
        let things = Things::of(&world, "owner", &row).await;
        let (path, with) = (things.fill(row.path()), things.fill(&row.with));
        for role in ["stranger", "owner"] {
            if role == "owner" && !row.is_read_only() {
                continue;
            }
            let answer = world.ask(role, &row, (&path, &with)).await;
            let header = |name: &str| {
                let mut headers = answer.headers.iter();
                let found = headers.find(|(known, _)| known == name);
                found.map(|(_, value)| value.as_str())
            };
            let what = format!("{role} {path}");
            let policy = header("content-security-policy").unwrap_or_default();
            for part in [
                "default-src 'none'",
                "frame-ancestors 'none'",
                "base-uri 'none'",
            ] {
                assert!(policy.contains(part), "{what}: {policy}");
            }
            assert!(!policy.contains("unsafe"), "{what}: {policy}");
            assert_eq!(header("x-content-type-options"), Some("nosniff"), "{what}");
            // The URL of a password link must not leak in a Referer header.
            let referrer = if path.starts_with("/reset") {
                "no-referrer"
            } else {
                "same-origin"
            };
            assert_eq!(header("referrer-policy"), Some(referrer), "{what}");
            assert_eq!(
                header("cross-origin-opener-policy"),
                Some("same-origin"),
                "{what}"
            );
            assert_eq!(
                header("cross-origin-resource-policy"),
                Some("same-origin"),
                "{what}"
            );
            let permissions = header("permissions-policy").unwrap_or_default();
            assert!(permissions.contains("camera=()"), "{what}: {permissions}");
            assert_eq!(header("strict-transport-security"), None, "{what}");
            let caching = header("cache-control").unwrap_or_default();
            let is_public = path.starts_with("/static/");
            assert_eq!(caching == "no-store", !is_public, "{what}: {caching}");
        }
    }
}

#[tokio::test]
async fn public_https_url_sets_hsts() {
    let settings = crate::people::settings(&["--public-url", "https://chat.example.org"]);
    let app = TestApp::builder()
        .settings(|own| own.public_url = settings.public_url)
        .spawn()
        .await;
    for path in ["/healthz", "/api/me/", "/login/x"] {
        let answer = app.get(path).await;
        assert_eq!(
            answer.header("strict-transport-security"),
            Some("max-age=31536000"),
            "{path}"
        );
    }
}
