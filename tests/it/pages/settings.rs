//! `/settings` without scripts.

use serde_json::{Value, json};

use super::Browser;
use crate::support::TestApp;

const PASSWORD: &str = "correct horse battery";

/// Logs a user in.
async fn browser(app: &TestApp, username: &str) -> Browser {
    let mut browser = Browser::at(app);
    browser.log_in(username).await.expect(303);
    browser
}

#[tokio::test]
async fn profile_is_changed_by_form() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    let mut browser = browser(&app, "ann").await;
    let page = browser.get("/settings").await.expect(200);
    page.check_page();
    assert!(page.text.contains("name=\"display_name\" value=\"ann\""));
    let fields = [("display_name", "Ann <b>"), ("about", "Tea.")];
    let saved = browser.submit("/settings/profile", &fields).await;
    let saved = saved.expect(303).location().to_owned();
    let page = browser.get(&saved).await.expect(200);
    assert!(page.text.contains("role=\"status\">Saved.</p>"));
    let page = browser.get("/settings").await.expect(200);
    assert!(!page.text.contains("Saved."));
    let me = ann.get("/api/me/").await.expect(200);
    assert_eq!(
        (&me["display_name"], &me["about"]),
        (&"Ann <b>".into(), &"Tea.".into())
    );
    let fields = [("display_name", ""), ("about", "Still here")];
    let refused = browser
        .submit("/settings/profile", &fields)
        .await
        .expect(422);
    refused.check_page();
    assert!(refused.text.contains("id=\"display_name-wrong\""));
    assert!(refused.text.contains("Still here"), "the input stays");
}

#[tokio::test]
async fn password_is_changed_by_form() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    let mut browser = browser(&app, "ann").await;
    browser.get("/settings").await.expect(200);
    let wrong = [
        ("current_password", "not that one"),
        ("new_password", "a long new one"),
    ];
    let refused = browser
        .submit("/settings/password", &wrong)
        .await
        .expect(422);
    assert!(refused.text.contains("id=\"current_password-wrong\""));
    let weak = [("current_password", PASSWORD), ("new_password", "short")];
    let refused = browser
        .submit("/settings/password", &weak)
        .await
        .expect(422);
    assert!(refused.text.contains("id=\"new_password-wrong\""));
    let right = [
        ("current_password", PASSWORD),
        ("new_password", "a long new one"),
    ];
    let changed = browser.submit("/settings/password", &right).await;
    let changed = changed.expect(303).location().to_owned();
    assert_eq!(changed, "/settings?done=password#password-heading");
    let changed = browser.get(&changed).await.expect(200);
    changed.check_page();
    assert!(changed.text.contains("Password changed."));
    ann.get("/api/me/").await.expect(401);
    browser.get("/settings").await.expect(200);
}

#[tokio::test]
async fn security_events_leave_notices() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    let mut browser = browser(&app, "ann").await;
    let page = browser.get("/settings").await.expect(200);
    assert!(!page.text.contains("Account notices"));
    browser.submit("/settings/export", &[]).await.expect(200);
    let fields = [
        ("current_password", PASSWORD),
        ("new_password", "a long new one"),
    ];
    let changed = browser.submit("/settings/password", &fields).await;
    changed.expect(303);
    let page = browser.get("/settings").await.expect(200);
    page.check_page();
    let (_, rest) = page.text.split_once("Account notices").unwrap();
    let (first, second) = rest.split_once("</li>").unwrap();
    assert!(first.contains("Your password was changed.") && first.contains("127.0.0.1"));
    assert!(second.contains("Your data was downloaded."));
    let list = browser.get("/messages").await.expect(200);
    list.check_page();
    assert!(list.text.contains("Your password was changed."));
    let (_, until) = page.text.split_once("name=\"until\" value=\"").unwrap();
    let (until, _) = until.split_once('"').unwrap();
    browser
        .submit("/settings/notices", &[("until", until)])
        .await
        .expect(303);
    let page = browser.get("/settings").await.expect(200);
    assert!(!page.text.contains("Account notices"));
    ann.get("/api/me/")
        .await
        .expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn single_login_is_ended_by_form() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    let mut browser = browser(&app, "ann").await;
    let page = browser.get("/settings").await.expect(200);
    assert_eq!(page.text.matches("· this device").count(), 1);
    let (_, rest) = page.text.split_once("/settings/logins/").unwrap();
    let (other, _) = rest.split_once('/').unwrap();
    let end = format!("/settings/logins/{other}/end");
    browser.token = "x".repeat(43);
    browser.submit(&end, &[]).await.expect(403);
    browser.get("/settings").await.expect(200);
    browser.submit(&end, &[]).await.expect(303);
    ann.get("/api/me/").await.expect(401);
    let page = browser.get("/settings").await.expect(200);
    assert!(!page.text.contains("/settings/logins/"));
}

#[tokio::test]
async fn login_list_has_pages() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    for _ in 0..20 {
        ann.log_in_again().await;
    }
    let mut browser = browser(&app, "ann").await;
    let first = browser.get("/settings").await.expect(200);
    first.check_page();
    assert_eq!(first.text.matches("/end\"").count(), 19);
    let (_, rest) = first.text.split_once("href=\"/settings?before=").unwrap();
    let (before, _) = rest.split_once('#').unwrap();
    let second = browser.get(&format!("/settings?before={before}")).await;
    let second = second.expect(200);
    second.check_page();
    assert_eq!(second.text.matches("/end\"").count(), 2);
    assert!(!second.text.contains("Older devices"));
    assert!(second.text.contains("Newest devices"));
}

#[tokio::test]
async fn other_logins_are_ended_by_form() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    let mut browser = browser(&app, "ann").await;
    let page = browser.get("/settings").await.expect(200);
    assert!(page.text.contains("Log out everywhere else"));
    let end = "/settings/logins/end-others";
    let ended = browser.submit(end, &[]).await.expect(303);
    let page = browser.get(ended.location()).await.expect(200);
    page.check_page();
    assert!(page.text.contains("logged out on all other devices."));
    assert!(!page.text.contains("Log out everywhere else"));
    ann.get("/api/me/").await.expect(401);
}

#[tokio::test]
async fn blocked_users_have_pages() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    for number in 10..31 {
        let name = format!("user-{number}");
        app.register_user(&name).await;
        ann.put(&format!("/api/blocks/{name}/")).await.expect(200);
    }
    let mut browser = browser(&app, "ann").await;
    let first = browser.get("/settings").await.expect(200);
    first.check_page();
    assert_eq!(first.text.matches("/settings/blocks/").count(), 20);
    let (_, rest) = first.text.split_once("/settings?blocked_after=").unwrap();
    let (after, _) = rest.split_once('#').unwrap();
    let second = format!("/settings?blocked_after={after}");
    let second = browser.get(&second).await.expect(200);
    second.check_page();
    assert!(second.text.contains("/settings/blocks/user-30/end"));
    assert!(second.text.contains("First blocked users"));
    let done = browser.submit("/settings/blocks/user-30/end", &[]).await;
    let page = browser.get(done.expect(303).location()).await.expect(200);
    assert!(page.text.contains("Unblocked."));
    assert!(!page.text.contains("More blocked users"));
}

#[tokio::test]
async fn account_is_deleted_by_form() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    let mut browser = browser(&app, "ann").await;
    browser.get("/settings").await.expect(200);
    let wrong = [("password", "not that one")];
    let refused = browser.submit("/settings/delete", &wrong).await.expect(422);
    refused.check_page();
    assert!(refused.text.contains("id=\"password-wrong\""));
    ann.get("/api/me/").await.expect(200);
    let right = [("password", PASSWORD)];
    let gone = browser.submit("/settings/delete", &right).await.expect(303);
    assert_eq!(gone.location(), "/login?ended=deleted");
    assert_eq!(gone.header("clear-site-data"), Some("\"storage\""));
    assert_eq!(browser.cookie("tidings"), None);
    let page = browser.get("/login?ended=deleted").await.expect(200);
    page.check_page();
    assert!(page.text.contains("Your account was deleted."));
    ann.get("/api/me/").await.expect(401);
}

#[tokio::test]
async fn last_admin_stays_after_deletion_form() {
    let app = TestApp::spawn().await;
    crate::admin::admin(&app, "root").await;
    let mut browser = browser(&app, "root").await;
    browser.get("/settings").await.expect(200);
    let right = [("password", PASSWORD)];
    let refused = browser.submit("/settings/delete", &right).await.expect(409);
    refused.check_page();
    assert!(refused.text.contains("This is the last admin"));
    browser.get("/settings").await.expect(200);
}

/// The export contains all that its user may see and nothing more.
#[tokio::test]
async fn export_contains_visible_data() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let cas = app.register_user("cas").await;
    ann.put("/api/blocks/cas/").await.expect(200);
    let direct = ann.open_direct(&ben).await;
    for number in 1..=101 {
        ben.send(direct, &format!("No. {number}")).await.expect(201);
    }
    let group = json!({ "title": "The crew", "usernames": ["ben"] });
    let group = ann.post("/api/conversations/create/", group).await;
    let group = group.expect(201)["id"].as_i64().unwrap();
    ann.send(group, "Good bye").await.expect(201);
    ann.post(&format!("/api/conversations/{group}/leave/"), json!({}))
        .await
        .expect(200);
    ben.send(group, "She is gone").await.expect(201);
    let mut browser = browser(&app, "ann").await;
    browser.get("/settings").await.expect(200);
    browser.get("/settings/export").await.expect(405);
    let all = browser.submit("/settings/export", &[]).await.expect(200);
    let lines = all
        .text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let lines: Vec<Value> = lines.collect();
    let kinds: Vec<&str> = lines
        .iter()
        .map(|it| it["type"].as_str().unwrap())
        .collect();
    let messages = |count| std::iter::repeat_n("message", count);
    let expected = ["me", "connection", "block", "conversation"].into_iter();
    let expected = expected
        .chain(messages(101))
        .chain(["conversation"])
        .chain(messages(2));
    assert_eq!(kinds, expected.collect::<Vec<_>>());
    assert_eq!(lines[0]["me"], ann.get("/api/me/").await.expect(200));
    assert_eq!(lines[2]["user"]["id"], cas.id);
    assert_eq!(lines[3]["conversation"], ann.conversation(direct).await);
    let said: Vec<&Value> = lines[5..105].iter().map(|it| &it["message"]).collect();
    assert_eq!(said, ann.history(direct).await.iter().collect::<Vec<_>>());
    assert_eq!(lines[106]["message"]["event"]["type"], "created");
    assert_eq!(lines[107]["message"]["text"], "Good bye");
}

#[tokio::test]
async fn settings_and_profiles_need_login() {
    let app = TestApp::spawn().await;
    let mut browser = Browser::at(&app);
    for path in ["/settings", "/profile/ann"] {
        let turned = browser.get(path).await.expect(303);
        assert!(turned.location().starts_with("/login?next=%2F"), "{path}");
    }
}
