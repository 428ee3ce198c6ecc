//! The same for what is asked on a socket.

use std::collections::BTreeSet;

use serde_json::Value;
use tidings::protocol::Command;

use super::table::{Row, SOCKETS, compare, rows};
use super::world::{Things, World};
use crate::support::{Socket, TokenBy, within};

fn frames() -> Vec<Row> {
    rows("frame", &SOCKETS)
}

#[test]
fn every_frame_has_a_row_and_every_row_a_frame() {
    let listed: BTreeSet<String> = frames().into_iter().map(|row| row.door).collect();
    let real: BTreeSet<String> = Command::TYPES.map(str::to_owned).into();
    assert_eq!(listed, real, "say in docs/authority.md who may");
}

#[tokio::test]
async fn every_frame_answers_each_role_as_the_table_says() {
    let world = World::new().await;
    let said = frames();
    let mut found = Vec::new();
    for row in &said {
        let mut cells = Vec::new();
        for role in SOCKETS {
            let things = Things::of(&world, role, row).await;
            let frame: Value = serde_json::from_str(&things.fill(&row.with)).unwrap();
            assert_eq!(frame["type"], *row.door);
            let mut asker = world.of(role).socket("/ws/").await;
            let mut mate = Socket::open(world.of("mate"), "/ws/", TokenBy::Bearer).await;
            mate.expect("hello").await;
            cells.push(outcome(&mut asker, &mut mate, frame).await);
        }
        found.push(Row {
            cells,
            ..row.clone()
        });
    }
    compare(&said, &found, &SOCKETS);
}

/// Sends a frame: what the asker is answered, or a mate learns of it.
pub(crate) async fn outcome(asker: &mut Socket, mate: &mut Socket, frame: Value) -> String {
    let kind = frame["type"].as_str().unwrap().to_owned();
    asker.send(frame).await;
    let outcome = async {
        tokio::select! {
            answered = answer(asker, &kind) => answered,
            told = heard(mate, &kind) => told,
        }
    };
    within(&kind, outcome).await
}

/// How the asker learns what came of it.
async fn answer(asker: &mut Socket, asked: &str) -> String {
    let done: &[&str] = match asked {
        "message" => &["message"],
        "edit" | "delete" | "reaction" => &["message_updated"],
        "delivered" => &["delivered"],
        "read_receipt" => &["read_receipt"],
        "resume" => &["resumed", "reset"],
        "ping" => &["pong"],
        _ => &[],
    };
    loop {
        let frame = asker.read().await.unwrap();
        let kind = frame["type"].as_str().unwrap();
        if kind == "error" {
            return format!("error {}", frame["code"].as_str().unwrap());
        }
        if done.contains(&kind) {
            return kind.to_owned();
        }
    }
}

/// That somebody types is told to the others alone.
async fn heard(mate: &mut Socket, asked: &str) -> String {
    loop {
        let frame = mate.read().await.unwrap();
        if asked == "typing" && frame["type"] == "typing" {
            return "typing".to_owned();
        }
    }
}
