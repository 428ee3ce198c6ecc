//! A storm: all users reconnect at once and resume from their cursors.
//! Meanwhile pairs of other users talk at an even pace.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::figures::{Latencies, LoadFigures, micros_each};
use super::load_socket::{LoadSocket, parse_number};
use super::pairs;
use super::process::LoadProcess;
use super::sizes::LoadSizes;
use super::talk;
use super::world::{LoadWorld, PlannedRoom, SAID, SAID_IN_PAIRS, WorldPlan};

/// The pairs that talk during the storm.
const TALKING_PAIRS: usize = 50;
const ROOM_SIZE: usize = 50;
/// Messages that each reconnecting user has missed in their room.
const MISSED_MESSAGES: usize = 10;

pub(crate) async fn run(sizes: &LoadSizes) -> Vec<LoadFigures> {
    let first = 2 * TALKING_PAIRS + 1;
    let rooms = (0..sizes.storm / ROOM_SIZE).map(|at| PlannedRoom {
        first: first + at * ROOM_SIZE,
        people: ROOM_SIZE,
    });
    let world = LoadWorld::new(&WorldPlan {
        people: 2 * TALKING_PAIRS + sizes.storm,
        rooms: rooms.collect(),
        ..WorldPlan::default()
    })
    .await;
    let server = LoadProcess::start_server(&world).await;
    let pairs = pairs::pair_rooms(&world, TALKING_PAIRS);
    let talking = talk::measure_talk(&server, &pairs, pairs::PACED, sizes);
    let storm = async {
        // The storm begins after the measurement of the talk has begun.
        tokio::time::sleep(sizes.warm_up + Duration::from_millis(500)).await;
        reconnect_all(&server, &world, sizes).await
    };
    let (talk, storm) = tokio::join!(talking, storm);
    let talk = LoadFigures {
        scenario: "storm: paced talk".to_owned(),
        ..talk
    };
    server.stop().await;
    vec![storm, talk]
}

async fn reconnect_all(server: &LoadProcess, world: &LoadWorld, sizes: &LoadSizes) -> LoadFigures {
    let first = 2 * TALKING_PAIRS + 1;
    let comers = (0..sizes.storm).map(|at| {
        let (person, room) = (first + at, world.room(at / ROOM_SIZE));
        let pair = person.div_ceil(2);
        let missed = SAID - MISSED_MESSAGES;
        let resume = format!(
            r#"{{"type":"resume","cursors":{{"{pair}":{SAID_IN_PAIRS},"{room}":{missed}}}}}"#
        );
        (world.token(person), resume)
    });
    let comers: Vec<(String, String)> = comers.collect();
    let (start, cpu) = (Instant::now(), server.cpu());
    let mut coming = JoinSet::new();
    for (token, resume) in comers {
        let address = server.address();
        coming.spawn_local(async move { reconnect(address, &token, &resume, start).await });
    }
    let (mut hello, mut synced, mut open) =
        (Latencies::default(), Latencies::default(), Vec::new());
    for (wire, greeted, done) in coming.join_all().await {
        hello.record(greeted);
        synced.record(done);
        open.push(wire);
    }
    let (took, spent) = (start.elapsed(), server.cpu() - cpu);
    LoadFigures {
        scenario: format!("storm-{}", sizes.storm),
        process: server.name,
        unit: "synced",
        per_second: open.len() as f64 / took.as_secs_f64(),
        cpu_micros: micros_each(spent, open.len()),
        p50: synced.quantile(0.5),
        p99: synced.quantile(0.99),
        extra: vec![
            ("seconds for all", took.as_secs_f64()),
            ("hello p50 ms", hello.quantile(0.5)),
            ("hello p99 ms", hello.quantile(0.99)),
        ],
    }
}

/// Reconnects a user, and checks that missed messages arrive once and in order.
async fn reconnect(
    address: SocketAddr,
    token: &str,
    resume: &str,
    start: Instant,
) -> (LoadSocket, Duration, Duration) {
    let mut wire = LoadSocket::open(address, "/ws/", token).await;
    wire.read_hello().await;
    let greeted = start.elapsed();
    wire.queue_frame(resume);
    wire.flush().await;
    let mut last = SAID - MISSED_MESSAGES;
    loop {
        let text = wire.next().await;
        if text.starts_with(br#"{"type":"message""#) {
            last += 1;
            assert_eq!(parse_number(&text, br#""seq":"#), last as i64);
        } else if text.starts_with(br#"{"type":"synced""#) {
            assert_eq!(last, SAID, "every missed message arrived");
            return (wire, greeted, start.elapsed());
        }
    }
}
