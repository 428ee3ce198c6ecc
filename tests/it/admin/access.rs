//! To users who aren't admins, no path below `/admin` exists.

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;

use super::{Keeper, admin};
use crate::pages::Browser;
use crate::support::TestApp;

/// Paths below `/admin` and those of its API and socket.
const PATHS: [&str; 24] = [
    "/admin",
    "/admin/",
    "/admin/users",
    "/admin/users/new",
    "/admin/users/1",
    "/admin/users/1/rename",
    "/admin/users/1/promote",
    "/admin/users/1/demote",
    "/admin/users/1/deactivate",
    "/admin/users/1/reactivate",
    "/admin/users/1/reset",
    "/admin/users/1/end-logins",
    "/admin/users/1/delete",
    "/admin/users/1/logins/1/end",
    "/admin/conversations",
    "/admin/conversations/1",
    "/admin/conversations/1/read",
    "/admin/conversations/1/close",
    "/admin/conversations/1/messages/1/delete",
    "/admin/audit",
    "/admin/audit.csv",
    "/admin/nothing",
    "/api/admin/invites",
    "/ws/admin",
];

#[tokio::test]
async fn admin_paths_are_hidden_from_users() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    ann.connect_with(&app.register_user("ben").await).await;
    admin(&app, "root").await;
    let mut plain = Browser::at(&app);
    plain.log_in("ann").await.expect(303);
    plain.get("/settings").await.expect(200);
    let mut stranger = Browser::at(&app);
    stranger.get("/login").await.expect(200);
    let token = plain.token.clone();
    for path in PATHS {
        for browser in [&mut plain, &mut stranger] {
            for method in [
                Method::GET,
                Method::HEAD,
                Method::POST,
                Method::PUT,
                Method::PATCH,
                Method::DELETE,
                Method::OPTIONS,
            ] {
                for token in [token.as_str(), "wrong"] {
                    let request = browser
                        .request(method.clone(), path)
                        .header("accept", "text/html")
                        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                        .body(format!("csrf_token={token}&reason=x"));
                    let shown = browser.send(request).await;
                    assert_eq!(shown.status, 404, "{method} {path}: {}", shown.text);
                }
            }
        }
        // A bearer token makes no difference.
        for method in [Method::GET, Method::POST, Method::PUT, Method::OPTIONS] {
            let request = app.site().request(method.clone(), path);
            let answer = app.site().send(request.bearer_auth(&ann.token)).await;
            assert_eq!(answer.status, 404, "{method} {path}");
            assert_eq!(answer.header("allow"), None, "{method} {path}");
        }
    }
    // No refused request logged the user out.
    ann.get("/api/me/").await.expect(200);
}

#[tokio::test]
async fn hidden_page_resembles_missing_page() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    let mut plain = Browser::at(&app);
    app.register_user("ann").await;
    plain.log_in("ann").await.expect(303);
    let shown = async |browser: &mut Browser, path: &str| {
        let request = browser.request(Method::GET, path);
        browser.send(request.header("accept", "text/html")).await
    };
    let hidden = shown(&mut plain, "/admin/users").await.expect(404);
    let missing = shown(&mut plain, "/nowhere").await.expect(404);
    assert_eq!(hidden.source, missing.source);
    // An admin's form with a wrong CSRF token gets the usual refusal.
    keeper.get("/admin/users/new").await.expect(200);
    keeper.browser.token = "wrong".to_owned();
    let refused = keeper.browser.submit("/admin/users/new", &[]).await;
    assert!(refused.expect(403).text.contains("csrf_failed"));
}

#[tokio::test]
async fn admin_socket_needs_admin_and_origin() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    let root = admin(&app, "root").await;
    ann.try_upgrade("/ws/admin/")
        .await
        .expect_problem(404, "not_found");
    let status_of_handshake = async |token: &str, origin: &str| {
        let request = reqwest::Client::new()
            .get(app.site().url("/ws/admin/"))
            .header("cookie", format!("tidings={token}"))
            .header("origin", origin)
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        request.send().await.unwrap().status().as_u16()
    };
    let ours = app.site().url("");
    assert_eq!(
        status_of_handshake(&root.token, "http://evil.example").await,
        403
    );
    assert_eq!(
        status_of_handshake(&ann.token, "http://evil.example").await,
        404
    );
    assert_eq!(status_of_handshake(&ann.token, &ours).await, 404);
    assert_eq!(status_of_handshake("nonsense", &ours).await, 404);
    assert_eq!(status_of_handshake(&root.token, &ours).await, 101);
    // An admin's request without an upgrade gets 426, because the path is a
    // socket's.
    root.get("/ws/admin/")
        .await
        .expect_problem(426, "upgrade_required");
}
