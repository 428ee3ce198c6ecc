//! Refused passwords, and the Unicode forms in which a password is accepted.

use reqwest::Method;
use serde_json::{Value, json};
use tidings::auth::passwords;
use tidings::protocol::Password;

use crate::people::ask;
use crate::support::{PASSWORD, TestApp, TestUser};

async fn register(app: &TestApp, username: &str, shown: &str, password: &str) -> Value {
    let body = json!({ "username": username, "display_name": shown, "password": password });
    let refused = app.post("/api/auth/register/", body).await;
    refused.expect_problem(422, "weak_password")
}

async fn change(person: &TestUser, password: &str) -> Value {
    let body = json!({ "current_password": PASSWORD, "new_password": password });
    let refused = person.post("/api/me/password/", body).await;
    refused.expect_problem(422, "weak_password")
}

#[tokio::test]
async fn weak_passwords_are_refused() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    let long = "x".repeat(129);
    for weak in [
        "",
        "seven77",
        &long,
        "password1",
        "PassWord1",
        "1q2w3e4r",
        "        ",
        "Summer2026",
        "abcabcabc",
        "tidings1",
    ] {
        let refused = register(&app, "ben", "ben", weak).await;
        assert_eq!(refused["errors"][0]["field"], "password");
        let refused = change(&ann, weak).await;
        assert_eq!(refused["errors"][0]["field"], "new_password");
    }
    let body = json!({ "username": "ben", "password": "x5".repeat(59) + "0123456789" });
    app.post("/api/auth/register/", body).await.expect(201);
}

#[tokio::test]
async fn password_like_own_name_is_refused() {
    let app = TestApp::spawn().await;
    for weak in [
        "margaret_h",
        "Margaret_H12",
        "margarethamilton",
        "Margaret Hamilton!",
    ] {
        register(&app, "margaret_h", "Margaret Hamilton", weak).await;
    }
    let body = json!({ "username": "margaret_h", "password": PASSWORD });
    app.post("/api/auth/register/", body).await.expect(201);
    let margaret = TestUser::log_in(app.site(), "margaret_h", PASSWORD).await;
    let shown = json!({ "display_name": "Margaret Hamilton" });
    ask(&margaret, Method::PATCH, "/api/me/", shown)
        .await
        .expect(200);
    for weak in ["margaret_h", "1margarethamilton"] {
        change(&margaret, weak).await;
    }
}

#[tokio::test]
async fn password_verifies_in_each_normal_form() {
    let app = TestApp::spawn().await;
    let [composed, decomposed] = ["pass\u{E9} words", "passe\u{301} words"];
    for (username, password) in [("ann", composed), ("ben", decomposed)] {
        let body = json!({ "username": username, "password": password });
        app.post("/api/auth/register/", body).await.expect(201);
        for typed in [composed, decomposed] {
            TestUser::log_in(app.site(), username, typed).await;
        }
    }
}

/// Accounts from before normalization have a hash of the password as it was
/// typed.
#[tokio::test]
async fn raw_hash_verifies_and_is_replaced() {
    use argon2::password_hash::PasswordHasher;
    let app = TestApp::spawn().await;
    app.register_user("ann").await;
    let typed = "passe\u{301} words";
    let raw = argon2::Argon2::default().hash_password(typed.as_bytes());
    let store = app.store().await;
    let username = tidings::protocol::Username::parse("ann").unwrap();
    let kept = async || {
        store
            .users()
            .find_by_name(&username)
            .await
            .unwrap()
            .unwrap()
    };
    let (user, raw) = (kept().await, raw.unwrap().to_string());
    store
        .users()
        .replace_password_hash(&user, raw)
        .await
        .unwrap();
    TestUser::log_in(app.site(), "ann", typed).await;
    let hash = kept().await.password_hash;
    let composed = Password::from_existing(typed);
    let check = passwords::verify(composed.reveal(), Some(&hash));
    assert_eq!(check, passwords::PasswordCheck::Correct);
    TestUser::log_in(app.site(), "ann", composed.reveal()).await;
    store.close().await;
}
