//! Pairs in which one user sends, as fast as the window permits or paced. The
//! limits are measured under the same load.

use std::time::Duration;

use super::figures::LoadFigures;
use super::insert_limit;
use super::process::LoadProcess;
use super::sizes::LoadSizes;
pub(crate) use super::talk::SendPace;
use super::talk::{self, RoomClients};
use super::world::LoadWorld;

/// 4 messages a second in each pair.
pub(crate) const PACED: SendPace = SendPace::Every(Duration::from_millis(250));

pub(crate) async fn run(name: &str, pace: SendPace, sizes: &LoadSizes) -> Vec<LoadFigures> {
    let named = |figures: LoadFigures| LoadFigures {
        scenario: name.to_owned(),
        ..figures
    };
    let world = LoadWorld::with_pairs(sizes.pairs).await;
    let pairs = pair_rooms(&world, sizes.pairs);
    let mut limits = Vec::new();
    for limit in [
        LoadProcess::start_relay().await,
        LoadProcess::start_relay_to_disk().await,
    ] {
        limits.push(named(talk::measure_talk(&limit, &pairs, pace, sizes).await));
        limit.stop().await;
    }
    let server = LoadProcess::start_server(&world).await;
    let ours = named(talk::measure_talk(&server, &pairs, pace, sizes).await);
    server.stop().await;
    if let SendPace::Window(window) = pace {
        limits.push(insert_limit::measure_inserts(name, window * sizes.pairs, sizes).await);
    }
    let names = ["of relay", "of relay+fsync", "of sqlite"];
    let mut ours = limits
        .iter()
        .zip(names)
        .fold(ours, |ours, (limit, name)| ours.with_limit(name, limit));
    if let Some(to_disk) = limits.get(1) {
        ours.extra.push(("p50 of fsync's", ours.p50 / to_disk.p50));
    }
    limits.push(ours);
    limits
}

pub(crate) fn pair_rooms(world: &LoadWorld, pairs: usize) -> Vec<RoomClients> {
    let pairs = (1..=pairs).map(|pair| RoomClients {
        path: format!("/ws/chat/{pair}/"),
        tokens: vec![world.token(2 * pair - 1), world.token(2 * pair)],
    });
    pairs.collect()
}
