//! Pages of the list of conversations: limited in bytes too, and joined by
//! links.

use serde_json::Value;

use crate::groups::crew::{friends, group};
use crate::groups::largest_group::{fill, run};
use crate::receipts::cost::copies;
use crate::support::{TestApp, TestUser};

/// The maximum number of bytes of a page of the list, as JSON.
const PAGE_BYTES: usize = 256 * 1024;

/// Returns all pages of a user's list.
async fn pages(person: &TestUser) -> Vec<Vec<Value>> {
    let mut pages = Vec::new();
    let mut path = "/api/conversations/?limit=100".to_owned();
    loop {
        let answer = person.get(&path).await;
        let next = answer.link("prev");
        let page = answer.expect(200);
        pages.push(page.as_array().unwrap().clone());
        match next {
            Some(next) => path = next,
            None => return pages,
        }
    }
}

fn bytes(page: &[Value]) -> usize {
    serde_json::to_string(page).unwrap().len()
}

fn ids(pages: &[Vec<Value>]) -> Vec<i64> {
    let all = pages.iter().flatten();
    all.map(|one| one["id"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn list_of_long_messages_links_on() {
    let app = TestApp::spawn().await;
    let names: Vec<String> = (0..9).map(|at| format!("friend{at}")).collect();
    let names: Vec<&str> = ["ann"]
        .into_iter()
        .chain(names.iter().map(|name| &**name))
        .collect();
    let people = friends(&app, &names).await;
    let mut sent = Vec::new();
    for friend in &people[1..] {
        let id = people[0].open_direct(friend).await;
        people[0].send(id, &"🦀".repeat(10_000)).await.expect(201);
        sent.insert(0, id);
    }
    let pages = pages(&people[0]).await;
    assert_eq!(ids(&pages), sent);
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [6, 3]);
    assert!(pages.iter().all(|page| bytes(page) <= PAGE_BYTES));
}

#[tokio::test]
async fn participants_count_towards_page_size() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    fill(&app, id, 98).await;
    run(&app, &copies(id, 49)).await;
    let pages = pages(&people[0]).await;
    let mut listed = ids(&pages);
    assert!(pages.len() > 2 && pages.iter().all(|page| bytes(page) <= PAGE_BYTES));
    listed.sort_unstable();
    listed.dedup();
    assert_eq!(listed.len(), 50);
}
