//! Stored rows must not slow down requests. Compares one user's requests
//! without stored rows and with many, as ratios.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::accounts::{HostileSite, UserPair};
use crate::talk::HostileSocket;
use crate::{HostileServer, accounts, attacks, talk};

/// The compared numbers of stored rows. Each number is that of the replies to
/// one message, of deleted messages in each of three groups, and of groups of
/// the user who resumes.
const STORED_COUNTS: [usize; 3] = [0, 5_000, 20_000];
/// How often each request is sent; the median counts.
const REPETITIONS: usize = 41;

const REQUEST_NAMES: [&str; 5] = [
    "an edit of the message with the answers",
    "a deletion in a group of 200",
    "a page of the list",
    "a page of history",
    "a resume",
];

/// Prints how long each request takes without stored rows, and the ratios with
/// many.
pub(crate) async fn run() {
    let mut columns = Vec::new();
    for count in STORED_COUNTS {
        columns.push(measure_all(count).await);
    }
    println!("| what | 0 stored | 5,000 | 20,000 |");
    println!("|---|---|---|---|");
    for (at, asked) in REQUEST_NAMES.iter().enumerate() {
        let least = columns[0][at];
        let ratio = |column: usize| columns[column][at] / least;
        println!(
            "| {asked} | {least:.2} ms | {:.1}× | {:.1}× |",
            ratio(1),
            ratio(2)
        );
    }
}

async fn measure_all(count: usize) -> [f64; REQUEST_NAMES.len()] {
    let server = HostileServer::start_on(tempfile::tempdir().unwrap(), "off").await;
    let mut pairs = accounts::register_pairs(server.address, 2).await;
    let target = pairs.pop().unwrap();
    let statements = match count {
        0 => attacks::deleted_rows(&target.names[0], 1),
        count => [
            attacks::answer_rows(target.conversation, count),
            attacks::deleted_rows(&target.names[0], count),
            attacks::group_rows(&target.names[1], count),
        ]
        .concat(),
    };
    let server = server.fill("off", &statements).await;
    let address = server.address;
    let site = HostileSite::at(address);
    [
        measure_edits(address, &target).await,
        measure_deletions(&site, &target, count.max(1)).await,
        measure_pages(&site, &target, "conversations/").await,
        measure_pages(
            &site,
            &target,
            &format!("conversations/{}/messages/", target.conversation),
        )
        .await,
        measure_resumes(address, &target).await,
    ]
}

/// Returns the median in milliseconds.
fn median(mut all: Vec<Duration>) -> f64 {
    all.sort_unstable();
    all[all.len() / 2].as_secs_f64() * 1e3
}

async fn measure_edits(address: SocketAddr, target: &UserPair) -> f64 {
    let mut socket = talk::open(address, target, 0).await;
    read_until(&mut socket, "hello").await;
    let mut all = Vec::new();
    for count in 0..REPETITIONS {
        let text = format!("Changed {count}");
        let message = target.first_message;
        let edit = json!({ "type": "edit", "message_id": message, "message": text });
        let began = Instant::now();
        socket.send(Message::text(edit.to_string())).await.unwrap();
        read_until(&mut socket, "message_updated").await;
        all.push(began.elapsed());
    }
    median(all)
}

async fn measure_deletions(site: &HostileSite, target: &UserPair, count: usize) -> f64 {
    let mut all = Vec::new();
    for at in 1..=REPETITIONS {
        let (group, message) = attacks::deletable(count + at);
        let path = format!("conversations/{group}/messages/{message}/");
        let began = Instant::now();
        site.delete(&path, &target.tokens[0]).await;
        all.push(began.elapsed());
    }
    median(all)
}

async fn measure_pages(site: &HostileSite, target: &UserPair, path: &str) -> f64 {
    let mut all = Vec::new();
    for _ in 0..REPETITIONS {
        let began = Instant::now();
        site.get(path, &target.tokens[0]).await;
        all.push(began.elapsed());
    }
    median(all)
}

async fn measure_resumes(address: SocketAddr, target: &UserPair) -> f64 {
    let mut socket = talk::open_unbound(address, &target.tokens[1]).await;
    read_until(&mut socket, "hello").await;
    let mut all = Vec::new();
    for _ in 0..REPETITIONS / 4 {
        let resume = json!({ "type": "resume", "cursors": {} });
        let began = Instant::now();
        socket
            .send(Message::text(resume.to_string()))
            .await
            .unwrap();
        read_until(&mut socket, "synced").await;
        all.push(began.elapsed());
    }
    median(all)
}

/// Reads frames up to the first of this type.
async fn read_until(socket: &mut HostileSocket, kind: &str) {
    loop {
        let frame = socket.next().await.unwrap().unwrap();
        if let Ok(text) = frame.to_text()
            && let Ok(frame) = serde_json::from_str::<Value>(text)
        {
            assert_ne!(frame["type"], "error", "{frame}");
            if frame["type"] == kind {
                return;
            }
        }
    }
}
