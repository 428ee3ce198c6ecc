//! No statement's cost grows with the history or the number of people: no
//! plan reads through a table that grows.
//!
//! What is looked at is what really runs: the statements of a flow, as the
//! driver logs them. SQLite is asked for the plan of each, which without
//! statistics follows from the indexes alone. PostgreSQL says itself by which
//! plan it ran each, on tables so full that it matters.

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
async fn no_statement_reads_through_a_table_that_grows() {
    let folder = tempfile::tempdir().unwrap();
    let database = TestDatabase::migrated(folder.path()).await;
    let connection = database.connection().await;
    let is_sqlite = connection.get_database_backend() == DbBackend::Sqlite;
    if !is_sqlite {
        fill(&connection).await;
    }
    let store = database.store().await;
    let ((), heard) = watched(flow::everything(&store)).await;
    store.close().await;
    let statements = heard.distinct();
    check_that_all_was_heard(&statements);
    let mut bad = Vec::new();
    if is_sqlite {
        for statement in &statements {
            bad.extend(scans_of_sqlite(&connection, statement).await);
        }
    } else {
        let plans = heard.notices();
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

/// The test proves nothing where the flow isn't seen.
fn check_that_all_was_heard(statements: &BTreeSet<String>) {
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
    // An INSERT of values reads nothing. What SQLite lists for it are checks of
    // foreign keys, which run only while one is violated.
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
    // A list of values in the statement itself may be read through, and so
    // may what a query inside it found.
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

/// Lists that go on page after page, and how each seeks its place: whoever
/// has the same number, word or moment as the last one must not be walked.
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

/// What is gathered and sorted before the first of it is known, and lists that
/// don't seek as they should.
fn sorts_and_walks(statement: &str, steps: &[String]) -> Vec<String> {
    let mut bad = Vec::new();
    // Of what one person or one message has, and of values in the statement.
    let is_small = SORTED.iter().any(|words| statement.contains(words));
    if !is_small && steps.iter().any(|step| step.contains("TEMP B-TREE")) {
        bad.push(format!("it is sorted\nin {statement}\n{steps:#?}"));
    }
    for (words, seek) in KEYSETS {
        if statement.contains(words) && !steps.iter().any(|step| step.contains(seek)) {
            bad.push(format!("no {seek}\nin {statement}\n{steps:#?}"));
        }
    }
    bad
}

/// Statements that sort no more than one page, one conversation's changes, or
/// one person's own things.
const SORTED: [&str; 14] = [
    "ORDER BY \"login\".\"last_used_at\" DESC",
    "FROM \"connection\" WHERE",
    "SELECT DISTINCT v.column1",
    "unnamed AS MATERIALIZED",
    "named AS MATERIALIZED",
    "mine AS MATERIALIZED",
    "both_sides",
    "MIN(p.delivered_seq)",
    "c.id, c.kind, c.last_seq, c.last_ord",
    "m.id, m.conversation_id, m.seq, CASE WHEN",
    "WITH seen AS MATERIALIZED",
    "WITH changed AS MATERIALIZED",
    "UPDATE message SET furthest",
    "WITH subjects AS",
];

/// A scan, or an index that is read from end to end.
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
fn a_scan_is_seen_for_what_it_is() {
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
