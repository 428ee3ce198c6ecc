//! The database cost of receipts and pages: it doesn't grow with the number of
//! members or of conversations.

use entity::{ConversationId, MessageId, Millis, UserId, receipt};
use serde_json::Value;
use tidings::protocol::{ConversationAction, User};
use tidings::store::append::{AppendEntry, AppendOutcome};
use tidings::store::{HistoryAnchor, HistoryReader, RoomRecord, Store};

use super::send_marker;
use crate::groups::crew::group;
use crate::groups::largest_group::{fill, run};
use crate::store::statements::{Cost, watched};
use crate::support::{TestApp, within};

fn mark(room: &RoomRecord, actor: &User, what: (receipt::ReceiptKind, MessageId)) -> AppendEntry {
    let (kind, message) = what;
    AppendEntry {
        conversation: room.id,
        members_version: room.members_version,
        verdict: Ok(()),
        actor: actor.clone(),
        action: ConversationAction::mark(kind, message),
        may_moderate: false,
        has_others: true,
        has_archived: false,
    }
}

/// Returns the cost of a batch, and the versions of its markers.
async fn costs(store: &Store, batch: &[AppendEntry]) -> (Cost, Vec<i64>) {
    let (done, log) = watched(store.journal().append_batch(batch, Millis::now())).await;
    let outcomes = done.unwrap().outcomes;
    let versions = outcomes.iter().map(|outcome| match outcome {
        AppendOutcome::Written(change) => change.version(),
        other => panic!("{other:?}"),
    });
    (log.cost(), versions.collect())
}

/// Creates a room with `people` members, in which Ann sent 50 messages.
async fn room(app: &TestApp, people: usize) -> (i64, Vec<i64>, Value) {
    let (id, crew) = group(app, &["ann", "ben"]).await;
    if people > crew.len() {
        fill(app, id, people - crew.len()).await;
    }
    let mut last = Value::Null;
    for _ in 0..50 {
        last = crew[0].send(id, "Hello!").await.expect(201);
    }
    (id, crew.iter().map(|one| one.id).collect(), last)
}

#[tokio::test]
async fn marker_and_page_cost_ignores_size() {
    let mut all = Vec::new();
    for people in [2, 3, 100, 1_000] {
        let app = TestApp::spawn().await;
        let (id, crew, last) = room(&app, people).await;
        let last = MessageId(last["id"].as_i64().unwrap());
        let store = app.store().await;
        let record = store.rooms().load(ConversationId(id)).await.unwrap();
        assert_eq!(record.members.len(), people);
        let ben = record.members.iter().find(|one| one.user.id.0 == crew[1]);
        let ben = ben.unwrap().user.clone();
        let delivered = mark(&record, &ben, (receipt::ReceiptKind::Delivered, last));
        let (delivered, _) = costs(&store, &[delivered]).await;
        let read = mark(&record, &ben, (receipt::ReceiptKind::Read, last));
        let (read, _) = costs(&store, &[read]).await;
        let (view, conversation) = (HistoryReader::User(ben.id), ConversationId(id));
        let page = store
            .history()
            .load_page(view, conversation, HistoryAnchor::Latest, 50);
        let (page, log) = watched(page).await;
        assert_eq!(page.unwrap().unwrap().messages.len(), 50);
        all.push((people, [delivered, read, log.cost()]));
        store.close().await;
    }
    println!("for a delivery, a reading, a page: {all:?}");
    let [(_, two), (_, few), (_, many), (_, most)] = all[..] else {
        panic!("four sizes");
    };
    assert_eq!((two, many), (few, few));
    let [delivered, read, page] = few;
    assert_eq!(page.rows, 52, "the membership, and one more than requested");
    // In the largest room, markers of single members aren't stored, and the
    // authors to notify aren't looked up.
    for (less, more) in [(most[0], delivered), (most[1], read)] {
        assert_eq!(less.statements, more.statements - 2);
        assert!(less.rows < more.rows, "{less:?} against {more:?}");
    }
    assert_eq!(most[2], page);
}

#[tokio::test]
async fn list_page_cost_ignores_list_length() {
    const MANY: usize = 500;
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    people[0].send(id, "Hello!").await.expect(201);
    let store = app.store().await;
    let me = UserId(people[1].id);
    let (few, log) = watched(store.conversations().list(me, None, 100)).await;
    assert_eq!(few.unwrap().conversations.len(), 1);
    let of_one = log.cost();
    run(&app, &copies(id, MANY - 1)).await;
    let (mut after, mut listed, mut costs) = (None, 0, Vec::new());
    loop {
        let (page, log) = watched(store.conversations().list(me, after, 100)).await;
        let page = page.unwrap();
        costs.push(log.cost());
        listed += page.conversations.len();
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(listed, MANY);
    // Each conversation costs three rows: its own and two participants. The
    // last message, which the copies share, is one more row. Each page but the
    // last also reads the next page's first conversation.
    assert_eq!(of_one.rows, 3 + 1);
    let page = |conversations: u64| Cost {
        statements: of_one.statements,
        rows: conversations * 3 + 1,
    };
    println!("a page of 100 conversations: {:?}", page(101));
    assert_eq!(
        costs,
        [page(101), page(101), page(101), page(101), page(100)]
    );
    let (total, log) = watched(store.unread().count_total(me, Millis::now())).await;
    assert_eq!((total.unwrap(), log.statements().len()), (MANY as i64, 1));
    store.close().await;
}

/// Returns statements that copy a conversation `count` times.
pub(crate) fn copies(id: i64, count: usize) -> [String; 2] {
    let columns = "kind, title, open, opened_by, last_seq, last_ord, version, members_version, \
                   participant_count, delivered_low, read_low, last_message_id, last_message_at, \
                   created_at";
    let conversations = format!(
        "INSERT INTO conversation ({columns}) WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL \
         SELECT n + 1 FROM g WHERE n < {count}) SELECT {columns} FROM conversation, g \
         WHERE id = {id}"
    );
    let columns = "role, joined_seq, joined_at, delivered_seq, read_seq, read_ord, version, \
                   archived, pinned";
    let people = format!(
        "INSERT INTO participant (conversation_id, user_id, {columns}) SELECT c.id, p.user_id, {} \
         FROM participant p, conversation c WHERE p.conversation_id = {id} AND c.id <> {id}",
        columns
            .split(", ")
            .map(|column| format!("p.{column}"))
            .collect::<Vec<_>>()
            .join(", ")
    );
    [conversations, people]
}

/// All markers are in one batch: each takes a version, and together they take
/// as many statements as one marker.
#[tokio::test]
async fn batch_of_markers_costs_like_one() {
    let app = TestApp::spawn().await;
    let (id, crew, last) = room(&app, 50).await;
    let store = app.store().await;
    let record = store.rooms().load(ConversationId(id)).await.unwrap();
    let last = MessageId(last["id"].as_i64().unwrap());
    let others = record.members.iter().filter(|one| one.user.id.0 != crew[0]);
    let marks = others.map(|one| mark(&record, &one.user, (receipt::ReceiptKind::Read, last)));
    let marks: Vec<AppendEntry> = marks.collect();
    // The first marker alone, for comparison; the other 48 follow in one batch.
    let (one, _) = costs(&store, &marks[..1]).await;
    let (all, versions) = costs(&store, &marks[1..]).await;
    let expected: Vec<i64> = (record.version + 2..=record.version + 49).collect();
    assert_eq!(versions, expected);
    // The watermark moves with the last member's marker, which takes at most
    // one more statement.
    println!("{one:?} for one, {all:?} for 48 others");
    assert!(
        all.statements <= one.statements + 1,
        "{all:?} against {one:?}"
    );
    // Rows per user: the membership and markers, the move and its time, and the
    // authors of the covered messages.
    assert!(all.rows <= 48 * one.rows, "{all:?} against {one:?}");
    store.close().await;
}

/// The author receives one frame for each member's marker, and one `status` for
/// all members.
#[tokio::test]
async fn author_receives_ten_markers_one_status() {
    let names: Vec<String> = (0..11).map(|at| format!("person{at:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &names).await;
    let sent = people[0].send(id, "Tea?").await.expect(201);
    let mut author = people[0].chat_socket(id).await;
    let mut sockets = Vec::new();
    for person in &people[1..] {
        sockets.push(person.chat_socket(id).await);
    }
    for socket in &mut sockets {
        send_marker(socket, "read_receipt", &sent).await;
    }
    let mut versions = Vec::new();
    let told = within("all marks", async {
        loop {
            let frame = author.read().await.unwrap();
            match frame["type"].as_str().unwrap() {
                "status" if frame["all_read_seq"] == 2 => return frame,
                "status" | "user_status" => {}
                _ => versions.push(frame["version"].as_i64().unwrap()),
            }
        }
    })
    .await;
    assert_eq!(versions, (3..=12).collect::<Vec<_>>());
    assert_eq!(told["all_delivered_seq"], 2);
    assert!(author.side_frames_until_pong().await.is_empty());
}
