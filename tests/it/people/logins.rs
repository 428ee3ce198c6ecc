//! Logins of an account, and changes of its password.

use std::time::Duration;

use entity::Millis;
use reqwest::Method;
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::{Value, json};
use tidings::config::Settings;

use super::ask;
use crate::support::redact::assert_wire;
use crate::support::{TestApp, TestUser, until};

const PASSWORD: &str = "correct horse battery";

async fn logins(person: &TestUser) -> Vec<Value> {
    let list = person.get("/api/auth/sessions/").await.expect(200);
    list.as_array().unwrap().clone()
}

#[tokio::test]
async fn each_login_is_listed_newest_first() {
    let app = TestApp::spawn().await;
    let phone = app.register_user("ann").await;
    let laptop = phone.log_in_again().await;
    let _other = app.register_user("ben").await;
    let list = logins(&phone).await;
    assert_wire!("logins", json!(list));
    let newest = logins(&laptop).await;
    assert_eq!(newest[0]["current"], true);
    assert_eq!(
        (&newest[1]["id"], &newest[1]["current"]),
        (&list[1]["id"], &json!(false))
    );
    let one = phone.get("/api/auth/sessions/?limit=1").await;
    let two = phone.get(&one.link("prev").unwrap()).await;
    assert_eq!(two.link("prev"), None);
    assert_eq!(one.expect(200)[0], list[0]);
    assert_eq!(two.expect(200)[0], list[1]);
}

#[tokio::test]
async fn ended_login_loses_access_and_sockets() {
    let app = TestApp::spawn().await;
    let here = app.register_user("ann").await;
    let there = here.log_in_again().await;
    let mut lost = there.socket("/ws/").await;
    let mut kept = here.socket("/ws/").await;
    let list = logins(&here).await;
    let path = format!("/api/auth/sessions/{}/", list[0]["id"]);
    here.delete(&path).await.expect(204);
    there
        .get("/api/me/")
        .await
        .expect_problem(401, "unauthenticated");
    assert_eq!(lost.expect_close().await, 4401);
    kept.expect_nothing_until_pong().await;
    assert_eq!(logins(&here).await.len(), 1);
    here.delete(&path).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn other_logins_end_together() {
    let app = TestApp::spawn().await;
    let here = app.register_user("ann").await;
    let others = [here.log_in_again().await, here.log_in_again().await];
    let mut lost = others[0].socket("/ws/").await;
    let mut kept = here.socket("/ws/").await;
    for _ in 0..2 {
        here.delete("/api/auth/sessions/").await.expect(204);
        assert_eq!(logins(&here).await.len(), 1);
    }
    for other in &others {
        let refused = other.get("/api/me/").await;
        refused.expect_problem(401, "unauthenticated");
    }
    assert_eq!(lost.expect_close().await, 4401);
    kept.expect_nothing_until_pong().await;
}

/// Guards the order of checks: authentication comes first and doesn't race the
/// others.
#[tokio::test]
async fn unauthenticated_request_reports_no_other_error() {
    let app = TestApp::spawn().await;
    let here = app.register_user("ann").await;
    let there = here.log_in_again().await;
    let list = logins(&here).await;
    here.delete(&format!("/api/auth/sessions/{}/", list[0]["id"]))
        .await
        .expect(204);
    for _ in 0..20 {
        let answer = there.post("/api/me/password/", json!({})).await;
        answer.expect_problem(401, "unauthenticated");
        let answer = there.get("/api/conversations/?limit=none").await;
        answer.expect_problem(401, "unauthenticated");
        let answer = there.post("/api/admin/invites/", json!([])).await;
        answer.expect_problem(404, "not_found");
    }
}

#[tokio::test]
async fn other_users_login_is_not_found() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let path = format!("/api/auth/sessions/{}/", logins(&ben).await[0]["id"]);
    ann.delete(&path).await.expect_problem(404, "not_found");
    ben.get("/api/me/").await.expect(200);
    ann.delete("/api/auth/sessions/999999/")
        .await
        .expect_problem(404, "not_found");
}

async fn change(person: &TestUser, current: &str, new: &str) -> crate::support::ApiResponse {
    let body = json!({ "current_password": current, "new_password": new });
    person.post("/api/me/password/", body).await
}

#[tokio::test]
async fn new_password_ends_other_logins() {
    let app = TestApp::spawn().await;
    let here = app.register_user("ann").await;
    let there = here.log_in_again().await;
    let mut lost = there.socket("/ws/").await;
    let mut kept = here.socket("/ws/").await;
    change(&here, PASSWORD, "another secret").await.expect(204);
    assert_eq!(lost.expect_close().await, 4401);
    there
        .get("/api/me/")
        .await
        .expect_problem(401, "unauthenticated");
    here.get("/api/me/").await.expect(200);
    kept.expect_nothing_until_pong().await;
    app.log_in("ann")
        .await
        .expect_problem(401, "bad_credentials");
    let body = json!({ "username": "ann", "password": "another secret" });
    app.post("/api/auth/login/", body).await.expect(200);
}

#[tokio::test]
async fn wrong_password_changes_nothing() {
    let app = TestApp::spawn().await;
    let here = app.register_user("ann").await;
    let there = here.log_in_again().await;
    let refused = change(&here, "wrong", "another secret").await;
    let refused = refused.expect_problem(422, "invalid");
    assert_eq!(refused["errors"][0]["field"], "current_password");
    let refused = change(&here, PASSWORD, "short").await;
    let refused = refused.expect_problem(422, "weak_password");
    assert_eq!(refused["errors"][0]["field"], "new_password");
    let missing = here.post("/api/me/password/", json!({})).await;
    missing.expect_problem(422, "invalid");
    there.get("/api/me/").await.expect(200);
    app.log_in("ann").await.expect(200);
}

/// Guards against two password changes that both succeed: the second would end
/// the login of the first.
#[tokio::test]
async fn concurrent_password_changes_apply_once() {
    let app = TestApp::spawn().await;
    let here = app.register_user("ann").await;
    let (one, two) = tokio::join!(
        change(&here, PASSWORD, "the first of two"),
        change(&here, PASSWORD, "the second of two"),
    );
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert!(matches!(statuses, [204, 409 | 422]), "{statuses:?}");
}

#[tokio::test]
async fn login_51_ends_longest_unused() {
    let app = TestApp::spawn().await;
    let first = app.register_user("ann").await;
    let second = first.log_in_again().await;
    let mut lost = first.socket("/ws/").await;
    let mut kept = second.socket("/ws/").await;
    for _ in 2..50 {
        first.log_in_again().await;
    }
    kept.expect_nothing_until_pong().await;
    assert_eq!(
        first
            .get("/api/auth/sessions/?limit=100")
            .await
            .expect(200)
            .as_array()
            .unwrap()
            .len(),
        50
    );
    let newest = first.log_in_again().await;
    assert_eq!(lost.expect_close().await, 4401);
    first
        .get("/api/me/")
        .await
        .expect_problem(401, "unauthenticated");
    kept.expect_nothing_until_pong().await;
    let list = newest
        .get("/api/auth/sessions/?limit=100")
        .await
        .expect(200);
    assert_eq!(list.as_array().unwrap().len(), 50);
}

/// Deletes only logins and reset links that ended or expired over 30 days ago.
#[tokio::test]
async fn ended_rows_expire_after_30_days() {
    const DAY: i64 = 24 * 3600 * 1000;
    let app = TestApp::builder()
        .settings(|settings| settings.timings.cleanup_every = Duration::from_millis(50))
        .spawn()
        .await;
    let ann = app.register_user("ann").await;
    let db = app.database().connection().await;
    let days_ago = |days: i64| Millis::now().0 - days * DAY;
    let (old, new) = (days_ago(31), days_ago(29));
    for (device, expires, ended) in [
        ("ended long ago", new, Some(old)),
        ("ended lately", old, Some(new)),
        ("expired long ago", old, None),
        ("expired lately", new, None),
    ] {
        let ended = ended.map_or("NULL".to_owned(), |ended| ended.to_string());
        let id = ann.id;
        let row = format!(
            "INSERT INTO login (user_id, device, address, created_at, last_used_at, expires_at, \
             ended_at) VALUES ({id}, '{device}', '', 0, 0, {expires}, {ended})"
        );
        db.execute_unprepared(&row).await.unwrap();
    }
    for (hash, expires) in [("long ago", old), ("lately", new)] {
        let row = format!(
            "INSERT INTO password_reset (token_hash, user_id, created_at, expires_at) \
             VALUES ('{hash}', {}, 0, {expires})",
            ann.id
        );
        db.execute_unprepared(&row).await.unwrap();
    }
    let left = async |sql: &str| {
        let statement = Statement::from_string(db.get_database_backend(), sql);
        let rows = db.query_all_raw(statement).await.unwrap();
        let names = rows
            .iter()
            .map(|row| row.try_get_by_index::<String>(0).unwrap());
        names.collect::<Vec<_>>()
    };
    let logins = "SELECT device FROM login WHERE created_at = 0 ORDER BY id";
    let links = "SELECT token_hash FROM password_reset";
    until("the old rows to be deleted", async || {
        let is_done = left(logins).await == ["ended lately", "expired lately"];
        (is_done && left(links).await == ["lately"]).then_some(())
    })
    .await;
    ann.get("/api/me/").await.expect(200);
    db.close().await.unwrap();
}

#[tokio::test]
async fn login_address_comes_from_trusted_proxy() {
    async fn noted(app: &TestApp, forwarded: &str) -> Value {
        let body = json!({ "username": "ann", "password": PASSWORD });
        let request = app.site().request(Method::POST, "/api/auth/login/");
        let request = request.header("x-forwarded-for", forwarded).json(&body);
        let token = app.site().send(request).await.expect(200)["token"].take();
        let request = app
            .site()
            .request(Method::GET, "/api/auth/sessions/?limit=1");
        let request = request.bearer_auth(token.as_str().unwrap());
        app.site().send(request).await.expect(200)[0]["address"].take()
    }
    let open = TestApp::spawn().await;
    open.register_user("ann").await;
    assert_eq!(noted(&open, "6.6.6.6").await, "127.0.0.1");

    let trusted = settings(&["--trusted-proxies", "127.0.0.1,10.0.0.0/8"]).trusted_proxies;
    let behind = TestApp::builder().settings(|s| s.trusted_proxies = trusted);
    let behind = behind.spawn().await;
    behind.register_user("ann").await;
    assert_eq!(
        noted(&behind, "6.6.6.6, 1.2.3.4, 10.0.0.7").await,
        "1.2.3.4"
    );
    assert_eq!(noted(&behind, "rubbish").await, "127.0.0.1");
}

/// Returns the settings that the command line parses from these flags.
pub(crate) fn settings(flags: &[&str]) -> Settings {
    use clap::{Args, FromArgMatches};
    use tidings::config::SettingOverrides;
    let command = SettingOverrides::augment_args(clap::Command::new("tidings"));
    let matches = command.get_matches_from(["tidings"].iter().chain(flags));
    Settings::resolve(SettingOverrides::from_arg_matches(&matches).unwrap()).unwrap()
}

#[tokio::test]
async fn other_methods_are_refused() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    for path in ["/api/auth/sessions/", "/api/users/ann/", "/api/blocks/"] {
        let answer = ask(&ann, Method::PUT, path, json!({})).await;
        answer.expect_problem(405, "method_not_allowed");
    }
}
