//! The database cost of frequent operations: statements, and rows read or
//! written, in rooms of 2, 100 and 1,000 members. The docs contain the same
//! table.

use entity::{ConversationId, MessageId, Millis, NodeId, UserId, receipt};
use tidings::protocol::{ConversationAction, User};
use tidings::store::append::AppendEntry;
use tidings::store::{HistoryAnchor, HistoryReader, Store};

use super::statements::{Cost, QueryLog, watched};
use crate::groups::crew::group;
use crate::groups::largest_group::{fill, run};
use crate::receipts::cost::copies;
use crate::support::{TestApp, TestDatabase, TestUser};

const SIZES: [usize; 3] = [2, 100, 1_000];
/// Number of conversations in the list.
const LISTED: usize = 500;
const DOES: [&str; 4] = [
    "a page of 50 messages",
    "a list of 500 such conversations, 100 at a time or 256 KiB",
    "a mark that reads 50 messages",
    "somebody comes who shares one such room",
];

/// Index in [`DOES`] of the operation that reads several pages.
const LIST: usize = 1;
/// Index in [`DOES`] of the operation that writes in a transaction.
const MARK: usize = 2;

/// Returns the cost without the statements that begin and end transactions,
/// which PostgreSQL's driver doesn't log.
fn cost(log: &QueryLog) -> Cost {
    let said = log.statements();
    let ends = ["BEGIN", "BEGIN IMMEDIATE", "COMMIT"];
    let asked = said.iter().filter(|it| !ends.contains(&it.as_str()));
    Cost {
        statements: asked.count(),
        ..log.cost()
    }
}

/// Creates a room with this many members, in which the first sent 50 messages.
async fn room(app: &TestApp, people: usize) -> (i64, Vec<TestUser>, MessageId) {
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

async fn mark(store: &Store, id: ConversationId, reader: &TestUser, message: MessageId) -> Cost {
    let record = store.rooms().load(id).await.unwrap();
    let members = record.members.iter();
    let mut users = members.map(|one| one.user.clone());
    let actor: User = users.find(|user| user.id.0 == reader.id).unwrap();
    let kind = receipt::ReceiptKind::Read;
    let append = AppendEntry {
        conversation: id,
        members_version: record.members_version,
        verdict: Ok(()),
        actor,
        action: ConversationAction::mark(kind, message),
        may_moderate: false,
        has_others: true,
        has_archived: false,
    };
    let (done, log) = watched(store.journal().append_batch(&[append], Millis::now())).await;
    done.unwrap();
    cost(&log)
}

async fn page(store: &Store, me: UserId, conversation: ConversationId) -> Cost {
    let view = HistoryReader::User(me);
    let page = store
        .history()
        .load_page(view, conversation, HistoryAnchor::Latest, 50);
    let (page, log) = watched(page).await;
    assert_eq!(page.unwrap().unwrap().messages.len(), 50);
    cost(&log)
}

async fn list(store: &Store, me: UserId) -> Cost {
    let reading = async {
        let (mut after, mut listed) = (None, 0);
        while listed < LISTED {
            let page = store.conversations().list(me, after, 100).await.unwrap();
            listed += page.conversations.len();
            after = page.next;
        }
        assert_eq!(listed, LISTED);
    };
    cost(&watched(reading).await.1)
}

async fn arrival(store: &Store, who: UserId) -> Cost {
    let telling = async {
        store
            .presence()
            .set_online(NodeId(1), &[who])
            .await
            .unwrap();
        store.presence().load_audience(&[who]).await.unwrap();
    };
    cost(&watched(telling).await.1)
}

/// Returns the cost of each of [`DOES`] in a room of this size.
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

/// Returns the costs that the docs state for an operation.
fn documented(does: &str) -> Vec<Cost> {
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
async fn frequent_operations_cost_as_documented() {
    let mut columns = Vec::new();
    for people in SIZES {
        columns.push(costs(people).await);
    }
    for (at, does) in DOES.iter().enumerate() {
        let cost: Vec<Cost> = columns.iter().map(|column| column[at]).collect();
        let mut documented = documented(does);
        if TestDatabase::is_sqlite() && at == MARK {
            // SQLite's driver counts changed rows again for each later
            // statement of the same script, so rows can't be compared.
            for (documented, cost) in documented.iter_mut().zip(&cost) {
                documented.rows = cost.rows;
            }
        }
        assert_eq!(cost, documented, "docs/ARCHITECTURE.md: {does}");
    }
    // The largest room costs least, since its members aren't all listed. A list
    // of rooms of 100 has more pages, because a page ends by its bytes.
    for (at, ((two, few), many)) in columns[0]
        .iter()
        .zip(&columns[1])
        .zip(&columns[2])
        .enumerate()
    {
        let is_list = at == LIST;
        assert!(
            is_list || few.statements <= two.statements,
            "{few:?} compared with {two:?}"
        );
        assert!(
            many.statements <= few.statements && many.rows <= few.rows,
            "{many:?}"
        );
    }
}
