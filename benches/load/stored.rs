//! What a message costs with so many conversations in the database.

use super::figures::Figures;
use super::pairs;
use super::process::Process;
use super::sizes::Sizes;
use super::talk::{self, Pace};
use super::world::World;

/// As many as there are in the smallest of these worlds.
const PAIRS: usize = 10;

pub(crate) async fn run(sizes: &Sizes) -> Vec<Figures> {
    let mut found: Vec<Figures> = Vec::new();
    for stored in sizes.stored.iter().copied() {
        let world = World::of_pairs(stored).await;
        let server = Process::tidings(&world).await;
        let seats = pairs::seats(&world, PAIRS);
        let figures = talk::run(&server, &seats, Pace::Window(1), sizes).await;
        let figures = Figures {
            scenario: format!("stored-{stored}"),
            ..figures
        };
        let figures = match found.first() {
            Some(first) => {
                let cpu = figures.cpu_micros / first.cpu_micros;
                let mut figures = figures.against("of the first", first);
                figures.more.push(("its CPU", cpu));
                figures
            }
            None => figures,
        };
        found.push(figures);
        server.stop().await;
    }
    found
}
