//! Fan-out from one sender in rooms of several sizes, with 32 messages in
//! flight.

use super::figures::LoadFigures;
use super::process::LoadProcess;
use super::sizes::LoadSizes;
use super::talk::{self, RoomClients, SendPace};
use super::world::{LoadWorld, PlannedRoom, WorldPlan};

const WINDOW: usize = 32;

pub(crate) async fn run(sizes: &LoadSizes) -> Vec<LoadFigures> {
    let mut found = Vec::new();
    for people in sizes.rooms.iter().copied() {
        let world = LoadWorld::new(&WorldPlan {
            people,
            rooms: vec![PlannedRoom { first: 1, people }],
            ..WorldPlan::default()
        })
        .await;
        let room = [RoomClients {
            path: format!("/ws/chat/{}/", world.room(0)),
            tokens: (1..=people).map(|person| world.token(person)).collect(),
        }];
        let limit = measure_deliveries(&LoadProcess::start_relay().await, &room, sizes).await;
        let ours = measure_deliveries(&LoadProcess::start_server(&world).await, &room, sizes).await;
        let ours = ours.with_limit("of relay", &limit);
        found.extend([limit, ours]);
    }
    found
}

/// Measures the talk of a room, in deliveries to its members.
async fn measure_deliveries(
    process: &LoadProcess,
    room: &[RoomClients],
    sizes: &LoadSizes,
) -> LoadFigures {
    let found = talk::measure_talk(process, room, SendPace::Window(WINDOW), sizes).await;
    let people = room.iter().map(|room| room.tokens.len()).sum::<usize>();
    LoadFigures {
        scenario: format!("fan-out-{people}"),
        unit: "deliveries",
        per_second: found.per_second * people as f64,
        cpu_micros: found.cpu_micros / people as f64,
        ..found
    }
}
