//! `GET /api/users/?q=`.

use entity::Millis;
use migration::{Migrator, MigratorTrait};
use sea_orm::ConnectionTrait;
use serde_json::json;
use tidings::protocol::Username;

use super::{names, patch};
use crate::store::statements::watched;
use crate::support::redact::assert_wire;
use crate::support::{TestApp, TestDatabase, TestUser};
use tidings::store::{AuditContext, SearchTerms};

async fn found(person: &TestUser, query: &str) -> Vec<String> {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("q", query)
        .finish();
    let request = person
        .site
        .request(reqwest::Method::GET, &format!("/api/users/?{query}"))
        .bearer_auth(&person.token);
    let list = person.site.send(request).await.expect(200);
    names(&list).into_iter().map(str::to_owned).collect()
}

async fn named(app: &TestApp, username: &str, shown: &str) -> TestUser {
    let person = app.register_user(username).await;
    let body = json!({ "display_name": shown });
    patch(&person, "/api/me/", body).await.expect(200);
    person
}

#[tokio::test]
async fn search_matches_start_of_words() {
    let app = TestApp::spawn().await;
    let ann = named(&app, "Ann", "Anna-Maria Żuk").await;
    let _ben = named(&app, "ben", "Bénédicte Annan").await;
    let _lit = named(&app, "per_cent", "50%_off").await;
    for (query, who) in [
        ("an", vec!["Ann", "ben"]),
        ("ANN", vec!["Ann", "ben"]),
        ("ann ", vec!["Ann", "ben"]),
        ("anna-m", vec!["Ann"]),
        ("mar", vec!["Ann"]),
        ("żu", vec!["Ann"]),
        ("ŻU", vec!["Ann"]),
        ("BÉN", vec!["ben"]),
        ("be", vec!["ben"]),
        ("nn", vec![]),
        ("zz", vec![]),
        ("%%", vec![]),
        ("__", vec![]),
        ("50%", vec!["per_cent"]),
        ("annannannann", vec![]),
    ] {
        assert_eq!(found(&ann, query).await, who, "{query}");
    }
}

#[tokio::test]
async fn each_word_of_query_narrows_search() {
    let app = TestApp::spawn().await;
    let ann = named(&app, "ann", "Red Panda").await;
    let _ben = named(&app, "ben", "Red Fox").await;
    for (query, who) in [
        ("Red Panda", vec!["ann"]),
        ("pan red", vec!["ann"]),
        ("red", vec!["ann", "ben"]),
        ("@ann", vec!["ann"]),
        ("ann panda", vec!["ann"]),
        ("red wolf", vec![]),
    ] {
        assert_eq!(found(&ann, query).await, who, "{query}");
    }
}

#[tokio::test]
async fn search_ignores_case_and_form() {
    let app = TestApp::spawn().await;
    let ann = named(&app, "ann", "İzmir Caf\u{E9}").await;
    let _ben = named(&app, "ben", "Straße Rock’n’Roll").await;
    for (query, who) in [
        ("izmir", "ann"),
        ("İZMİR", "ann"),
        ("cafe\u{301}", "ann"),
        ("STRASSE", "ben"),
        ("rock'n", "ben"),
    ] {
        assert_eq!(found(&ann, query).await, [who], "{query}");
    }
}

/// Many users match one word, few match both.
#[tokio::test]
async fn search_reads_bounded_rows_per_page() {
    let app = TestApp::spawn().await;
    let ann = named(&app, "ann", "Red Panda").await;
    let db = app.database().connection().await;
    for number in 0..500 {
        let id = 1_000 + number;
        db.execute_unprepared(&format!(
            "INSERT INTO \"user\" (id, username, username_key, display_name, about, password_hash, \
             is_admin, created_at) VALUES ({id}, 'u{id}', 'u{id}', 'Panda', '', '', FALSE, 0)"
        ))
        .await
        .unwrap();
        db.execute_unprepared(&format!(
            "INSERT INTO user_word (word, user_id) VALUES ('panda', {id})"
        ))
        .await
        .unwrap();
    }
    db.execute_unprepared("INSERT INTO user_word (word, user_id) VALUES ('red', 1499)")
        .await
        .unwrap();
    db.close().await.unwrap();
    let store = app.store().await;
    let wanted = SearchTerms::parse("panda red");
    let (mut after, mut names, mut pages) = (None, Vec::new(), 0);
    loop {
        let page = store.users().search(&wanted, after, 10);
        let (page, log) = watched(page).await;
        let page = page.unwrap();
        assert!(log.cost().rows <= 12, "rows returned: {:?}", log.cost());
        names.extend(page.users.into_iter().map(|found| found.user.username));
        pages += 1;
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(names, [ann.username.as_str(), "u1499"]);
    assert_eq!(pages, 500 / 80 + 1, "each page reads 80 words");
    store.close().await;
}

#[tokio::test]
async fn query_requires_two_characters() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    for query in ["", "?q=", "?q=a", "?q=%20a%20", "?q=%C5%BB", "?q=a%00"] {
        let path = format!("/api/users/{query}");
        let refused = ann.get(&path).await.expect_problem(422, "invalid");
        assert_eq!(refused["errors"][0]["field"], "q", "{query}");
    }
    let refused = ann.get("/api/users/?q=an&after=x").await;
    refused.expect_problem(400, "bad_request");
    app.get("/api/users/?q=an")
        .await
        .expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn search_finds_new_name_only() {
    let app = TestApp::spawn().await;
    let ann = named(&app, "ann", "Silver Fox").await;
    assert_eq!(found(&ann, "silv").await, ["ann"]);
    let body = json!({ "display_name": "Golden Fox" });
    patch(&ann, "/api/me/", body).await.expect(200);
    assert_eq!(found(&ann, "silv").await, Vec::<String>::new());
    assert_eq!(found(&ann, "gold").await, ["ann"]);
    assert_eq!(found(&ann, "fox").await, ["ann"]);
    assert_eq!(found(&ann, "ann").await, ["ann"]);
}

#[tokio::test]
async fn deactivated_user_is_not_found() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    assert_eq!(found(&ann, "ben").await, ["ben"]);
    let store = app.store().await;
    let name = Username::parse(&ben.username).unwrap();
    let row = store.users().find_by_name(&name).await.unwrap().unwrap();
    store
        .accounts()
        .deactivate(row.id, &AuditContext::from_command_line(Millis::now()))
        .await
        .unwrap();
    store.close().await;
    assert_eq!(found(&ann, "ben").await, Vec::<String>::new());
}

#[tokio::test]
async fn search_pages_list_each_user_once() {
    let app = TestApp::spawn().await;
    let ann = named(&app, "ann", "Zoë & Zora Zo Zoo").await;
    for name in ["zoa", "zob", "zoc", "zod"] {
        named(&app, name, "Zoë Z").await;
    }
    let mut path = "/api/users/?q=ZO&limit=2".to_owned();
    let (mut seen, mut pages) = (Vec::new(), 0);
    loop {
        let answer = ann.get(&path).await;
        let next = answer.link("next");
        let list = answer.expect(200);
        seen.extend(names(&list).into_iter().map(str::to_owned));
        pages += 1;
        let Some(next) = next else { break };
        assert!(next.contains("q=ZO&after="), "{next}");
        path = next;
    }
    assert_eq!(seen, ["ann", "zoa", "zob", "zoc", "zod"]);
    assert_eq!(pages, 3);
    // A cursor may contain any character that a word may contain.
    let one = ann.get("/api/users/?q=zo%C3%AB&limit=1").await;
    let next = one.link("next").unwrap();
    let two = ann.get(&next).await;
    assert_ne!(one.expect(200), two.expect(200));
}

#[tokio::test]
async fn search_result_matches_snapshot() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    let list = ann.get("/api/users/?q=an").await.expect(200);
    assert_wire!("search", list);
}

/// Guards users from before the search: their names must be indexed by the
/// migration.
#[tokio::test]
async fn migration_indexes_existing_users() {
    let folder = tempfile::tempdir().unwrap();
    let database = TestDatabase::empty(folder.path()).await;
    // Opening the store creates the file.
    database.store().await.close().await;
    let db = database.connection().await;
    let steps = Migrator::migrations();
    let before = steps
        .iter()
        .position(|step| step.name().ends_with("user_words"));
    let before = u32::try_from(before.unwrap()).unwrap();
    Migrator::up(&db, Some(before)).await.unwrap();
    // More than the migration reads at a time.
    for number in 0..1001 {
        db.execute_unprepared(&format!(
            "INSERT INTO \"user\" (username, username_key, display_name, about, password_hash, \
             is_admin, created_at) VALUES ('U{number:04}', 'u{number:04}', 'Ünal N{number}', '', '', FALSE, 0)"
        ))
        .await
        .unwrap();
    }
    Migrator::up(&db, None).await.unwrap();
    db.close().await.unwrap();
    let store = database.store().await;
    for (prefix, count) in [("u0", 1000), ("u1000", 1), ("ün", 1001), ("n999", 1)] {
        let found = store
            .users()
            .search(&SearchTerms::parse(prefix), None, 5000)
            .await;
        assert_eq!(found.unwrap().users.len(), count, "{prefix}");
    }
    store.close().await;
}
