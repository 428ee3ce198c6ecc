//! One who speaks to many: rooms of several sizes, with 32 messages under way.

use super::figures::Figures;
use super::process::Process;
use super::sizes::Sizes;
use super::talk::{self, Pace, Seats};
use super::world::{Plan, Room, World};

const WINDOW: usize = 32;

pub(crate) async fn run(sizes: &Sizes) -> Vec<Figures> {
    let mut found = Vec::new();
    for people in sizes.rooms.iter().copied() {
        let world = World::new(&Plan {
            people,
            rooms: vec![Room { first: 1, people }],
            ..Plan::default()
        })
        .await;
        let room = [Seats {
            path: format!("/ws/chat/{}/", world.room(0)),
            tokens: (1..=people).map(|person| world.token(person)).collect(),
        }];
        let limit = deliveries(&Process::relay().await, &room, sizes).await;
        let ours = deliveries(&Process::tidings(&world).await, &room, sizes).await;
        let ours = ours.against("of relay", &limit);
        found.extend([limit, ours]);
    }
    found
}

/// Counts what arrives at each of them.
async fn deliveries(process: &Process, room: &[Seats], sizes: &Sizes) -> Figures {
    let found = talk::run(process, room, Pace::Window(WINDOW), sizes).await;
    let people = room.iter().map(|room| room.tokens.len()).sum::<usize>();
    Figures {
        scenario: format!("fan-out-{people}"),
        unit: "deliveries",
        per_second: found.per_second * people as f64,
        cpu_micros: found.cpu_micros / people as f64,
        ..found
    }
}
