//! Admin actions on accounts and the frames that they cause.

use super::{Keeper, admin, expect_frame};
use crate::pages::Browser;
use crate::support::{TestApp, TestUser};

#[tokio::test]
async fn admin_rename_is_visible_to_members() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let mut socket = ben.socket("/ws/").await;
    let path = format!("/admin/users/{}/rename", ann.id);
    let taken = [("username", "BEN"), ("display_name", "Ann")];
    let refused = keeper.act(&path, &taken).await.expect(409);
    refused.check_page();
    assert!(refused.text.contains("id=\"username-wrong\""));
    let names = [
        ("username", "anna"),
        ("display_name", "Anna <K>"),
        ("reason", "Married"),
    ];
    let done = keeper.act(&path, &names).await.expect(303);
    assert_eq!(done.location(), format!("/admin/users/{}", ann.id));
    ann.send(id, "Still me").await.expect(201);
    let received = socket.expect_message().await;
    assert_eq!(received["sender"]["display_name"], "Anna <K>");
    assert_eq!(received["sender"]["username"], "anna");
    // The new name works in requests and at login.
    ben.get("/api/users/anna/").await.expect(200);
    ben.get("/api/users/ann/")
        .await
        .expect_problem(404, "not_found");
    app.log_in("anna").await.expect(200);
    let log = keeper.log("?what=user.rename").await;
    assert_eq!(log.len(), 1, "{log:?}");
    let line = &log[0];
    assert!(line.contains(",root,user.rename,"), "{line}");
    assert!(line.contains(&format!("user:{},127.0.0.1,Married,", ann.id)));
    assert!(line.contains("from @ann “ann”"), "{line}");
}

#[tokio::test]
async fn deactivation_ends_sockets_until_reactivation() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let mut socket = ann.socket("/ws/").await;
    let mut bound = ann.chat_socket(id).await;
    let path = |act: &str| format!("/admin/users/{}/{act}", ann.id);
    keeper.act(&path("deactivate"), &[]).await.expect(303);
    assert_eq!(socket.expect_close().await, 4401);
    assert_eq!(bound.expect_close().await, 4401);
    ann.get("/api/me/")
        .await
        .expect_problem(401, "unauthenticated");
    app.log_in("ann").await.expect_problem(403, "deactivated");
    let page = keeper.get(&format!("/admin/users/{}", ann.id)).await;
    assert!(page.expect(200).text.contains("Deactivated"));
    keeper.act(&path("reactivate"), &[]).await.expect(303);
    let again = ann.log_in_again().await;
    // The Room kept running during the deactivation and accepts the user's
    // messages again.
    again.send(id, "Back").await.expect(201);
    assert_eq!(
        actions(&keeper.log("").await),
        ["user.reactivate", "user.deactivate", "user.promote"]
    );
}

#[tokio::test]
async fn last_admin_cannot_be_removed() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    let me = keeper.person.id;
    for act in ["demote", "deactivate", "delete"] {
        let path = format!("/admin/users/{me}/{act}");
        let refused = keeper.act(&path, &[("confirm", "root")]).await.expect(409);
        refused.check_page();
        assert!(refused.text.contains("This is the last admin"), "{act}");
    }
    let ann = app.register_user("ann").await;
    let path = format!("/admin/users/{}/promote", ann.id);
    keeper.act(&path, &[]).await.expect(303);
    let mut theirs = Browser::at(&app);
    theirs.log_in("ann").await.expect(303);
    theirs.get("/admin").await.expect(200);
    let path = format!("/admin/users/{me}/demote");
    keeper.act(&path, &[]).await.expect(303);
    keeper.get("/admin").await.expect(404);
}

#[tokio::test]
async fn admin_ends_single_and_all_logins() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    let ann = app.register_user("ann").await;
    let (second, third) = (ann.log_in_again().await, ann.log_in_again().await);
    let mut socket = second.socket("/ws/").await;
    let logins = second.get("/api/auth/sessions/").await.expect(200);
    let current = logins.as_array().unwrap().iter();
    let mut current = current.filter(|login| login["current"] == true);
    let login = current.next().unwrap()["id"].as_i64().unwrap();
    let page = keeper.get(&format!("/admin/users/{}", ann.id)).await;
    let end = format!("/admin/users/{}/logins/{login}/end", ann.id);
    assert!(page.expect(200).text.contains(&end));
    keeper.browser.submit(&end, &[]).await.expect(303);
    assert_eq!(socket.expect_close().await, 4401);
    keeper.browser.submit(&end, &[]).await.expect(404);
    ann.get("/api/me/").await.expect(200);
    // A login isn't ended through another user's path.
    let mismatched = format!("/admin/users/{}/logins/{}/end", keeper.person.id, login + 1);
    keeper.browser.submit(&mismatched, &[]).await.expect(404);
    third.get("/api/me/").await.expect(200);
    let all = format!("/admin/users/{}/end-logins", ann.id);
    keeper.act(&all, &[]).await.expect(303);
    for person in [ann, third] {
        person
            .get("/api/me/")
            .await
            .expect_problem(401, "unauthenticated");
    }
    app.log_in("ann").await.expect(200);
}

#[tokio::test]
async fn deleted_account_leaves_only_messages() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let direct = ann.open_direct_used(&ben).await;
    let group = group(&ann, &ben).await;
    let mut socket = ben.socket("/ws/").await;
    let mut theirs = ann.socket("/ws/").await;
    let path = format!("/admin/users/{}/delete", ann.id);
    let slip = keeper.act(&path, &[("confirm", "ben")]).await.expect(422);
    assert!(slip.text.contains("id=\"confirm-wrong\""));
    ann.get("/api/me/").await.expect(200);
    keeper.act(&path, &[("confirm", "Ann")]).await.expect(303);
    assert_eq!(theirs.expect_close().await, 4401);
    // Ben receives the end of the connection and a message that he owns the
    // group.
    let gone = expect_frame(&mut socket, "connection").await;
    assert_eq!(gone["connection"]["state"], "none");
    assert_eq!(gone["connection"]["user"]["display_name"], "Deleted user");
    let left = expect_frame(&mut socket, "message").await;
    assert_eq!(
        left["message"]["text"],
        "\u{2068}Deleted user\u{2069} left; \u{2068}ben\u{2069} is now the owner"
    );
    assert_eq!(
        ben.conversation(group).await["participants"][0]["role"],
        "owner"
    );
    ben.send(direct, "Hello?")
        .await
        .expect_problem(403, "not_connected");
    let history = ben.history(direct).await;
    assert_eq!(history[0]["text"], "The first.");
    assert_eq!(history[0]["sender"]["display_name"], "Deleted user");
    app.log_in("ann")
        .await
        .expect_problem(401, "bad_credentials");
    // A new account may have the name.
    let newcomer = app.register_user("ann").await;
    assert_ne!(newcomer.id, ann.id);
    assert_eq!(
        newcomer.get("/api/connections/").await.body,
        serde_json::json!([])
    );
    let page = keeper.get(&format!("/admin/users/{}", ann.id)).await;
    let page = page.expect(200);
    assert!(page.text.contains("This account is deleted"));
    // A deleted account has no more admin actions.
    for act in ["reactivate", "rename", "reset", "promote", "end-logins"] {
        let path = format!("/admin/users/{}/{act}", ann.id);
        let fields = [("username", "back"), ("display_name", "Back")];
        keeper.act(&path, &fields).await.expect(404);
    }
    assert_eq!(actions(&keeper.log("").await)[0], "user.delete");
}

#[tokio::test]
async fn command_line_actions_are_logged() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    admin(&app, "other").await;
    let log = keeper.log("").await;
    assert_eq!(actions(&log), ["user.promote", "user.promote"]);
    assert!(log[0].contains(",,user.promote,") && log[0].contains("command line"));
}

async fn group(owner: &TestUser, other: &TestUser) -> i64 {
    let body = serde_json::json!({ "title": "Crew", "usernames": [other.username] });
    let made = owner.post("/api/conversations/create/", body).await;
    made.expect(201)["id"].as_i64().unwrap()
}

/// Returns the actions of log lines, newest first.
fn actions(log: &[String]) -> Vec<&str> {
    log.iter()
        .map(|line| line.split(',').nth(2).unwrap())
        .collect()
}

/// A refused form lists every invalid field.
#[tokio::test]
async fn admin_form_lists_invalid_fields() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    let ann = app.register_user("ann").await;
    let long = "x".repeat(301);
    let names = [("username", "1"), ("display_name", " "), ("reason", &*long)];
    let path = |act: &str| format!("/admin/users/{}/{act}", ann.id);
    let confirm = [("confirm", "ben"), ("reason", &*long)];
    for (path, fields) in [
        (path("rename"), &names[..]),
        (path("delete"), &confirm),
        ("/admin/users/new".to_owned(), &names[..2]),
    ] {
        let refused = keeper.act(&path, fields).await.expect(422);
        refused.check_page();
        for (field, _) in fields {
            let wrong = format!("id=\"{field}-wrong\"");
            assert!(refused.text.contains(&wrong), "{path}: {field}");
        }
    }
    ann.get("/api/me/").await.expect(200);
}
