//! No query plan reads a whole table that grows, so no statement's cost grows
//! with the history or the number of users.
//!
//! The checked statements are those that the driver logs during a flow. SQLite
//! explains each one; without statistics, its plan follows from the indexes
//! alone. PostgreSQL logs the plan of each one, with tables full enough that
//! the plan matters.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};

use super::filler::fill;
use super::flow;
use super::statements::watched;
use crate::support::TestDatabase;

const GROWING: [&str; 17] = [
    "message",
    "receipt",
    "participant",
    "connection",
    "login",
    "\"user\"",
    "conversation",
    "reaction",
    "block",
    "audit",
    "user_status",
    "user_word",
    "conversation_word",
    "password_reset",
    "request_pause",
    "group_invitation",
    "report",
];

#[tokio::test]
async fn no_statement_scans_a_growing_table() {
    let folder = tempfile::tempdir().unwrap();
    let database = TestDatabase::migrated(folder.path()).await;
    let connection = database.connection().await;
    let is_sqlite = connection.get_database_backend() == DbBackend::Sqlite;
    if !is_sqlite {
        fill(&connection).await;
    }
    let store = database.store().await;
    let ((), log) = watched(flow::everything(&store)).await;
    store.close().await;
    let statements = log.distinct();
    assert_flow_was_logged(&statements);
    let mut bad = Vec::new();
    if is_sqlite {
        for statement in &statements {
            bad.extend(scans_of_sqlite(&connection, statement).await);
        }
    } else {
        let plans = log.notices();
        let plans: Vec<_> = plans
            .iter()
            .filter(|plan| plan.contains("Query Text"))
            .collect();
        assert!(plans.len() >= statements.len() / 2, "{}", plans.len());
        bad.extend(plans.iter().flat_map(|plan| scans_of_postgres(plan)));
    }
    connection.close().await.unwrap();
    assert!(bad.is_empty(), "{}", bad.join("\n\n"));
}

/// Checks that the flow's statements were logged: without them the test would
/// prove nothing.
fn assert_flow_was_logged(statements: &BTreeSet<String>) {
    for words in [
        "JOIN conversation c ON c.id = v.column1",
        "CROSS JOIN message m",
        "SELECT DISTINCT v.column1",
        "MIN(p.delivered_seq)",
        "p.joined_seq < $2",
        "AND r.user_id = p.user_id",
        "AS delivered_at, (SELECT r.at FROM receipt r WHERE r.conversation_id = $1 AND r.kind = 1 \
         AND r.user_id IS NULL",
        "FROM waiting WHERE count > 0",
        "WITH RECURSIVE halves",
        "WITH changed AS MATERIALIZED",
        "m.version > m.posted_version",
        "left_seq >= $3",
        " <= $3 AND m.seq IN",
        "m.reply_to = o.id",
        "ORDER BY m.seq DESC LIMIT $4",
        "ORDER BY p.pinned DESC",
        "UPDATE participant SET delivered_seq",
        "CAST(COALESCE(SUM(",
        "\"ended_at\" >= ",
        "INSERT INTO \"message\"",
        "\"direct_key\" = ",
        "FROM (SELECT DISTINCT conversation_id FROM mine) rooms",
        "CROSS JOIN participant p",
        "s.last_seen = $1 AND s.user_id < $2",
        "c.participant_count = $1 AND c.id < $2",
        "FROM audit a",
    ] {
        let mut all = statements.iter();
        assert!(
            all.any(|statement| statement.contains(words)),
            "{words}: {statements:#?}"
        );
    }
}

async fn scans_of_sqlite(connection: &DatabaseConnection, statement: &str) -> Vec<String> {
    // An INSERT of values reads nothing. Its plan lists foreign key checks,
    // which run only while a foreign key is violated.
    let verbs = ["SELECT", "UPDATE", "DELETE", "WITH"];
    if !verbs.iter().any(|verb| statement.starts_with(verb)) {
        return Vec::new();
    }
    let explain = format!("EXPLAIN QUERY PLAN {statement}");
    let explain = Statement::from_string(DbBackend::Sqlite, explain);
    let rows = connection.query_all_raw(explain).await.unwrap();
    let steps: Vec<String> = rows
        .iter()
        .map(|row| row.try_get_by_index(3).unwrap())
        .collect();
    let mut bad = sorts_and_walks(statement, &steps);
    // A list of values, and the result of a subquery, may be scanned.
    let is_list = |step: &str| {
        step == "SCAN v"
            || step == "SCAN CONSTANT ROW"
            || step.ends_with(" CONSTANT ROWS")
            || step == "SCAN named"
            || step == "SCAN known"
            || step == "SCAN q"
            || step == "SCAN subjects"
            || step == "SCAN waiting"
            || step == "SCAN seen"
            || step == "SCAN authors"
            || step == "SCAN mine"
            || step == "SCAN rooms"
            || step == "SCAN blocks"
            || step == "SCAN people"
            || step == "SCAN changed"
            || step == "SCAN halves"
            || step == "SCAN b"
            || step == "SCAN page"
            || step == "SCAN w"
            || step == "SCAN unnamed"
            || step == "SCAN my"
            || step == "SCAN low"
            || step == "SCAN high"
            || step == "SCAN both_sides"
            || step == "SCAN json_each VIRTUAL TABLE INDEX 1:"
            || step == "SCAN e"
            || step == "SCAN posted"
            || step == "SCAN touched"
            || step.starts_with("SCAN (subquery-")
            || step.ends_with(" VALUES CLAUSE")
    };
    let scans = steps
        .iter()
        .filter(|step| step.starts_with("SCAN") && !is_list(step));
    bad.extend(scans.map(|step| format!("{step}\nin {statement}\n{steps:#?}")));
    bad
}

/// Words of each paged list's statement, and how its plan must seek the page's
/// start. The list must not walk rows that equal the cursor in the first
/// column.
const KEYSETS: [(&str, &str); 12] = [
    ("c.participant_count = $1", "(participant_count=? AND id<?)"),
    ("c.last_message_at = $1", "(last_message_at=? AND id<?)"),
    ("FROM conversation c WHERE c.id < $1", "(rowid<?)"),
    (
        "(w.word, w.conversation_id) >",
        "((word,conversation_id)>(?,?) AND word<?)",
    ),
    ("(w.word, w.user_id) >", "((word,user_id)>(?,?) AND word<?)"),
    ("s.last_seen = $1", "(last_seen=? AND user_id<?)"),
    ("WHERE u.is_admin", "user_admins (username_key>?)"),
    (
        "WHERE u.deactivated_at",
        "user_switched_off (username_key>?)",
    ),
    ("WHERE s.is_online", "user_status_online (user_id>?)"),
    ("a.actor_id =", "(actor_id=? AND at<?)"),
    ("a.target =", "(target=? AND at<?)"),
    ("AND a.at >=", "(at>? AND at<?)"),
];

/// Returns plans that sort all rows before returning the first, and paged lists
/// that don't seek as [`KEYSETS`] demands.
fn sorts_and_walks(statement: &str, steps: &[String]) -> Vec<String> {
    let mut bad = Vec::new();
    // These sort the rows of one user or message, or values in the statement.
    let is_small = SORTED.iter().any(|words| statement.contains(words));
    if !is_small && steps.iter().any(|step| step.contains("TEMP B-TREE")) {
        bad.push(format!("sorts all rows\nin {statement}\n{steps:#?}"));
    }
    for (words, seek) in KEYSETS {
        if statement.contains(words) && !steps.iter().any(|step| step.contains(seek)) {
            bad.push(format!("no {seek}\nin {statement}\n{steps:#?}"));
        }
    }
    bad
}

/// Statements that sort at most one page, one conversation's changes, or one
/// user's own rows.
const SORTED: [&str; 14] = [
    "ORDER BY \"login\".\"last_used_at\" DESC",
    "FROM \"connection\" WHERE",
    "SELECT DISTINCT v.column1",
    "unnamed AS MATERIALIZED",
    "named AS MATERIALIZED",
    "mine AS MATERIALIZED",
    "both_sides",
    "MIN(p.delivered_seq)",
    "c.kind, c.last_seq, c.last_ord",
    "m.id, m.conversation_id, m.seq, CASE WHEN",
    "WITH seen AS MATERIALIZED",
    "WITH changed AS MATERIALIZED",
    "UPDATE message SET furthest",
    "WITH subjects AS",
];

/// Returns table scans, and indexes that are read from end to end.
fn scans_of_postgres(plan: &str) -> Vec<String> {
    let lines: Vec<&str> = plan.lines().collect();
    let mut bad = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let mut growing = GROWING.iter();
        let is_growing = growing.any(|table| {
            let named = format!(" on {table} ");
            format!("{line} ").contains(&named)
        });
        let reads_all = line.contains("Seq Scan on");
        let by_index = ["Index Scan ", "Index Only Scan "];
        let by_index = by_index.iter().any(|kind| line.contains(kind));
        let has_condition = lines
            .get(at + 1)
            .is_some_and(|next| next.contains("Index Cond"));
        if is_growing && (reads_all || (by_index && !has_condition)) {
            bad.push(format!("{}\nin {plan}", line.trim()));
        }
    }
    bad
}

#[test]
fn postgres_scans_are_recognized() {
    let plans = [
        ("Seq Scan on message m  (cost=0.00..1.00)", 1),
        ("Index Scan using message_pkey on message  (cost=0)", 1),
        (
            "Index Scan using message_pkey on message m  (cost=0)\n  Index Cond: (id = 1)",
            0,
        ),
        ("Seq Scan on node  (cost=0)", 0),
    ];
    for (plan, count) in plans {
        assert_eq!(scans_of_postgres(plan).len(), count, "{plan}");
    }
}
