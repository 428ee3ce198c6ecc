//! What receipts cost in statements and versions: as much in a room of a
//! thousand as in one of two.

use entity::{ConversationId, MessageId, Millis, UserId, receipt};
use serde_json::Value;
use tidings::protocol::User;
use tidings::store::append::{Append, Mark, Outcome, What};
use tidings::store::{PageRequest, RoomRecord, Store, View};

use super::say_mark;
use crate::groups::crew::group;
use crate::groups::thousand::{fill, run};
use crate::store::statements::{Cost, watched};
use crate::support::{TestApp, within};

fn mark(room: &RoomRecord, actor: &User, what: (receipt::Kind, MessageId)) -> Append {
    let (kind, message) = what;
    Append {
        conversation: room.id,
        members_version: room.members_version,
        verdict: Ok(()),
        actor: actor.clone(),
        what: What::Mark(vec![Mark { kind, message }]),
        has_others: true,
        has_archived: false,
    }
}

/// What these take, in one batch.
async fn costs(store: &Store, batch: &[Append]) -> (Cost, Vec<i64>) {
    let (done, heard) = watched(store.append(batch, Millis::now())).await;
    let outcomes = done.unwrap().outcomes;
    let versions = outcomes.iter().map(|outcome| match outcome {
        Outcome::Marked { version, .. } => version.unwrap(),
        other => panic!("{other:?}"),
    });
    (heard.cost(), versions.collect())
}

/// A room of so many, in which ann has said something 50 times.
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
async fn a_mark_and_a_page_cost_no_more_in_a_room_of_a_thousand() {
    let mut all = Vec::new();
    for people in [2, 3, 100, 1_000] {
        let app = TestApp::spawn().await;
        let (id, crew, last) = room(&app, people).await;
        let last = MessageId(last["id"].as_i64().unwrap());
        let store = app.store().await;
        let record = store.room(ConversationId(id)).await.unwrap();
        assert_eq!(record.members.len(), people);
        let ben = record.members.iter().find(|one| one.user.id.0 == crew[1]);
        let ben = ben.unwrap().user.clone();
        let delivered = mark(&record, &ben, (receipt::Kind::Delivered, last));
        let (delivered, _) = costs(&store, &[delivered]).await;
        let read = mark(&record, &ben, (receipt::Kind::Read, last));
        let (read, _) = costs(&store, &[read]).await;
        let (view, conversation) = (View::Of(ben.id), ConversationId(id));
        let page = store.history((view, conversation), PageRequest::Latest, 50);
        let (page, heard) = watched(page).await;
        assert_eq!(page.unwrap().unwrap().messages.len(), 50);
        all.push((people, [delivered, read, heard.cost()]));
        store.close().await;
    }
    println!("for a delivery, a reading, a page: {all:?}");
    let [(_, two), (_, few), (_, many), (_, most)] = all[..] else {
        panic!("four sizes");
    };
    assert_eq!((two, many), (few, few));
    let [delivered, read, page] = few;
    assert_eq!(
        page.rows, 52,
        "where one stands, and one more than asked for"
    );
    // In the largest, no single person's moves are kept, and nobody looks whom
    // to tell of them.
    for (less, more) in [(most[0], delivered), (most[1], read)] {
        assert_eq!(less.statements, more.statements - 2);
        assert!(less.rows < more.rows, "{less:?} against {more:?}");
    }
    assert_eq!(most[2], page);
}

#[tokio::test]
async fn a_page_of_the_list_costs_the_same_with_few_conversations_and_with_many() {
    const MANY: usize = 500;
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    people[0].send(id, "Hello!").await.expect(201);
    let store = app.store().await;
    let me = UserId(people[1].id);
    let (few, heard) = watched(store.conversations(me, None, 100)).await;
    assert_eq!(few.unwrap().conversations.len(), 1);
    let of_one = heard.cost();
    run(&app, &copies(id, MANY - 1)).await;
    let (mut after, mut listed, mut costs) = (None, 0, Vec::new());
    loop {
        let (page, heard) = watched(store.conversations(me, after, 100)).await;
        let page = page.unwrap();
        costs.push(heard.cost());
        listed += page.conversations.len();
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(listed, MANY);
    // Of each, the conversation itself and two participants; the copies share one
    // last message. All pages but the last one read one conversation more.
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
    let (total, heard) = watched(store.total_unread(me, Millis::now())).await;
    assert_eq!((total.unwrap(), heard.statements().len()), (MANY as i64, 1));
    store.close().await;
}

/// Statements that copy a conversation so many times.
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

/// Everybody in one batch: one version for each who moved, and statements as
/// for one.
#[tokio::test]
async fn when_fifty_read_at_once_each_takes_a_version_and_all_cost_what_one_does() {
    let app = TestApp::spawn().await;
    let (id, crew, last) = room(&app, 50).await;
    let store = app.store().await;
    let record = store.room(ConversationId(id)).await.unwrap();
    let last = MessageId(last["id"].as_i64().unwrap());
    let others = record.members.iter().filter(|one| one.user.id.0 != crew[0]);
    let marks = others.map(|one| mark(&record, &one.user, (receipt::Kind::Read, last)));
    let marks: Vec<Append> = marks.collect();
    // One alone, to compare with: the 49th then reads with nobody.
    let (one, _) = costs(&store, &marks[..1]).await;
    let (all, versions) = costs(&store, &marks[1..]).await;
    let expected: Vec<i64> = (record.version + 2..=record.version + 49).collect();
    assert_eq!(versions, expected);
    // The overall mark moves with the last of them, and that is kept and told.
    println!("{one:?} for one, {all:?} for 48 others");
    assert!(
        all.statements <= one.statements + 1,
        "{all:?} against {one:?}"
    );
    // For each: their place and marks, the move and when it was, and whose
    // messages it covered.
    assert!(all.rows <= 48 * one.rows, "{all:?} against {one:?}");
    store.close().await;
}

/// Each mark is a frame to the author, and the status one for all.
#[tokio::test]
async fn when_ten_read_at_once_the_author_hears_each_once_and_one_status_at_last() {
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
        say_mark(socket, "read_receipt", &sent).await;
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
    assert!(author.asides_until_pong().await.is_empty());
}
