//! What is stored must not make anything slower: one user's requests with
//! nothing stored and with much, as ratios.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::people::{Pair, Site};
use crate::talk::Socket;
use crate::{Server, attacks, people, talk};

/// Answers to one message, deleted messages of each of three groups, and
/// groups of the user who resumes are as many of each.
const STORED: [usize; 3] = [0, 5_000, 20_000];
/// How often each is asked; the middle one counts.
const TIMES: usize = 41;

const ASKED: [&str; 5] = [
    "an edit of the message with the answers",
    "a deletion in a group of 200",
    "a page of the list",
    "a page of history",
    "a resume",
];

/// Prints how long each takes with nothing stored, and how many times as long
/// with so much.
pub(crate) async fn run() {
    let mut columns = Vec::new();
    for count in STORED {
        columns.push(figures(count).await);
    }
    println!("| what | 0 stored | 5,000 | 20,000 |");
    println!("|---|---|---|---|");
    for (at, asked) in ASKED.iter().enumerate() {
        let least = columns[0][at];
        let ratio = |column: usize| columns[column][at] / least;
        println!(
            "| {asked} | {least:.2} ms | {:.1}× | {:.1}× |",
            ratio(1),
            ratio(2)
        );
    }
}

async fn figures(count: usize) -> [f64; ASKED.len()] {
    let server = Server::start_on(tempfile::tempdir().unwrap(), "off").await;
    let mut pairs = people::pairs(server.address, 2).await;
    let target = pairs.pop().unwrap();
    let statements = match count {
        0 => attacks::deleted(&target.names[0], 1),
        count => [
            attacks::answers(target.conversation, count),
            attacks::deleted(&target.names[0], count),
            attacks::groups(&target.names[1], count),
        ]
        .concat(),
    };
    let server = server.fill("off", &statements).await;
    let address = server.address;
    let site = Site::at(address);
    [
        edits(address, &target).await,
        deletions(&site, &target, count.max(1)).await,
        pages(&site, &target, "conversations/").await,
        pages(
            &site,
            &target,
            &format!("conversations/{}/messages/", target.conversation),
        )
        .await,
        resumes(address, &target).await,
    ]
}

/// The median of some durations, in milliseconds.
fn middle(mut all: Vec<Duration>) -> f64 {
    all.sort_unstable();
    all[all.len() / 2].as_secs_f64() * 1e3
}

async fn edits(address: SocketAddr, target: &Pair) -> f64 {
    let mut socket = talk::open(address, target, 0).await;
    until(&mut socket, "hello").await;
    let mut all = Vec::new();
    for count in 0..TIMES {
        let text = format!("Changed {count}");
        let message = target.first_message;
        let edit = json!({ "type": "edit", "message_id": message, "message": text });
        let began = Instant::now();
        socket.send(Message::text(edit.to_string())).await.unwrap();
        until(&mut socket, "message_updated").await;
        all.push(began.elapsed());
    }
    middle(all)
}

async fn deletions(site: &Site, target: &Pair, count: usize) -> f64 {
    let mut all = Vec::new();
    for at in 1..=TIMES {
        let (group, message) = attacks::deletable(count + at);
        let path = format!("conversations/{group}/messages/{message}/");
        let began = Instant::now();
        site.delete(&path, &target.tokens[0]).await;
        all.push(began.elapsed());
    }
    middle(all)
}

async fn pages(site: &Site, target: &Pair, path: &str) -> f64 {
    let mut all = Vec::new();
    for _ in 0..TIMES {
        let began = Instant::now();
        site.get(path, &target.tokens[0]).await;
        all.push(began.elapsed());
    }
    middle(all)
}

async fn resumes(address: SocketAddr, target: &Pair) -> f64 {
    let mut socket = talk::open_unbound(address, &target.tokens[1]).await;
    until(&mut socket, "hello").await;
    let mut all = Vec::new();
    for _ in 0..TIMES / 4 {
        let resume = json!({ "type": "resume", "cursors": {} });
        let began = Instant::now();
        socket
            .send(Message::text(resume.to_string()))
            .await
            .unwrap();
        until(&mut socket, "synced").await;
        all.push(began.elapsed());
    }
    middle(all)
}

/// Reads up to a frame of this type.
async fn until(socket: &mut Socket, kind: &str) {
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
