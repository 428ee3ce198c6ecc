//! What admins do to accounts, and who hears of it.

use super::{Keeper, admin, hear};
use crate::pages::Browser;
use crate::support::{Person, TestApp};

#[tokio::test]
async fn a_rename_is_told_as_ones_own_is() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
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
    let heard = socket.expect_message().await;
    assert_eq!(heard["sender"]["display_name"], "Anna <K>");
    assert_eq!(heard["sender"]["username"], "anna");
    // Found by the new name, and logged in by it.
    ben.get("/api/users/anna/").await.expect(200);
    ben.get("/api/users/ann/").await.refused(404, "not_found");
    app.log_in("anna").await.expect(200);
    let log = keeper.log("?what=user.rename").await;
    assert_eq!(log.len(), 1, "{log:?}");
    let line = &log[0];
    assert!(line.contains(",root,user.rename,"), "{line}");
    assert!(line.contains(&format!("user:{},127.0.0.1,Married,", ann.id)));
    assert!(line.contains("from @ann “ann”"), "{line}");
}

#[tokio::test]
async fn who_is_switched_off_is_out_at_once_and_can_come_back() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let mut socket = ann.socket("/ws/").await;
    let mut bound = ann.chat_socket(id).await;
    let path = |act: &str| format!("/admin/users/{}/{act}", ann.id);
    keeper.act(&path("deactivate"), &[]).await.expect(303);
    assert_eq!(socket.expect_close().await, 4401);
    assert_eq!(bound.expect_close().await, 4401);
    ann.get("/api/me/").await.refused(401, "unauthenticated");
    app.log_in("ann").await.refused(403, "deactivated");
    let page = keeper.get(&format!("/admin/users/{}", ann.id)).await;
    assert!(page.expect(200).text.contains("Switched off"));
    keeper.act(&path("reactivate"), &[]).await.expect(303);
    let again = ann.log_in_again().await;
    // The Room, which was live all the while, takes their word again.
    again.send(id, "Back").await.expect(201);
    assert_eq!(
        deeds(&keeper.log("").await),
        ["user.reactivate", "user.deactivate", "user.promote"]
    );
}

#[tokio::test]
async fn the_last_admin_stays_one() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    let me = keeper.person.id;
    for act in ["demote", "deactivate", "delete"] {
        let path = format!("/admin/users/{me}/{act}");
        let refused = keeper.act(&path, &[("confirm", "root")]).await.expect(409);
        refused.check_page();
        assert!(refused.text.contains("This is the last admin"), "{act}");
    }
    let ann = app.person("ann").await;
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
async fn logins_are_ended_one_by_one_and_all_at_once() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    let ann = app.person("ann").await;
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
    // Nobody's login is ended under another's name.
    let elsewhere = format!("/admin/users/{}/logins/{}/end", keeper.person.id, login + 1);
    keeper.browser.submit(&elsewhere, &[]).await.expect(404);
    third.get("/api/me/").await.expect(200);
    let all = format!("/admin/users/{}/end-logins", ann.id);
    keeper.act(&all, &[]).await.expect(303);
    for person in [ann, third] {
        person.get("/api/me/").await.refused(401, "unauthenticated");
    }
    app.log_in("ann").await.expect(200);
}

#[tokio::test]
async fn what_is_left_of_who_is_deleted_are_their_messages() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let direct = ann.talk_with(&ben).await;
    let group = group(&ann, &ben).await;
    let mut socket = ben.socket("/ws/").await;
    let mut theirs = ann.socket("/ws/").await;
    let path = format!("/admin/users/{}/delete", ann.id);
    let slip = keeper.act(&path, &[("confirm", "ben")]).await.expect(422);
    assert!(slip.text.contains("id=\"confirm-wrong\""));
    ann.get("/api/me/").await.expect(200);
    keeper.act(&path, &[("confirm", "Ann")]).await.expect(303);
    assert_eq!(theirs.expect_close().await, 4401);
    // Ben hears that they are connected no more, and owns the group.
    let gone = hear(&mut socket, "connection").await;
    assert_eq!(gone["connection"]["state"], "none");
    assert_eq!(gone["connection"]["user"]["display_name"], "Deleted user");
    let left = hear(&mut socket, "message").await;
    assert_eq!(
        left["message"]["text"],
        "\u{2068}Deleted user\u{2069} left; \u{2068}ben\u{2069} owns the group now"
    );
    assert_eq!(
        ben.conversation(group).await["participants"][0]["role"],
        "owner"
    );
    ben.send(direct, "Hello?")
        .await
        .refused(403, "not_connected");
    let history = ben.history(direct).await;
    assert_eq!(history[0]["text"], "The first.");
    assert_eq!(history[0]["sender"]["display_name"], "Deleted user");
    app.log_in("ann").await.refused(401, "bad_credentials");
    // The name is free, and is somebody else.
    let newcomer = app.person("ann").await;
    assert_ne!(newcomer.id, ann.id);
    assert_eq!(
        newcomer.get("/api/connections/").await.body,
        serde_json::json!([])
    );
    let page = keeper.get(&format!("/admin/users/{}", ann.id)).await;
    let page = page.expect(200);
    assert!(page.text.contains("This account is deleted"));
    // There is nothing to be done to it any more.
    for act in ["reactivate", "rename", "reset", "promote", "end-logins"] {
        let path = format!("/admin/users/{}/{act}", ann.id);
        let fields = [("username", "back"), ("display_name", "Back")];
        keeper.act(&path, &fields).await.expect(404);
    }
    assert_eq!(deeds(&keeper.log("").await)[0], "user.delete");
}

#[tokio::test]
async fn the_command_line_s_acts_stand_in_the_same_log() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    admin(&app, "other").await;
    let log = keeper.log("").await;
    assert_eq!(deeds(&log), ["user.promote", "user.promote"]);
    assert!(log[0].contains(",,user.promote,") && log[0].contains("command line"));
}

async fn group(owner: &Person, other: &Person) -> i64 {
    let body = serde_json::json!({ "title": "Crew", "usernames": [other.username] });
    let made = owner.post("/api/conversations/create/", body).await;
    made.expect(201)["id"].as_i64().unwrap()
}

/// What was done, the newest first.
fn deeds(log: &[String]) -> Vec<&str> {
    log.iter()
        .map(|line| line.split(',').nth(2).unwrap())
        .collect()
}

/// A form that is refused shows everything that has to be mended.
#[tokio::test]
async fn admin_form_shows_every_fault() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    let ann = app.person("ann").await;
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
