//! What comes by cookie alone, as another site's page would make a browser
//! send it: nothing changes by it, and no socket opens.

use reqwest::Method;
use reqwest::header::{COOKIE, ORIGIN};

use super::doors;
use super::world::{Things, World};
use crate::support::TestApp;

/// Doors that a cookie doesn't open, so that there is nothing to misuse: they
/// ask for a name and a password, or for what was sent to somebody. Their
/// forms have a token of their own.
const ASK_FOR_A_PASSWORD: [&str; 5] = [
    "/reset",
    "/login",
    "/register",
    "/api/auth/login",
    "/api/auth/register",
];

#[tokio::test]
async fn no_door_that_changes_anything_opens_by_cookie_alone() {
    let world = World::new().await;
    let (owner, mut asked) = (world.of("admin").clone(), 0);
    for row in doors() {
        if row.only_looks() || ASK_FOR_A_PASSWORD.contains(&row.path()) {
            continue;
        }
        let things = Things::of(&world, "admin", &row).await;
        let (path, with) = (things.fill(row.path()), things.fill(&row.with));
        let method = Method::from_bytes(row.method().as_bytes()).unwrap();
        let kind = match with.starts_with('{') {
            true => "application/json",
            false => "application/x-www-form-urlencoded",
        };
        for kind in [kind, "text/plain"] {
            let request = world.app.site().request(method.clone(), &path);
            let request = request
                .header(COOKIE, format!("tidings={}", owner.token))
                .header(ORIGIN, "https://evil.example")
                .header("content-type", kind)
                .body(with.clone());
            let answer = world.app.site().send(request).await;
            assert_eq!(answer.status, 403, "{path} {kind}: {}", answer.body);
            assert_eq!(answer.body["code"], "csrf_failed", "{path} {kind}");
            asked += 1;
        }
    }
    assert!(asked > 80, "{asked}");
    owner.get("/api/me/").await.expect(200);
}

#[tokio::test]
async fn no_socket_opens_to_another_sites_page() {
    let world = World::new().await;
    let (asker, mut asked) = (world.of("admin").clone(), 0);
    for row in doors().iter().filter(|row| row.path().starts_with("/ws")) {
        let things = Things::of(&world, "admin", row).await;
        let path = things.fill(row.path());
        for origin in [Some("https://evil.example"), Some("null"), None] {
            let request = world.app.site().request(Method::GET, &path);
            let request = request
                .header(COOKIE, format!("tidings={}", asker.token))
                .header("connection", "Upgrade")
                .header("upgrade", "websocket")
                .header("sec-websocket-version", "13")
                .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
            let request = match origin {
                Some(origin) => request.header(ORIGIN, origin),
                None => request,
            };
            let answer = world.app.site().send(request).await;
            answer.refused(403, "bad_origin");
            asked += 1;
        }
    }
    assert!(asked >= 15, "{asked}");
}

/// What every answer tells browsers, whatever was asked and whoever asked it.
#[tokio::test]
async fn every_door_tells_browsers_what_they_may_do_with_its_answer() {
    let world = World::new().await;
    for row in doors() {
        let things = Things::of(&world, "owner", &row).await;
        let (path, with) = (things.fill(row.path()), things.fill(&row.with));
        for role in ["stranger", "owner"] {
            if role == "owner" && !row.only_looks() {
                continue;
            }
            let told = world.ask(role, &row, (&path, &with)).await;
            let header = |name: &str| {
                let mut headers = told.headers.iter();
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
            // The address of a link to a new password is told nobody.
            let referrer = match path.starts_with("/reset") {
                true => "no-referrer",
                false => "same-origin",
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
            let kept = header("cache-control").unwrap_or_default();
            let is_public = path.starts_with("/static/");
            assert_eq!(kept == "no-store", !is_public, "{what}: {kept}");
        }
    }
}

#[tokio::test]
async fn behind_tls_browsers_are_told_to_stay_there() {
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
