//! Attacks by stored rows and by passwords. The rows are inserted while the
//! server is stopped; the clients then use them as fast as the server allows.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use sea_orm::{ConnectionTrait, Database};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{interval, sleep, timeout};
use tokio_tungstenite::tungstenite::Message;

use crate::MEASURED_SPAN;
use crate::accounts::{HostileSite, PASSWORD, UserPair};
use crate::talk;

/// The number of replies to the message that is edited repeatedly.
pub(crate) const ANSWERS: usize = 20_000;
/// Deleted messages and members of each group, and the ids of the groups.
const DELETED: usize = 30_000;
const MEMBERS: usize = 200;
const GROUPS: [i64; 3] = [900_000_001, 900_000_002, 900_000_003];
/// Groups of the user who resumes, and the user's sockets that resume.
const JOINED: usize = 3_000;
const RESUMING: usize = 19;
/// Addresses that guess passwords, and accounts that they guess for.
const ADDRESSES: usize = 40;
const ACCOUNTS: usize = 20;
/// The longest time for a login with the right password during the attack.
const ACCEPTED_WITHIN: Duration = Duration::from_secs(2);
/// Start of ids that the server itself does not assign: for messages of the
/// large groups, for replies, and for the many groups with their messages.
const FREE_ID: i64 = 1_000_000_000;
const ANSWER_ID: i64 = 5_000_000_000;
const GROUP_ID: i64 = 6_000_000_000;

fn series(count: usize) -> String {
    format!(
        "WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < {count}) SELECT"
    )
}

const MESSAGE: &str = "INSERT INTO message (id, conversation_id, seq, ord, version, \
     posted_version, sender_id, client_id, kind, text, furthest, created_at, deleted_at, reply_to)";

/// Returns statements that add replies to the first message of a conversation.
pub(crate) fn answer_rows(conversation: i64, count: usize) -> Vec<String> {
    let g = series(count);
    vec![
        format!(
            "{MESSAGE} {g} {ANSWER_ID} + g.n, c.id, c.last_seq + g.n, c.last_ord + g.n, \
             c.version + g.n, c.version + g.n, m.sender_id, 'answer' || g.n, 0, 'Yes', 0, \
             m.created_at, NULL, m.id FROM g JOIN conversation c ON c.id = {conversation} \
             JOIN message m ON m.conversation_id = c.id AND m.seq = 1"
        ),
        format!(
            "UPDATE conversation SET last_seq = last_seq + {count}, last_ord = last_ord + {count}, \
             version = version + {count}, last_message_id = {ANSWER_ID} + {count} \
             WHERE id = {conversation}"
        ),
    ]
}

/// Returns statements that create large groups of `owner`, full of deleted
/// messages that the other members have not read.
pub(crate) fn deleted_rows(owner: &str, count: usize) -> Vec<String> {
    let mut statements = vec![format!(
        "INSERT INTO \"user\" (username, username_key, display_name, about, password_hash, \
         is_admin, created_at) {} 'crowd' || g.n, 'crowd' || g.n, 'One of many', '', 'none', \
         FALSE, 0 FROM g",
        series(MEMBERS - 1)
    )];
    for (at, id) in (1..).zip(GROUPS) {
        let first = FREE_ID * at;
        let all = count + 100;
        statements.push(format!(
            "INSERT INTO conversation (id, kind, title, open, opened_by, last_seq, last_ord, \
             version, members_version, participant_count, delivered_low, read_low, \
             last_message_id, last_message_at, created_at) SELECT {id}, 1, 'Crowd', TRUE, u.id, \
             {all}, {all}, {all}, 0, {MEMBERS}, 0, 0, {first} + {all}, 0, 0 FROM \"user\" u \
             WHERE u.username = '{owner}'"
        ));
        statements.push(format!(
            "INSERT INTO participant (conversation_id, user_id, role, joined_seq, joined_at, \
             delivered_seq, read_seq, read_ord, version, archived, pinned, unread_deleted) \
             SELECT {id}, u.id, CASE WHEN u.username = '{owner}' THEN 2 ELSE 0 END, 0, 0, 0, 0, 0, \
             1, FALSE, FALSE, {count} FROM \"user\" u \
             WHERE u.username = '{owner}' OR u.username LIKE 'crowd%'"
        ));
        statements.push(format!(
            "{MESSAGE} {} {first} + g.n, {id}, g.n, g.n, g.n, g.n, u.id, 'said' || {id} || g.n, 0, \
             CASE WHEN g.n <= {count} THEN '' ELSE 'Something' END, 0, 0, \
             CASE WHEN g.n <= {count} THEN 1 END, NULL FROM g \
             JOIN \"user\" u ON u.username = '{owner}'",
            series(all)
        ));
    }
    statements
}

/// Returns statements that add `member` to groups of another user.
pub(crate) fn group_rows(member: &str, count: usize) -> Vec<String> {
    let g = series(count);
    vec![
        format!(
            "INSERT INTO conversation (id, kind, title, open, opened_by, last_seq, last_ord, \
             version, members_version, participant_count, delivered_low, read_low, \
             last_message_id, last_message_at, created_at) {g} {GROUP_ID} + g.n, 1, \
             'Group ' || g.n, TRUE, u.id, 1, 1, 1, 0, 2, 0, 0, {GROUP_ID} + g.n, g.n, 0 FROM g \
             JOIN \"user\" u ON u.username = 'left0'"
        ),
        format!(
            "INSERT INTO participant (conversation_id, user_id, role, joined_seq, joined_at, \
             delivered_seq, read_seq, read_ord, version, archived, pinned) {g} {GROUP_ID} + g.n, \
             u.id, CASE WHEN u.username = '{member}' THEN 0 ELSE 2 END, 0, 0, 0, 0, 0, 1, FALSE, \
             FALSE FROM g JOIN \"user\" u ON u.username IN ('{member}', 'left0')"
        ),
        format!(
            "{MESSAGE} {g} {GROUP_ID} + g.n, {GROUP_ID} + g.n, 1, 1, 1, 1, u.id, 'said' || g.n, 0, \
             'Hello', 0, g.n, NULL, NULL FROM g JOIN \"user\" u ON u.username = 'left0'"
        ),
    ]
}

/// Runs statements on the database of a stopped server.
pub(crate) async fn fill(folder: &Path, statements: &[String]) {
    let url = format!("sqlite:{}", folder.join("tidings.db").display());
    let database = Database::connect(url).await.unwrap();
    for statement in statements {
        let done = database.execute_unprepared(statement).await;
        done.unwrap_or_else(|error| panic!("{error}: {statement}"));
    }
    database.close().await.unwrap();
}

/// Returns the statements that prepare the attack by edits.
pub(crate) fn answer_rows_for(target: &UserPair) -> Vec<String> {
    answer_rows(target.conversation, ANSWERS)
}

pub(crate) fn deleted_rows_for(target: &UserPair) -> Vec<String> {
    deleted_rows(&target.names[0], DELETED)
}

pub(crate) fn group_rows_for(target: &UserPair) -> Vec<String> {
    group_rows(&target.names[0], JOINED)
}

/// Edits the message with many replies: 100 times at once, then 20 a second.
pub(crate) async fn edit_repeatedly(address: SocketAddr, target: UserPair) {
    let (mut sink, mut stream) = talk::open(address, &target, 0).await.split();
    let message = target.first_message;
    let say = async {
        let mut ticks = interval(Duration::from_millis(50));
        for count in 0.. {
            if count >= 100 {
                ticks.tick().await;
            }
            let text = format!("Changed {count}");
            let edit = json!({ "type": "edit", "message_id": message, "message": text });
            let sent = sink.send(Message::text(edit.to_string())).await;
            if sent.is_err() {
                return;
            }
        }
    };
    let hear = async { while stream.next().await.is_some() {} };
    tokio::select! {
        () = say => {}
        () = hear => {}
    }
}

/// Returns the ids of a large group and of one of its messages.
pub(crate) fn deletable(seq: usize) -> (i64, i64) {
    (GROUPS[0], FREE_ID + i64::try_from(seq).unwrap())
}

/// Deletes messages of a large group, 1.6 a second.
pub(crate) async fn delete_repeatedly(address: SocketAddr, target: UserPair) {
    let site = HostileSite::at(address);
    let mut ticks = interval(Duration::from_millis(625));
    for count in 1.. {
        ticks.tick().await;
        let (group, message) = deletable(DELETED + count);
        let path = format!("conversations/{group}/messages/{message}/");
        site.delete(&path, &target.tokens[0]).await;
    }
}

/// Resumes without cursors on many sockets, repeatedly.
pub(crate) async fn resume_repeatedly(address: SocketAddr, target: UserPair) {
    let mut sockets = JoinSet::new();
    for _ in 0..RESUMING {
        let target = target.clone();
        sockets.spawn_local(async move {
            let socket = talk::open_unbound(address, &target.tokens[0]).await;
            let (mut sink, mut stream) = socket.split();
            loop {
                let resume = json!({ "type": "resume", "cursors": {} });
                if sink.send(Message::text(resume.to_string())).await.is_err() {
                    return;
                }
                while let Some(Ok(frame)) = stream.next().await {
                    if !frame.is_text() {
                        continue;
                    }
                    let frame: Value = serde_json::from_slice(&frame.into_data()).unwrap();
                    match frame["type"].as_str() {
                        Some("synced") => break,
                        Some("error") => {
                            let wait = frame["retry_after"].as_u64().unwrap_or(1);
                            sleep(Duration::from_secs(wait)).await;
                            break;
                        }
                        _ => {}
                    }
                }
            }
        });
    }
    sockets.join_all().await;
}

/// Sends wrong passwords from many addresses for many accounts, 75 a second in
/// all. Meanwhile one user logs in as usual, from another address.
pub(crate) async fn guess_passwords(address: SocketAddr) {
    let site = HostileSite::at(address);
    let mut guesses = JoinSet::new();
    let every = Duration::from_millis(1000 * u64::try_from(ADDRESSES).unwrap() / 75);
    for at in 0..ADDRESSES {
        let site = site.clone();
        guesses.spawn_local(async move {
            let from = format!("10.0.{at}.1");
            let mut ticks = interval(every);
            for count in 0.. {
                ticks.tick().await;
                let name = format!("right{}", (at + count) % ACCOUNTS);
                site.log_in(&name, "wrong password", &from).await;
            }
        });
    }
    let began = Instant::now();
    let (mut tries, mut accepted, mut slowest) = (0, 0, Duration::ZERO);
    // The attack ends with the span: stop before it does.
    while began.elapsed() < MEASURED_SPAN * 4 / 5 {
        sleep(Duration::from_millis(900)).await;
        let asked = Instant::now();
        let log_in = site.log_in("left0", PASSWORD, "10.1.1.1");
        let status = timeout(ACCEPTED_WITHIN, log_in).await;
        tries += 1;
        accepted += u32::from(status == Ok(200));
        slowest = slowest.max(asked.elapsed());
    }
    println!(
        "right passwords meanwhile: {accepted} of {tries} accepted within {} s, slowest {slowest:.1?}",
        ACCEPTED_WITHIN.as_secs()
    );
    std::future::pending::<()>().await;
    drop(guesses);
}
