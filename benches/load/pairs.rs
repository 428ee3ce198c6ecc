//! Pairs in which one speaks, as fast as the window lets them, or paced; the
//! same against the limits.

use std::time::Duration;

use super::bare;
use super::figures::Figures;
use super::process::Process;
use super::sizes::Sizes;
pub(crate) use super::talk::Pace;
use super::talk::{self, Seats};
use super::world::World;

/// 50 pairs, each 4 times a second.
pub(crate) const PACED: Pace = Pace::Every(Duration::from_millis(250));

pub(crate) async fn run(name: &str, pace: Pace, sizes: &Sizes) -> Vec<Figures> {
    let named = |figures: Figures| Figures {
        scenario: name.to_owned(),
        ..figures
    };
    let world = World::of_pairs(sizes.pairs).await;
    let pairs = seats(&world, sizes.pairs);
    let mut limits = Vec::new();
    for limit in [Process::relay().await, Process::relay_to_disk().await] {
        limits.push(named(talk::run(&limit, &pairs, pace, sizes).await));
        limit.stop().await;
    }
    let server = Process::tidings(&world).await;
    let ours = named(talk::run(&server, &pairs, pace, sizes).await);
    server.stop().await;
    if let Pace::Window(window) = pace {
        limits.push(bare::insert(name, window * sizes.pairs, sizes).await);
    }
    let names = ["of relay", "of relay+fsync", "of sqlite"];
    let mut ours = limits
        .iter()
        .zip(names)
        .fold(ours, |ours, (limit, name)| ours.against(name, limit));
    if let Some(to_disk) = limits.get(1) {
        ours.more.push(("p50 of fsync's", ours.p50 / to_disk.p50));
    }
    limits.push(ours);
    limits
}

pub(crate) fn seats(world: &World, pairs: usize) -> Vec<Seats> {
    let pairs = (1..=pairs).map(|pair| Seats {
        path: format!("/ws/chat/{pair}/"),
        tokens: vec![world.token(2 * pair - 1), world.token(2 * pair)],
    });
    pairs.collect()
}
