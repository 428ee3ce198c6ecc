//! The cost of a message by the number of conversations in the database.

use super::figures::LoadFigures;
use super::pairs;
use super::process::LoadProcess;
use super::sizes::LoadSizes;
use super::talk::{self, SendPace};
use super::world::LoadWorld;

/// The number of pairs that talk: all pairs of the smallest database.
const PAIRS: usize = 10;

pub(crate) async fn run(sizes: &LoadSizes) -> Vec<LoadFigures> {
    let mut found: Vec<LoadFigures> = Vec::new();
    for stored in sizes.stored.iter().copied() {
        let world = LoadWorld::with_pairs(stored).await;
        let server = LoadProcess::start_server(&world).await;
        let seats = pairs::pair_rooms(&world, PAIRS);
        let figures = talk::measure_talk(&server, &seats, SendPace::Window(1), sizes).await;
        let figures = LoadFigures {
            scenario: format!("stored-{stored}"),
            ..figures
        };
        let figures = match found.first() {
            Some(first) => {
                let cpu = figures.cpu_micros / first.cpu_micros;
                let mut figures = figures.with_limit("of the first", first);
                figures.extra.push(("its CPU", cpu));
                figures
            }
            None => figures,
        };
        found.push(figures);
        server.stop().await;
    }
    found
}
