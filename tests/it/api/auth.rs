//! `/api/auth/` and `/api/me/`.

use std::time::Duration;

use argon2::password_hash::PasswordHasher as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entity::{Millis, UserId};
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Method;
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::{Value, json};
use sha2::Sha256;
use tidings::auth::{LoginTokens, Secret};

use crate::support::{ApiResponse, PASSWORD, TestApp, until};
use tidings::store::AuditContext;

async fn register(app: &TestApp, username: &str, password: &str) -> ApiResponse {
    let body = json!({ "username": username, "password": password });
    app.post("/api/auth/register/", body).await
}

async fn log_in(app: &TestApp, username: &str, password: &str) -> ApiResponse {
    let body = json!({ "username": username, "password": password });
    app.post("/api/auth/login/", body).await
}

#[tokio::test]
async fn registered_user_is_logged_in() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    let me = ann.get("/api/me/").await.expect(200);
    assert_eq!(me["id"], ann.id);
    assert_eq!(me["username"], "ann");
    assert_eq!(me["display_name"], "ann");
    assert_eq!(me["is_admin"], false);
}

#[tokio::test]
async fn display_name_is_trimmed() {
    let app = TestApp::spawn().await;
    let body = json!({ "username": "ann", "password": PASSWORD, "display_name": "  Ann Ö.  " });
    let answer = app.post("/api/auth/register/", body).await.expect(201);
    assert_eq!(answer["user"]["display_name"], "Ann Ö.");
}

#[tokio::test]
async fn username_is_case_insensitive() {
    let app = TestApp::spawn().await;
    register(&app, "Ann.B", PASSWORD).await.expect(201);
    register(&app, "aNN.b", PASSWORD)
        .await
        .expect_problem(409, "username_taken");
    let answer = log_in(&app, "ANN.B", PASSWORD).await.expect(200);
    assert_eq!(answer["user"]["username"], "Ann.B");
}

/// Guards the race of two registrations that both find the username free. The
/// unique key decides, and its violation must not be a 500.
#[tokio::test]
async fn concurrent_registrations_of_name_create_one() {
    let app = TestApp::spawn().await;
    for round in 0..5 {
        let names = [format!("Twin{round}"), format!("tWIN{round}")];
        let (one, two) = tokio::join!(
            register(&app, &names[0], PASSWORD),
            register(&app, &names[1], PASSWORD)
        );
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409]);
    }
}

#[tokio::test]
async fn weak_password_is_refused() {
    let app = TestApp::spawn().await;
    for password in ["1234567", &"x".repeat(129)] {
        let body = register(&app, "ann", password)
            .await
            .expect_problem(422, "weak_password");
        assert_eq!(body["errors"][0]["field"], "password");
    }
    register(&app, "ann", "äöüßäöüß").await.expect(201);
}

#[tokio::test]
async fn invalid_username_is_refused() {
    let app = TestApp::spawn().await;
    let long = "a".repeat(31);
    for name in ["", "ab", "1ab", "_ab", "a b", "anné", "a/b", &long] {
        let body = register(&app, name, PASSWORD)
            .await
            .expect_problem(422, "invalid");
        assert_eq!(body["errors"][0]["field"], "username", "{name}");
    }
    register(&app, &"a".repeat(30), PASSWORD).await.expect(201);
}

#[tokio::test]
async fn invalid_display_name_is_refused() {
    let app = TestApp::spawn().await;
    for name in [" ", "a\nb", &"ä".repeat(61)] {
        let body = json!({ "username": "ann", "password": PASSWORD, "display_name": name });
        let body = app.post("/api/auth/register/", body).await;
        let body = body.expect_problem(422, "invalid");
        assert_eq!(body["errors"][0]["field"], "display_name");
    }
}

#[tokio::test]
async fn unknown_name_resembles_wrong_password() {
    let app = TestApp::spawn().await;
    app.register_user("ann").await;
    let wrong = log_in(&app, "ann", "not the password").await;
    let wrong = wrong.expect_problem(401, "bad_credentials");
    for name in ["nobody", "no body", ""] {
        let unknown = log_in(&app, name, PASSWORD).await;
        assert_eq!(unknown.expect_problem(401, "bad_credentials"), wrong);
    }
}

#[tokio::test]
async fn invalid_token_is_refused() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    let other_folder = tempfile::tempdir().unwrap();
    let secret = Secret::load_or_create(other_folder.path()).unwrap();
    let forged = LoginTokens::new(&secret, Duration::from_secs(60))
        .issue(UserId(ann.id), entity::LoginId(1), Millis::now())
        .unwrap();
    let (head, _) = ann.token.rsplit_once('.').unwrap();
    let values = [
        format!("Bearer {forged}"),
        format!("Bearer {head}."),
        format!("Basic {}", ann.token),
        "Bearer".to_owned(),
        String::new(),
    ];
    for value in values {
        let request = app.site().request(reqwest::Method::GET, "/api/me/");
        let request = request.header("authorization", &value);
        let answer = app.site().send(request).await;
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{value}");
        answer.expect_problem(401, "unauthenticated");
    }
    app.get("/api/me/")
        .await
        .expect_problem(401, "unauthenticated");
    // RFC 9110, section 11.1: the scheme's name is case-insensitive.
    let request = app.site().request(reqwest::Method::GET, "/api/me/");
    let request = request.header("authorization", format!("bEARER {}", ann.token));
    app.site().send(request).await.expect(200);
}

#[tokio::test]
async fn token_in_query_is_refused() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    let path = format!("/api/me/?token={}", ann.token);
    app.get(&path).await.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn logout_ends_only_its_login() {
    let app = TestApp::spawn().await;
    let here = app.register_user("ann").await;
    let there = here.log_in_again().await;
    here.post("/api/auth/logout/", json!({})).await.expect(204);
    here.get("/api/me/")
        .await
        .expect_problem(401, "unauthenticated");
    let again = here.post("/api/auth/logout/", json!({})).await;
    again.expect_problem(401, "unauthenticated");
    there.get("/api/me/").await.expect(200);
}

#[tokio::test]
async fn login_survives_restart() {
    let mut app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    app.restart().await;
    ann.get("/api/me/").await.expect(200);
}

/// Libraries accept expired tokens for another minute. The server doesn't.
#[tokio::test]
async fn token_is_valid_until_expiry() {
    let builder = TestApp::builder();
    let builder = builder.settings(|settings| settings.token_ttl = Duration::from_secs(2));
    let app = builder.spawn().await;
    app.register_user("ann").await;
    let login = app.log_in("ann").await.expect(200);
    let expires_at: Millis = serde_json::from_value(login["expires_at"].clone()).unwrap();
    let token = login["token"].as_str().unwrap();
    until("the token to expire", || async {
        let before = Millis::now();
        let request = app.site().request(reqwest::Method::GET, "/api/me/");
        let answer = app.site().send(request.bearer_auth(token)).await;
        if answer.status == 200 {
            assert!(before < expires_at, "let in at {before}");
            return None;
        }
        answer.expect_problem(401, "unauthenticated");
        assert!(Millis::now() >= expires_at);
        Some(())
    })
    .await;
}

#[tokio::test]
async fn deactivated_user_is_refused() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    let store = app.store().await;
    store
        .accounts()
        .deactivate(
            UserId(ann.id),
            &AuditContext::from_command_line(Millis::now()),
        )
        .await
        .unwrap();
    ann.get("/api/me/")
        .await
        .expect_problem(401, "unauthenticated");
    app.log_in("ann").await.expect_problem(403, "deactivated");
    // Without the password, a client doesn't learn that the account is
    // deactivated.
    let wrong = log_in(&app, "ann", "not the password").await;
    wrong.expect_problem(401, "bad_credentials");
}

#[tokio::test]
async fn new_password_ends_earlier_logins() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    let store = app.store().await;
    let new = tidings::protocol::Password::parse("another password").unwrap();
    let hash = tidings::auth::passwords::hash(&new).unwrap();
    let now = Millis::now();
    store
        .accounts()
        .reset_password(UserId(ann.id), hash, &AuditContext::from_command_line(now))
        .await
        .unwrap();
    ann.get("/api/me/")
        .await
        .expect_problem(401, "unauthenticated");
    app.log_in("ann")
        .await
        .expect_problem(401, "bad_credentials");
    log_in(&app, "ann", "another password").await.expect(200);
}

/// Covers `nbf` and `crit`, which a correctly signed token can carry.
#[tokio::test]
async fn token_of_the_future_is_refused() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    let claims = ann.token.split('.').nth(1).unwrap();
    let claims = URL_SAFE_NO_PAD.decode(claims).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    let secret = std::fs::read(app.folder().join("secret")).unwrap();
    let signed = |header: Value, claims: Value| {
        let parts = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let text = parts.join(".");
        let code = Hmac::<Sha256>::new_from_slice(&secret)
            .unwrap()
            .chain_update(&text);
        format!(
            "{text}.{}",
            URL_SAFE_NO_PAD.encode(code.finalize().into_bytes())
        )
    };
    let status_with = async |token: String| {
        let request = app
            .site()
            .request(Method::GET, "/api/me/")
            .bearer_auth(token);
        app.site().send(request).await.status
    };
    let plain = json!({ "alg": "HS256" });
    assert_eq!(
        status_with(signed(plain.clone(), claims.clone())).await,
        200
    );
    let mut early = claims.clone();
    early["nbf"] = json!(claims["iat"].as_i64().unwrap() + 600);
    assert_eq!(status_with(signed(plain, early)).await, 401);
    let crit = json!({ "alg": "HS256", "crit": ["b64"], "b64": false });
    assert_eq!(status_with(signed(crit, claims)).await, 401);
}

/// A login replaces a hash that was made with other parameters.
#[tokio::test]
async fn login_renews_outdated_hash() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    let params = argon2::Params::new(8, 1, 1, None).unwrap();
    let old = argon2::Argon2::new(Default::default(), Default::default(), params);
    let old = old.hash_password(PASSWORD.as_bytes()).unwrap().to_string();
    let db = app.database().connection().await;
    let set = format!(
        "UPDATE \"user\" SET password_hash = '{old}' WHERE id = {}",
        ann.id
    );
    db.execute_unprepared(&set).await.unwrap();
    let kept = async || {
        let read = format!("SELECT password_hash FROM \"user\" WHERE id = {}", ann.id);
        let read = Statement::from_string(db.get_database_backend(), read);
        let row = db.query_one_raw(read).await.unwrap().unwrap();
        row.try_get_by_index::<String>(0).unwrap()
    };
    app.log_in("ann").await.expect(200);
    let renewed = kept().await;
    assert!(renewed.contains("m=19456,t=2,p=1"), "{renewed}");
    app.log_in("ann").await.expect(200);
    assert_eq!(kept().await, renewed);
    db.close().await.unwrap();
}
