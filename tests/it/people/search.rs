//! `GET /api/users/?q=`.

use entity::Millis;
use migration::{Migrator, MigratorTrait};
use sea_orm::ConnectionTrait;
use serde_json::json;
use tidings::protocol::Username;

use super::{names, patch};
use crate::store::statements::watched;
use crate::support::redact::assert_wire;
use crate::support::{Person, TestApp, TestDatabase};
use tidings::store::{Act, Wanted};

async fn found(person: &Person, query: &str) -> Vec<String> {
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

async fn named(app: &TestApp, username: &str, shown: &str) -> Person {
    let person = app.person(username).await;
    let body = json!({ "display_name": shown });
    patch(&person, "/api/me/", body).await.expect(200);
    person
}

#[tokio::test]
async fn people_are_found_by_the_start_of_a_name() {
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

/// Users who share a word are many; those who have the other word too are few.
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
    let wanted = Wanted::of("panda red");
    let (mut after, mut names, mut pages) = (None, Vec::new(), 0);
    loop {
        let page = store.find_users(&wanted, after, 10);
        let (page, heard) = watched(page).await;
        let page = page.unwrap();
        assert!(
            heard.cost().rows <= 12,
            "rows that come out: {:?}",
            heard.cost()
        );
        names.extend(page.found.into_iter().map(|found| found.user.username));
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
async fn a_query_needs_two_characters() {
    let app = TestApp::spawn().await;
    let ann = app.person("ann").await;
    for query in ["", "?q=", "?q=a", "?q=%20a%20", "?q=%C5%BB", "?q=a%00"] {
        let path = format!("/api/users/{query}");
        let refused = ann.get(&path).await.refused(422, "invalid");
        assert_eq!(refused["errors"][0]["field"], "q", "{query}");
    }
    let refused = ann.get("/api/users/?q=an&after=x").await;
    refused.refused(400, "bad_request");
    app.get("/api/users/?q=an")
        .await
        .refused(401, "unauthenticated");
}

#[tokio::test]
async fn a_new_name_is_found_at_once_and_the_old_one_no_more() {
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
async fn who_is_switched_off_is_not_found() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (app.person("ann").await, app.person("ben").await);
    assert_eq!(found(&ann, "ben").await, ["ben"]);
    let store = app.store().await;
    let name = Username::parse(&ben.username).unwrap();
    let row = store.user_named(&name).await.unwrap().unwrap();
    store
        .deactivate(row.id, &Act::at_the_command_line(Millis::now()))
        .await
        .unwrap();
    store.close().await;
    assert_eq!(found(&ann, "ben").await, Vec::<String>::new());
}

#[tokio::test]
async fn pages_hold_everybody_once() {
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
    // A cursor may hold any sign that a word may.
    let one = ann.get("/api/users/?q=zo%C3%AB&limit=1").await;
    let next = one.link("next").unwrap();
    let two = ann.get(&next).await;
    assert_ne!(one.expect(200), two.expect(200));
}

#[tokio::test]
async fn what_is_found_looks_like_this() {
    let app = TestApp::spawn().await;
    let ann = app.person("ann").await;
    let list = ann.get("/api/users/?q=an").await.expect(200);
    assert_wire!("search", list);
}

/// Guards: who registered before there was a search must not stay unfound.
#[tokio::test]
async fn those_who_were_here_before_are_found_too() {
    let folder = tempfile::tempdir().unwrap();
    let database = TestDatabase::empty(folder.path()).await;
    // Opening it makes the file.
    database.store().await.close().await;
    let db = database.connection().await;
    let steps = Migrator::migrations();
    let before = steps
        .iter()
        .position(|step| step.name().ends_with("user_words"));
    let before = u32::try_from(before.unwrap()).unwrap();
    Migrator::up(&db, Some(before)).await.unwrap();
    // More than are read at a time.
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
        let found = store.find_users(&Wanted::of(prefix), None, 5000).await;
        assert_eq!(found.unwrap().found.len(), count, "{prefix}");
    }
    store.close().await;
}
