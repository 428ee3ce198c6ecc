//! Usernames that look like existing ones.

use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DatabaseConnection};
use serde_json::json;

use crate::support::{ApiResponse, PASSWORD, TestApp, TestDatabase};

async fn register(app: &TestApp, username: &str) -> ApiResponse {
    let body = json!({ "username": username, "password": PASSWORD });
    app.post("/api/auth/register/", body).await
}

#[tokio::test]
async fn look_alike_username_is_taken() {
    let app = TestApp::spawn().await;
    for (name, look_alikes) in [
        ("Alice", ["AIice", "A1ice", "aLice", "ALiCE"]),
        (
            "bob.norman",
            ["b0b.norman", "BOB.NORMAN", "bob.n0rman", "bob.norrnan"],
        ),
    ] {
        register(&app, name).await.expect(201);
        for other in look_alikes {
            register(&app, other)
                .await
                .expect_problem(409, "username_taken");
        }
    }
    for different in [
        "alicia",
        "bob_norman",
        "bob-norman",
        "bobnorman",
        "bob.norma",
    ] {
        register(&app, different).await.expect(201);
    }
}

async fn insert(db: &DatabaseConnection, name: &str) {
    let key = name.to_ascii_lowercase();
    db.execute_unprepared(&format!(
        "INSERT INTO \"user\" (username, username_key, display_name, about, password_hash, \
         is_admin, created_at) VALUES ('{name}', '{key}', '{name}', '', '', FALSE, 0)"
    ))
    .await
    .unwrap();
}

/// Existing users keep look-alike names; the oldest one reserves the look.
#[tokio::test]
async fn existing_names_reserve_their_look() {
    let folder = tempfile::tempdir().unwrap();
    let database = TestDatabase::empty(folder.path()).await;
    let db = database.connection().await;
    let before = Migrator::migrations()
        .iter()
        .position(|step| step.name().ends_with("look_alikes"))
        .unwrap();
    let before = u32::try_from(before).unwrap();
    Migrator::up(&db, Some(before)).await.unwrap();
    for name in ["Alice", "AIice", "somebody"] {
        insert(&db, name).await;
    }
    Migrator::up(&db, None).await.unwrap();
    let rows = db
        .query_all_raw(sea_orm::Statement::from_string(
            db.get_database_backend(),
            "SELECT username, username_look FROM \"user\" ORDER BY id",
        ))
        .await
        .unwrap();
    let looks: Vec<(String, Option<String>)> = rows
        .iter()
        .map(|row| {
            (
                row.try_get_by_index(0).unwrap(),
                row.try_get_by_index(1).unwrap(),
            )
        })
        .collect();
    let expected = [
        ("Alice", Some("alice")),
        ("AIice", None),
        ("somebody", Some("sornebody")),
    ];
    let expected = expected.map(|(name, look)| (name.to_owned(), look.map(str::to_owned)));
    assert_eq!(looks, expected);
    db.close().await.unwrap();
}
