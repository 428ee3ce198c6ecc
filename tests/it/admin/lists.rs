//! Paged lists of users, conversations and logins.

use std::collections::BTreeSet;

use entity::{Millis, UserId};
use serde_json::json;
use tidings::protocol::{DisplayName, GroupTitle, Username};
use tidings::store::{NewGroup, NewUser};

use super::Keeper;
use crate::pages::Shown;
use crate::support::TestApp;

/// Returns the names in a page of a list.
fn names(page: &Shown) -> Vec<String> {
    let parts = page.text.split("class=\"line-name\" dir=\"auto\">").skip(1);
    parts
        .map(|part| part.split_once('<').unwrap().0.to_owned())
        .collect()
}

fn next(page: &Shown) -> Option<String> {
    let (before, _) = page.text.split_once(">Next page<")?;
    let (_, href) = before.rsplit_once("href=\"")?;
    let (href, _) = href.split_once('"')?;
    Some(href.replace("&#38;", "&"))
}

async fn all(keeper: &mut Keeper, path: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut path = Some(path.to_owned());
    while let Some(now) = path {
        let page = keeper.get(&now).await.expect(200);
        page.check_page();
        let names = names(&page);
        assert!(names.len() <= 50);
        all.extend(names);
        path = next(&page);
    }
    all
}

#[tokio::test]
async fn users_are_listed_once_per_order() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    let store = app.store().await;
    let mut expected = vec!["root".to_owned()];
    for at in 0..120 {
        let name = format!("user{at:03}");
        let new = NewUser {
            username: Username::parse(&name).unwrap(),
            display_name: DisplayName::parse(&name).unwrap(),
            password_hash: "none".to_owned(),
            is_admin: at == 7,
        };
        store.users().create(new, Millis::now()).await.unwrap();
        expected.push(name);
    }
    store.close().await;
    expected.sort();
    assert_eq!(all(&mut keeper, "/admin/users").await, expected);
    let mut newest = all(&mut keeper, "/admin/users?show=newest").await;
    assert_eq!(newest[0], "user119");
    newest.sort();
    assert_eq!(newest, expected);
    assert_eq!(all(&mut keeper, "/admin/users?q=USER").await, expected[1..]);
    assert_eq!(all(&mut keeper, "/admin/users?q=user11").await.len(), 10);
    assert_eq!(all(&mut keeper, "/admin/users?q=%25").await.len(), 0);
    let admins = all(&mut keeper, "/admin/users?show=admins").await;
    assert_eq!(admins, ["root", "user007"]);
    let found = all(&mut keeper, "/admin/users?show=admins&q=user").await;
    assert_eq!(found, ["user007"]);
    assert_eq!(
        all(&mut keeper, "/admin/users?show=off&q=user").await,
        [""; 0]
    );
}

#[tokio::test]
async fn search_requires_all_words() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    for (username, name) in [
        ("mara", "Mara Lindholt"),
        ("jonas", "Jonas Lindholt"),
        ("mara2", "Mara Élise Ødegård"),
    ] {
        let person = app.register_user(username).await;
        let path = format!("/admin/users/{}/rename", person.id);
        let names = [("username", username), ("display_name", name)];
        keeper.act(&path, &names).await.expect(303);
    }
    for (query, expected) in [
        ("q=Mara+Lindholt", vec!["Mara Lindholt"]),
        ("q=lindholt++MAR", vec!["Mara Lindholt"]),
        ("q=%40mara", vec!["Mara Lindholt", "Mara Élise Ødegård"]),
        ("q=%C3%98DEG+%C3%89L", vec!["Mara Élise Ødegård"]),
        ("q=Mara+Jonas", vec![]),
        ("q=lindholt&show=admins", vec![]),
    ] {
        let found = all(&mut keeper, &format!("/admin/users?{query}")).await;
        assert_eq!(found, expected, "{query}");
    }
    // The page explains that search results have only one order.
    let page = keeper
        .get("/admin/users?q=mara&show=newest")
        .await
        .expect(200);
    page.check_page();
    assert!(page.text.contains("Results are sorted by name."));
    assert!(page.text.contains("<option value=\"newest\" disabled>"));
}

/// Covers many conversations with the same value in the column that orders a
/// list.
#[tokio::test]
async fn equal_sort_keys_keep_list_order() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    let ann = app.register_user("ann").await;
    let store = app.store().await;
    let mut expected = Vec::new();
    for at in 0..120 {
        let title = format!("Group {at:03}");
        let new = NewGroup {
            title: GroupTitle::parse(&title).unwrap(),
            people: BTreeSet::new(),
            text: "made".to_owned(),
            event: "{}".to_owned(),
        };
        let now = Millis(1_700_000_000_000);
        store
            .groups()
            .create(UserId(ann.id), new, now)
            .await
            .unwrap();
        expected.push(title);
    }
    store.close().await;
    let by_words = all(&mut keeper, "/admin/conversations?q=gr").await;
    assert_eq!(by_words, expected);
    assert_eq!(
        all(&mut keeper, "/admin/conversations?q=01+group").await,
        expected[10..20]
    );
    expected.reverse();
    for sort in ["", "?sort=size", "?sort=newest"] {
        let path = format!("/admin/conversations{sort}");
        assert_eq!(all(&mut keeper, &path).await, expected, "{sort}");
    }
}

#[tokio::test]
async fn logins_of_user_have_pages() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    let ann = app.register_user("ann").await;
    for _ in 0..24 {
        ann.log_in_again().await;
    }
    let end = format!("/admin/users/{}/logins/", ann.id);
    let path = format!("/admin/users/{}", ann.id);
    let first = keeper.get(&path).await.expect(200);
    first.check_page();
    assert_eq!(first.text.matches(&end).count(), 20);
    let (before, _) = first.text.split_once(">Older<").unwrap();
    let (_, href) = before.rsplit_once("href=\"").unwrap();
    let href = href.split_once('#').unwrap().0;
    let second = keeper.get(href).await.expect(200);
    second.check_page();
    assert_eq!(second.text.matches(&end).count(), 5);
    assert!(second.text.contains(">Newest<") && !second.text.contains(">Older<"));
}

#[tokio::test]
async fn users_are_filtered_by_state() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let here = ann.socket("/ws/").await;
    let off = format!("/admin/users/{}/deactivate", ben.id);
    keeper.act(&off, &[]).await.expect(303);
    assert_eq!(all(&mut keeper, "/admin/users?show=off").await, ["ben"]);
    crate::support::until("ann to be online", async || {
        let store = app.store().await;
        let found = store
            .presence()
            .load_statuses(&[entity::UserId(ann.id)])
            .await
            .unwrap();
        store.close().await;
        found
            .first()
            .filter(|(_, status)| status.is_online)
            .map(drop)
    })
    .await;
    assert_eq!(all(&mut keeper, "/admin/users?show=online").await, ["ann"]);
    // A user in their first session counts as last seen now.
    assert_eq!(all(&mut keeper, "/admin/users?show=seen").await, ["ann"]);
    let found = all(&mut keeper, "/admin/users?show=online&q=ben").await;
    assert_eq!(found, [""; 0]);
    let page = keeper.get(&format!("/admin/users/{}", ann.id)).await;
    let page = page.expect(200);
    page.check_page();
    assert!(page.text.contains("@ann · online"), "{}", page.text);
    assert!(
        !page.text.contains("No devices."),
        "the user's logins are listed"
    );
    keeper.get("/admin/users/999999").await.expect(404);
    drop(here);
}

#[tokio::test]
async fn conversations_are_searched_and_ordered() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let cat = app.register_user("cat").await;
    ann.connect_with(&cat).await;
    let group = async |title: &str, names: &[&str]| {
        let body = json!({ "title": title, "usernames": names });
        let made = ann.post("/api/conversations/create/", body).await;
        made.expect(201)["id"].as_i64().unwrap()
    };
    let large = group("Éclair lovers", &["ben", "cat"]).await;
    let small = group("100% Crew", &["cat"]).await;
    let direct = ann.open_direct_used(&ben).await;
    ann.send(large, "The latest").await.expect(201);
    let search = async |keeper: &mut Keeper, query: &str| {
        all(keeper, &format!("/admin/conversations{query}")).await
    };
    assert_eq!(
        search(&mut keeper, "").await,
        ["Éclair lovers", "ann and ben", "100% Crew"]
    );
    assert_eq!(search(&mut keeper, "?sort=size").await[0], "Éclair lovers");
    assert_eq!(search(&mut keeper, "?sort=newest").await[0], "ann and ben");
    assert_eq!(search(&mut keeper, "?q=100%25").await, ["100% Crew"]);
    assert_eq!(search(&mut keeper, "?q=%25").await, [""; 0]);
    assert_eq!(
        search(&mut keeper, "?q=%C3%A9CLAIR+L").await,
        ["Éclair lovers"]
    );
    // A search matches any word of the current title.
    assert_eq!(search(&mut keeper, "?q=LOV").await, ["Éclair lovers"]);
    let renamed = json!({ "title": "Ångström" });
    let path = format!("/api/conversations/{large}/");
    let request = ann.site.request(reqwest::Method::PATCH, &path);
    let request = request.bearer_auth(&ann.token).json(&renamed);
    ann.site.send(request).await.expect(200);
    assert_eq!(search(&mut keeper, "?q=LOV").await, [""; 0]);
    assert_eq!(search(&mut keeper, "?q=%C3%A5NG").await, ["Ångström"]);
    assert_eq!(
        search(&mut keeper, "?q=%40cat").await,
        ["100% Crew", "Ångström"]
    );
    assert_eq!(search(&mut keeper, "?q=%40nobody").await, [""; 0]);
    let by_number = format!("?q={direct}");
    assert_eq!(search(&mut keeper, &by_number).await, ["ann and ben"]);
    let page = keeper.get(&format!("/admin/conversations/{small}")).await;
    let page = page.expect(200);
    page.check_page();
    assert!(page.text.contains("owner") && page.text.contains("2 members, 1 message"));
}
