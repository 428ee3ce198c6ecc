//! Registration by invitation.

use entity::Millis;
use migration::{Migrator, MigratorTrait as _};
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::{Value, json};
use tidings::auth::random;
use tidings::config::Registration;
use tidings::protocol::{DisplayName, Username};
use tidings::store::NewUser;

use crate::support::redact::assert_wire;
use crate::support::{ApiResponse, TestApp, TestDatabase, TestUser};

async fn by_invite() -> TestApp {
    let builder = TestApp::builder();
    builder
        .settings(|settings| settings.registration = Registration::Invite)
        .spawn()
        .await
}

async fn register(app: &TestApp, username: &str, invite: Value) -> ApiResponse {
    let body = json!({
        "username": username, "password": "correct horse battery", "invite": invite,
    });
    app.post("/api/auth/register/", body).await
}

/// Creates an admin as the command line does.
async fn admin(app: &TestApp) -> TestUser {
    use tidings::auth::passwords;
    use tidings::protocol::Password;
    let store = app.store().await;
    let password = Password::parse("correct horse battery").unwrap();
    let new = NewUser {
        username: Username::parse("root").unwrap(),
        display_name: DisplayName::parse("Root").unwrap(),
        password_hash: passwords::hash(&password).unwrap(),
        is_admin: true,
    };
    let id = store.users().create(new, Millis::now()).await.unwrap().id.0;
    store.close().await;
    let token = app.log_in("root").await.expect(200)["token"].take();
    TestUser {
        site: app.site().clone(),
        username: "root".to_owned(),
        id,
        token: token.as_str().unwrap().to_owned(),
    }
}

async fn invite(admin: &TestUser, body: Value) -> String {
    let made = admin.post("/api/admin/invites/", body).await.expect(201);
    made["code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn invitation_is_limited_by_uses() {
    let app = by_invite().await;
    let root = admin(&app).await;
    let code = invite(&root, json!({ "uses": 2 })).await;
    register(&app, "ann", json!(code)).await.expect(201);
    // A failed registration consumes no use.
    register(&app, "ANN", json!(code))
        .await
        .expect_problem(409, "username_taken");
    register(&app, "ben", json!(format!(" {code} ")))
        .await
        .expect(201);
    for bad in [json!(code), json!("nonsense"), json!(""), Value::Null] {
        let refused = register(&app, "cat", bad)
            .await
            .expect_problem(422, "invalid");
        assert_eq!(refused["errors"][0]["field"], "invite");
    }
}

#[tokio::test]
async fn last_use_registers_one_user() {
    let app = by_invite().await;
    let root = admin(&app).await;
    for round in 0..5 {
        let code = json!(invite(&root, json!({})).await);
        let names = ["ann", "ben", "cat"].map(|name| format!("{name}{round}"));
        let (one, two, three) = tokio::join!(
            register(&app, &names[0], code.clone()),
            register(&app, &names[1], code.clone()),
            register(&app, &names[2], code.clone()),
        );
        let mut statuses = [one.status, two.status, three.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 422, 422]);
    }
}

#[tokio::test]
async fn invitation_expires_at_its_time() {
    let app = by_invite().await;
    let root = admin(&app).await;
    let soon = Millis(Millis::now().0 + 1500);
    let code = invite(&root, json!({ "uses": 9, "expires_at": soon })).await;
    register(&app, "ann", json!(code)).await.expect(201);
    tokio::time::sleep(std::time::Duration::from_millis(1600)).await;
    register(&app, "ben", json!(code))
        .await
        .expect_problem(422, "invalid");
}

#[tokio::test]
async fn invitation_endpoint_is_hidden_from_users() {
    let app = TestApp::spawn().await;
    let (root, ann) = (admin(&app).await, app.register_user("ann").await);
    let made = root.post("/api/admin/invites/", json!({})).await;
    let made = made.expect(201);
    assert_eq!(made["code"].as_str().unwrap().len(), 22);
    let mut shown = made.clone();
    shown["code"] = "[code]".into();
    assert_wire!("invite", shown);
    ann.post("/api/admin/invites/", json!({}))
        .await
        .expect_problem(404, "not_found");
    app.post("/api/admin/invites/", json!({}))
        .await
        .expect_problem(404, "not_found");
    let past = "2020-01-01T00:00:00.000Z";
    for (field, value) in [
        ("uses", json!(0)),
        ("uses", json!(-1)),
        ("uses", json!(1.5)),
        ("uses", json!(1_000_000)),
        ("expires_at", json!(past)),
        ("expires_at", json!("soon")),
    ] {
        let refused = root
            .post("/api/admin/invites/", json!({ field: value }))
            .await;
        let refused = refused.expect_problem(422, "invalid");
        assert_eq!(refused["errors"][0]["field"], field);
    }
}

/// A leaked copy of the database can't be used to register.
#[tokio::test]
async fn database_holds_no_invitation_code() {
    let app = by_invite().await;
    let root = admin(&app).await;
    let code = invite(&root, json!({ "uses": 2 })).await;
    let db = app.database().connection().await;
    let rows = Statement::from_string(db.get_database_backend(), "SELECT code_hash FROM invite");
    let row = db.query_one_raw(rows).await.unwrap().unwrap();
    let kept: String = row.try_get_by_index(0).unwrap();
    db.close().await.unwrap();
    assert_ne!(kept, code);
    register(&app, "ann", json!(kept))
        .await
        .expect_problem(422, "invalid");
    register(&app, "ann", json!(code)).await.expect(201);
}

/// Invitations created before codes were hashed remain valid.
#[tokio::test]
async fn hashing_migration_keeps_invitations_valid() {
    const CODE: &str = "a code as it was kept";
    let folder = tempfile::tempdir().unwrap();
    let database = TestDatabase::empty(folder.path()).await;
    let db = database.connection().await;
    let steps = Migrator::migrations();
    let before = steps
        .iter()
        .position(|step| step.name().ends_with("invite_hashes"));
    Migrator::up(&db, before.map(|at| u32::try_from(at).unwrap()))
        .await
        .unwrap();
    for step in [
        "INSERT INTO \"user\" (username, username_key, display_name, about, password_hash, \
         is_admin, created_at) VALUES ('root', 'root', 'Root', '', '', TRUE, 0)",
        "INSERT INTO invite (code, uses_left, created_by, created_at) VALUES ('a code as it was kept', 1, 1, 0)",
        "INSERT INTO invite (code, uses_left, created_by, created_at) VALUES ('another', 1, 1, 0)",
    ] {
        db.execute_unprepared(step).await.unwrap();
    }
    Migrator::up(&db, None).await.unwrap();
    db.close().await.unwrap();
    let store = database.store().await;
    let new = || NewUser {
        username: Username::parse("ann").unwrap(),
        display_name: DisplayName::parse("Ann").unwrap(),
        password_hash: String::new(),
        is_admin: false,
    };
    for refused in [CODE.to_owned(), random::digest("nonsense")] {
        assert!(
            store
                .users()
                .create_invited(new(), &refused, Millis(1))
                .await
                .is_err()
        );
    }
    let hash = random::digest(CODE);
    store
        .users()
        .create_invited(new(), &hash, Millis(1))
        .await
        .unwrap();
    store.close().await;
}

#[tokio::test]
async fn closed_registration_refuses_invited_user() {
    let builder = TestApp::builder();
    let app = builder
        .settings(|settings| settings.registration = Registration::Closed)
        .spawn()
        .await;
    let root = admin(&app).await;
    let code = invite(&root, json!({})).await;
    register(&app, "ann", json!(code))
        .await
        .expect_problem(403, "forbidden");
}
