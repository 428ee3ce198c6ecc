//! Admin actions that require the password again.

use sea_orm::ConnectionTrait as _;

use super::Keeper;
use crate::support::{PASSWORD, TestApp, until};

/// Makes all logins an hour older.
async fn age_logins(app: &TestApp, keeper: &mut Keeper, page: &str) {
    let db = app.database().connection().await;
    let age = "UPDATE login SET created_at = created_at - 3600000";
    db.execute_unprepared(age).await.unwrap();
    db.close().await.unwrap();
    // The server caches logins for a moment.
    until("the password field", async || {
        let shown = keeper.get(page).await.expect(200);
        shown.text.contains("name=\"password\"").then_some(())
    })
    .await;
}

#[tokio::test]
async fn sensitive_actions_need_recent_password() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let conversation = ann.open_direct_used(&ben).await;
    let promote = format!("/admin/users/{}/promote", ann.id);
    let page = keeper.get(&promote).await.expect(200);
    assert!(!page.text.contains("name=\"password\""), "just logged in");
    age_logins(&app, &mut keeper, &promote).await;

    let user = |act: &str| format!("/admin/users/{}/{act}", ann.id);
    let read = format!("/admin/conversations/{conversation}/read");
    let fields = [
        ("reason", "Asked to"),
        ("confirm", "ann"),
        ("username", "zoe"),
        ("display_name", "Zoe"),
    ];
    let paths = [
        user("promote"),
        user("demote"),
        user("delete"),
        user("reset"),
        read.clone(),
        "/admin/users/new".to_owned(),
    ];
    for path in &paths {
        let page = keeper.get(path).await.expect(200);
        page.check_page();
        assert!(page.text.contains("type=\"password\""), "{path}");
        for password in ["", "wrong"] {
            let mut fields = fields.to_vec();
            fields.push(("password", password));
            let refused = keeper.act(path, &fields).await.expect(422);
            assert!(refused.text.contains("id=\"password-wrong\""), "{path}");
            assert!(
                !refused.text.contains("wrong\" maxlength"),
                "the page repeats no password"
            );
        }
    }
    // The only line in the audit log records that this user was made an admin.
    assert_eq!(keeper.log("").await.len(), 1, "no action was taken");
    // Other actions need no password.
    keeper.act(&user("end-logins"), &[]).await.expect(303);
    // One correct password is enough for all later actions.
    let fields = [("reason", "Asked to"), ("password", PASSWORD)];
    keeper.act(&read, &fields).await.expect(200);
    let page = keeper.get(&promote).await.expect(200);
    assert!(!page.text.contains("name=\"password\""));
    keeper.act(&promote, &[]).await.expect(303);
}
