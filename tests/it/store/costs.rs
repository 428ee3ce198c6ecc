//! What the things that are done all day cost the database, in statements and
//! in rows read or written, in rooms of 2, 100 and 1,000 people; the table of
//! it stands in the docs, too.

use entity::{ConversationId, MessageId, Millis, NodeId, UserId, receipt};
use tidings::protocol::User;
use tidings::store::append::{Append, Mark, What};
use tidings::store::{PageRequest, Store, View};

use super::statements::{Cost, Heard, watched};
use crate::groups::crew::group;
use crate::groups::thousand::{fill, run};
use crate::receipts::cost::copies;
use crate::support::{Person, TestApp, TestDatabase};

const SIZES: [usize; 3] = [2, 100, 1_000];
/// Of the list.
const LISTED: usize = 500;
const DOES: [&str; 4] = [
    "a page of 50 messages",
    "a list of 500 such conversations, 100 at a time or 256 KiB",
    "a mark that reads 50 messages",
    "somebody comes who shares one such room",
];

/// The one that reads several pages.
const LIST: usize = 1;
/// The one that writes in a transaction.
const MARK: usize = 2;

/// What was asked, but for where transactions begin and end: PostgreSQL's
/// driver doesn't tell of either.
fn cost(heard: &Heard) -> Cost {
    let said = heard.statements();
    let ends = ["BEGIN", "BEGIN IMMEDIATE", "COMMIT"];
    let asked = said.iter().filter(|it| !ends.contains(&it.as_str()));
    Cost {
        statements: asked.count(),
        ..heard.cost()
    }
}

/// A room of so many, in which the first has said something 50 times.
async fn room(app: &TestApp, people: usize) -> (i64, Vec<Person>, MessageId) {
    let (id, crew) = group(app, &["ann", "ben"]).await;
    if people > crew.len() {
        fill(app, id, people - crew.len()).await;
    }
    let mut last = 0;
    for _ in 0..50 {
        let sent = crew[0].send(id, "Hello!").await.expect(201);
        last = sent["id"].as_i64().unwrap();
    }
    (id, crew, MessageId(last))
}

async fn mark(store: &Store, id: ConversationId, reader: &Person, message: MessageId) -> Cost {
    let record = store.room(id).await.unwrap();
    let members = record.members.iter();
    let mut users = members.map(|one| one.user.clone());
    let actor: User = users.find(|user| user.id.0 == reader.id).unwrap();
    let kind = receipt::Kind::Read;
    let append = Append {
        conversation: id,
        members_version: record.members_version,
        verdict: Ok(()),
        actor,
        what: What::Mark(vec![Mark { kind, message }]),
        has_others: true,
        has_archived: false,
    };
    let (done, heard) = watched(store.append(&[append], Millis::now())).await;
    done.unwrap();
    cost(&heard)
}

async fn page(store: &Store, me: UserId, conversation: ConversationId) -> Cost {
    let view = View::Of(me);
    let page = store.history((view, conversation), PageRequest::Latest, 50);
    let (page, heard) = watched(page).await;
    assert_eq!(page.unwrap().unwrap().messages.len(), 50);
    cost(&heard)
}

async fn list(store: &Store, me: UserId) -> Cost {
    let reading = async {
        let (mut after, mut listed) = (None, 0);
        while listed < LISTED {
            let page = store.conversations(me, after, 100).await.unwrap();
            listed += page.conversations.len();
            after = page.next;
        }
        assert_eq!(listed, LISTED);
    };
    cost(&watched(reading).await.1)
}

async fn arrival(store: &Store, who: UserId) -> Cost {
    let telling = async {
        store.set_online(NodeId(1), &[who]).await.unwrap();
        store.acquaintances(&[who]).await.unwrap();
    };
    cost(&watched(telling).await.1)
}

/// Each of [`DOES`] in a room of so many.
async fn costs(people: usize) -> [Cost; 4] {
    let app = TestApp::spawn().await;
    let (id, crew, last) = room(&app, people).await;
    let (conversation, ben) = (ConversationId(id), UserId(crew[1].id));
    let store = app.store().await;
    let mark = mark(&store, conversation, &crew[1], last).await;
    let page = page(&store, ben, conversation).await;
    let arrival = arrival(&store, ben).await;
    run(&app, &copies(id, LISTED - 1)).await;
    let list = list(&store, ben).await;
    store.close().await;
    [page, list, mark, arrival]
}

/// What the docs' table says of it.
fn told(does: &str) -> Vec<Cost> {
    let docs = include_str!("../../../docs/ARCHITECTURE.md");
    let begin = format!("| {does} | ");
    let line = docs.lines().find_map(|line| line.strip_prefix(&begin));
    let cells = line.unwrap().trim_end_matches(" |").split(" | ");
    let costs = cells.map(|cell| {
        let (statements, rows) = cell.split_once(", ").unwrap();
        Cost {
            statements: statements.parse().unwrap(),
            rows: rows.parse().unwrap(),
        }
    });
    costs.collect()
}

#[tokio::test]
async fn what_is_done_all_day_costs_what_the_docs_say() {
    let mut columns = Vec::new();
    for people in SIZES {
        columns.push(costs(people).await);
    }
    for (at, does) in DOES.iter().enumerate() {
        let cost: Vec<Cost> = columns.iter().map(|column| column[at]).collect();
        let mut told = told(does);
        if TestDatabase::is_sqlite() && at == MARK {
            // Its driver counts what was changed once more with everything
            // that stands behind it in the same go.
            for (told, cost) in told.iter_mut().zip(&cost) {
                told.rows = cost.rows;
            }
        }
        assert_eq!(cost, told, "docs/ARCHITECTURE.md tells of {does}");
    }
    // The largest room costs the least: its members are not named each. A list of
    // rooms of 100 has more pages, since they end by their bytes.
    for (at, ((two, few), many)) in columns[0]
        .iter()
        .zip(&columns[1])
        .zip(&columns[2])
        .enumerate()
    {
        let is_list = at == LIST;
        assert!(
            is_list || few.statements <= two.statements,
            "{few:?} against {two:?}"
        );
        assert!(
            many.statements <= few.statements && many.rows <= few.rows,
            "{many:?}"
        );
    }
}
