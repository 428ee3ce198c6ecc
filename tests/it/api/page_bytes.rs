//! A page of messages has a maximum size in bytes, at every endpoint and for
//! every reader.

use entity::{ConversationId, UserId};
use serde_json::Value;
use tidings::store::{HistoryAnchor, HistoryReader, PAGE_BYTES};

use crate::admin::Keeper;
use crate::groups::largest_group::run;
use crate::pages::Browser;
use crate::store::statements::watched;
use crate::support::{TestApp, TestUser};

/// The number of messages. Each contains its number and about 10,000 four-byte
/// characters.
const LONG: usize = 20;
/// The maximum number of long messages in a page.
const FITTING: usize = 6;

async fn long_talk(app: &TestApp) -> (TestUser, TestUser, i64) {
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct(&ben).await;
    for at in 1..=LONG {
        let text = format!("[{at}]{}", "🙂".repeat(9_990));
        ann.send(id, &text).await.expect(201);
    }
    (ann, ben, id)
}

fn seqs(messages: &Value) -> Vec<i64> {
    let messages = messages.as_array().unwrap().iter();
    messages.map(|it| it["seq"].as_i64().unwrap()).collect()
}

/// Returns the numbers of the long messages in a text, in order of appearance.
fn named(text: &str) -> Vec<usize> {
    let places = (1..=LONG).filter_map(|at| Some((text.find(&format!("[{at}]🙂"))?, at)));
    let mut places: Vec<_> = places.collect();
    places.sort_unstable();
    places.into_iter().map(|(_, at)| at).collect()
}

fn all() -> Vec<i64> {
    (1..=LONG).map(|at| i64::try_from(at).unwrap()).collect()
}

/// Follows the links of `relation` from `path` and returns every page.
async fn follow(reader: &TestUser, path: String, relation: &str) -> Vec<Vec<i64>> {
    let (mut pages, mut next) = (Vec::new(), Some(path));
    while let Some(path) = next {
        let page = reader.get(&path).await;
        next = page.link(relation);
        let body = page.expect(200);
        let messages = body.get("messages").unwrap_or(&body);
        let bytes = messages.to_string().len();
        assert!(bytes <= PAGE_BYTES + 100, "{bytes} bytes in {path}");
        pages.push(seqs(messages));
    }
    pages
}

#[tokio::test]
async fn history_of_long_messages_is_linked() {
    let app = TestApp::spawn().await;
    let (ann, ben, id) = long_talk(&app).await;
    for path in [
        format!("/api/conversations/{id}/messages/?limit=100"),
        format!("/messages/history/{}/?limit=100", ann.username),
    ] {
        let mut pages = follow(&ben, path.clone(), "prev").await;
        assert_eq!(pages[0].len(), FITTING);
        pages.reverse();
        assert_eq!(pages.concat(), all(), "{path}");
        let pages = follow(&ben, format!("{path}&after=0"), "next").await;
        assert_eq!(pages[0].len(), FITTING);
        assert_eq!(pages.concat(), all(), "{path}");
        let around = ben.get(&format!("{path}&around=10")).await;
        assert!(around.link("prev").is_some() && around.link("next").is_some());
        let body = around.expect(200);
        let found = seqs(body.get("messages").unwrap_or(&body));
        assert_eq!(found, [7, 8, 9, 10, 11, 12], "{path}");
    }
}

#[tokio::test]
async fn oversized_message_fills_its_own_page() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct(&ben).await;
    for text in ["a", "b", "c"] {
        ann.send(id, text).await.expect(201);
    }
    let long = "x".repeat(PAGE_BYTES + 1);
    let change = format!("UPDATE message SET text = '{long}' WHERE text = 'b'");
    run(&app, &[change]).await;
    let path = format!("/api/conversations/{id}/messages/");
    let mut found = Vec::new();
    let mut next = Some(path);
    while let Some(path) = next {
        let page = ben.get(&path).await;
        next = page.link("prev");
        found.push(seqs(&page.expect(200)));
    }
    assert_eq!(found, [[3], [2], [1]]);
}

#[tokio::test]
async fn page_reads_only_its_rows() {
    let app = TestApp::spawn().await;
    let (_, ben, id) = long_talk(&app).await;
    let store = app.store().await;
    for view in [
        HistoryReader::User(UserId(ben.id)),
        HistoryReader::Unrestricted,
    ] {
        for request in [
            HistoryAnchor::Latest,
            HistoryAnchor::Before(15),
            HistoryAnchor::After(3),
            HistoryAnchor::Around(10),
        ] {
            let history = store.history();
            let page = history.load_page(view, ConversationId(id), request, 100);
            let (page, statements) = watched(page).await;
            assert_eq!(page.unwrap().unwrap().messages.len(), FITTING);
            // The conversation costs two rows, and each direction reads one
            // message beyond the page.
            let rows = statements.cost().rows;
            assert!(rows <= FITTING as u64 + 4, "{rows} for {request:?}");
        }
    }
    store.close().await;
}

#[tokio::test]
async fn reactions_count_into_a_page() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct(&ben).await;
    for at in 1..=LONG {
        ann.send(id, &at.to_string()).await.expect(201);
    }
    let react = format!(
        "INSERT INTO reaction (message_id, emoji, user_id, created_at) \
         WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < 600) \
         SELECT m.id, 'emoji ' || g.n, u.id, 0 FROM message m, g, \"user\" u \
         WHERE m.conversation_id = {id} AND u.username IN ('ann', 'ben')"
    );
    run(&app, &[react]).await;
    let path = format!("/api/conversations/{id}/messages/?after=0");
    let pages = follow(&ben, path, "next").await;
    assert!(pages[0].len() < LONG / 2, "{pages:?}");
    assert_eq!(pages.concat(), all());
}

#[tokio::test]
async fn export_has_every_long_message() {
    let app = TestApp::spawn().await;
    let (_, ben, _) = long_talk(&app).await;
    let mut browser = Browser::at(&app);
    browser.log_in(&ben.username).await.expect(303);
    browser.get("/settings").await.expect(200);
    let export = browser.submit("/settings/export", &[]).await.expect(200);
    let lines = export.source.lines();
    let lines = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
    let messages = lines.filter(|line| line["type"] == "message");
    let found: Vec<_> = messages
        .map(|line| line["message"]["seq"].as_i64().unwrap())
        .collect();
    assert_eq!(found, all());
}

#[tokio::test]
async fn pages_of_long_messages_are_linked() {
    let app = TestApp::spawn().await;
    let (ann, ben, id) = long_talk(&app).await;
    // As the last message, this short one is the preview in the list of
    // conversations.
    ann.send(id, "The end.").await.expect(201);
    let mut browser = Browser::at(&app);
    browser.log_in(&ben.username).await.expect(303);
    // The page begins at the first unread message. All unread messages would
    // fit by number, but not by bytes.
    let page = browser.get(&format!("/messages?conversation={id}")).await;
    assert_eq!(named(&page.expect(200).text), [1, 2, 3]);
    let mut found = Vec::new();
    let mut before = LONG + 2;
    while before > 1 {
        let path = format!("/messages?conversation={id}&before={before}");
        let page = browser.get(&path).await.expect(200);
        let shown = named(&page.text);
        assert!((1..=FITTING).contains(&shown.len()), "{shown:?}");
        before = shown[0];
        let older = format!("before={before}");
        assert_eq!(page.text.contains(&older), before > 1, "{older}");
        found.splice(..0, shown);
    }
    assert_eq!(found, (1..=LONG).collect::<Vec<_>>());
}

#[tokio::test]
async fn admin_reads_long_messages_in_pages() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    let (_, _, id) = long_talk(&app).await;
    let read = format!("/admin/conversations/{id}/read");
    let (mut found, mut before) = (Vec::new(), String::new());
    loop {
        let fields = [("reason", "A complaint"), ("before", before.as_str())];
        let page = keeper.act(&read, &fields).await.expect(200);
        let shown = named(&page.text);
        assert!((1..=FITTING).contains(&shown.len()), "{shown:?}");
        let first = shown[0];
        found.splice(..0, shown);
        before = first.to_string();
        let older = format!("name=\"before\" value=\"{before}\"");
        if !page.text.contains(&older) {
            break;
        }
    }
    assert_eq!(found, (1..=LONG).collect::<Vec<_>>());
}
