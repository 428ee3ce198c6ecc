//! Sends the frames of the table in `docs/authority.md` and checks the results.

use std::collections::BTreeSet;

use serde_json::Value;
use tidings::protocol::ClientCommand;

use super::table::{Row, SOCKETS, compare, rows};
use super::world::{Things, World};
use crate::support::{TestSocket, TokenTransport, within};

fn frames() -> Vec<Row> {
    rows("frame", &SOCKETS)
}

#[test]
fn authority_table_lists_exactly_the_frames() {
    let listed: BTreeSet<String> = frames().into_iter().map(|row| row.target).collect();
    let real: BTreeSet<String> = ClientCommand::TYPES.map(str::to_owned).into();
    assert_eq!(listed, real, "the rows of docs/authority.md");
}

#[tokio::test]
async fn frames_answer_roles_as_listed() {
    let world = World::new().await;
    let listed = frames();
    let mut found = Vec::new();
    for row in &listed {
        let mut cells = Vec::new();
        for role in SOCKETS {
            let things = Things::of(&world, role, row).await;
            let frame: Value = serde_json::from_str(&things.fill(&row.with)).unwrap();
            assert_eq!(frame["type"], *row.target);
            let mut sender = world.of(role).socket("/ws/").await;
            let mut mate = TestSocket::open(world.of("mate"), "/ws/", TokenTransport::Bearer).await;
            mate.expect("hello").await;
            cells.push(outcome(&mut sender, &mut mate, frame).await);
        }
        found.push(Row {
            cells,
            ..row.clone()
        });
    }
    compare(&listed, &found, &SOCKETS);
}

/// Sends a frame. Returns the type of the response, or of the frame that `mate`
/// receives.
pub(crate) async fn outcome(
    sender: &mut TestSocket,
    mate: &mut TestSocket,
    frame: Value,
) -> String {
    let kind = frame["type"].as_str().unwrap().to_owned();
    sender.send(frame).await;
    let outcome = async {
        tokio::select! {
            answered = answer(sender, &kind) => answered,
            received = typing_of(mate, &kind) => received,
        }
    };
    within(&kind, outcome).await
}

/// Returns the type of the response, or the code of the error.
async fn answer(sender: &mut TestSocket, sent: &str) -> String {
    let done: &[&str] = match sent {
        "message" => &["message"],
        "edit" | "delete" | "reaction" => &["message_updated"],
        "delivered" => &["delivered"],
        "read_receipt" => &["read_receipt"],
        "resume" => &["resumed", "reset"],
        "ping" => &["pong"],
        _ => &[],
    };
    loop {
        let frame = sender.read().await.unwrap();
        let kind = frame["type"].as_str().unwrap();
        if kind == "error" {
            return format!("error {}", frame["code"].as_str().unwrap());
        }
        if done.contains(&kind) {
            return kind.to_owned();
        }
    }
}

/// Waits for `typing`, which the server sends only to the other members.
async fn typing_of(mate: &mut TestSocket, sent: &str) -> String {
    loop {
        let frame = mate.read().await.unwrap();
        if sent == "typing" && frame["type"] == "typing" {
            return "typing".to_owned();
        }
    }
}
