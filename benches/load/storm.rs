//! All come back at once: each opens a socket, and resumes all of their
//! conversations from where they were. Meanwhile others talk at their pace.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::figures::{Figures, Latencies, each};
use super::pairs;
use super::process::Process;
use super::sizes::Sizes;
use super::talk;
use super::wire::{Wire, number};
use super::world::{Plan, Room, SAID, SAID_IN_PAIRS, World};

/// Those who talk meanwhile.
const TALKING: usize = 50;
const ROOM: usize = 50;
/// Messages that each of those who come back has missed in their room.
const MISSED: usize = 10;

pub(crate) async fn run(sizes: &Sizes) -> Vec<Figures> {
    let first = 2 * TALKING + 1;
    let rooms = (0..sizes.storm / ROOM).map(|at| Room {
        first: first + at * ROOM,
        people: ROOM,
    });
    let world = World::new(&Plan {
        people: 2 * TALKING + sizes.storm,
        rooms: rooms.collect(),
        ..Plan::default()
    })
    .await;
    let server = Process::tidings(&world).await;
    let pairs = pairs::seats(&world, TALKING);
    let talking = talk::run(&server, &pairs, pairs::PACED, sizes);
    let storm = async {
        // Once the talk has begun to be measured.
        tokio::time::sleep(sizes.warm_up + Duration::from_millis(500)).await;
        rush(&server, &world, sizes).await
    };
    let (talk, storm) = tokio::join!(talking, storm);
    let talk = Figures {
        scenario: "storm: paced talk".to_owned(),
        ..talk
    };
    server.stop().await;
    vec![storm, talk]
}

async fn rush(server: &Process, world: &World, sizes: &Sizes) -> Figures {
    let first = 2 * TALKING + 1;
    let comers = (0..sizes.storm).map(|at| {
        let (person, room) = (first + at, world.room(at / ROOM));
        let pair = person.div_ceil(2);
        let missed = SAID - MISSED;
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
        coming.spawn_local(async move { back(address, &token, &resume, start).await });
    }
    let (mut hello, mut synced, mut open) =
        (Latencies::default(), Latencies::default(), Vec::new());
    for (wire, greeted, done) in coming.join_all().await {
        hello.push(greeted);
        synced.push(done);
        open.push(wire);
    }
    let (took, spent) = (start.elapsed(), server.cpu() - cpu);
    Figures {
        scenario: format!("storm-{}", sizes.storm),
        of: server.name,
        unit: "synced",
        per_second: open.len() as f64 / took.as_secs_f64(),
        cpu_micros: each(spent, open.len()),
        p50: synced.at(0.5),
        p99: synced.at(0.99),
        more: vec![
            ("seconds for all", took.as_secs_f64()),
            ("hello p50 ms", hello.at(0.5)),
            ("hello p99 ms", hello.at(0.99)),
        ],
    }
}

/// One who comes back, and gets what they missed, once and in order.
async fn back(
    address: SocketAddr,
    token: &str,
    resume: &str,
    start: Instant,
) -> (Wire, Duration, Duration) {
    let mut wire = Wire::open(address, "/ws/", token).await;
    wire.hello().await;
    let greeted = start.elapsed();
    wire.push(resume);
    wire.flush().await;
    let mut last = SAID - MISSED;
    loop {
        let text = wire.next().await;
        if text.starts_with(br#"{"type":"message""#) {
            last += 1;
            assert_eq!(number(&text, br#""seq":"#), last as i64);
        } else if text.starts_with(br#"{"type":"synced""#) {
            assert_eq!(last, SAID, "all that was missed");
            return (wire, greeted, start.elapsed());
        }
    }
}
