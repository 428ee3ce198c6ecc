//! A mixed load: in rooms of 50, one member types and sends, all others mark
//! messages as read, and some users connect and disconnect.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::crowd;
use super::figures::{Latencies, LoadFigures, micros_each};
use super::load_socket::{LoadSocket, find_bytes, parse_number};
use super::process::LoadProcess;
use super::sizes::LoadSizes;
use super::talk::TEXT;
use super::world::{LoadWorld, PlannedRoom, SAID, WorldPlan};

const ROOM_SIZE: usize = 50;
/// The time between two messages of a room.
const SEND_EVERY: Duration = Duration::from_millis(200);
/// The time between two connects of users who disconnect after `hello`.
const RECONNECT_EVERY: Duration = Duration::from_millis(100);

pub(crate) async fn run(sizes: &LoadSizes) -> Vec<LoadFigures> {
    let people = sizes.mixed * ROOM_SIZE;
    let world = LoadWorld::new(&plan(sizes.mixed)).await;
    let server = LoadProcess::start_server(&world).await;
    // The last member of each room reconnects; the others stay connected.
    let stay = (1..=people).filter(|person| person % ROOM_SIZE > 0);
    let tokens: Vec<String> = stay.map(|person| world.token(person)).collect();
    let (open, _) = crowd::open_sockets(server.address(), tokens, 32).await;
    let start = Instant::now();
    let day = Rc::new(MixedRun {
        from: start + sizes.warm_up,
        until: start + sizes.warm_up + sizes.span,
        latencies: RefCell::default(),
        received: Cell::new(0),
        frames: Cell::new(0),
    });
    let mut living = JoinSet::new();
    for (at, wire) in open.into_iter().enumerate() {
        let here = MixedMember {
            room: world.room(at / (ROOM_SIZE - 1)),
            is_sender: at % (ROOM_SIZE - 1) == 0,
            run: Rc::clone(&day),
        };
        living.spawn_local(here.live(wire));
    }
    let passing = (1..=sizes.mixed).map(|room| world.token(room * ROOM_SIZE));
    let passing: Vec<String> = passing.collect();
    living.spawn_local(reconnect_repeatedly(
        server.address(),
        passing,
        Rc::clone(&day),
    ));
    tokio::time::sleep_until(day.from.into()).await;
    let cpu = server.cpu();
    tokio::time::sleep_until(day.until.into()).await;
    let spent = server.cpu() - cpu;
    living.join_all().await;
    let mut latencies = day.latencies.take();
    let count = latencies.len();
    vec![LoadFigures {
        scenario: format!("mixed-{people}"),
        process: server.name,
        unit: "messages",
        per_second: count as f64 / sizes.span.as_secs_f64(),
        cpu_micros: micros_each(spent, count),
        p50: latencies.quantile(0.5),
        p99: latencies.quantile(0.99),
        extra: day.extra(count, sizes.span),
    }]
}

/// Returns a world with `rooms` rooms.
fn plan(rooms: usize) -> WorldPlan {
    let planned = (0..rooms).map(|at| PlannedRoom {
        first: at * ROOM_SIZE + 1,
        people: ROOM_SIZE,
    });
    WorldPlan {
        people: rooms * ROOM_SIZE,
        rooms: planned.collect(),
        ..WorldPlan::default()
    }
}

struct MixedRun {
    from: Instant,
    until: Instant,
    latencies: RefCell<Latencies>,
    /// Received messages, and received frames of any kind.
    received: Cell<usize>,
    frames: Cell<usize>,
}

impl MixedRun {
    /// Returns the further figures of a run in which `sent` messages were timed.
    fn extra(&self, sent: usize, span: Duration) -> Vec<(&'static str, f64)> {
        let (received, frames) = (self.received.get() as f64, self.frames.get() as f64);
        vec![
            ("messages received each", received / sent as f64),
            ("frames a second", frames / span.as_secs_f64()),
        ]
    }
}

impl MixedRun {
    fn is_measured(&self) -> bool {
        (self.from..self.until).contains(&Instant::now())
    }
}

/// A member who stays connected.
struct MixedMember {
    room: usize,
    is_sender: bool,
    run: Rc<MixedRun>,
}

impl MixedMember {
    async fn live(self, mut wire: LoadSocket) {
        let (mut last, mut open) = (SAID as i64, VecDeque::new());
        let mut ticks = tokio::time::interval(SEND_EVERY);
        // Leave a second for the last messages to arrive.
        let end = self.run.until + Duration::from_secs(1);
        while Instant::now() < end {
            tokio::select! {
                _ = ticks.tick() => {
                    if self.is_sender && Instant::now() < self.run.until {
                        open.push_back(self.queue_message(&mut wire));
                    }
                }
                () = wire.fill() => {}
            }
            let mut seen = None;
            while let Some(text) = wire.take_frame() {
                if self.run.is_measured() {
                    self.run.frames.set(self.run.frames.get() + 1);
                }
                if text.starts_with(br#"{"type":"message""#) {
                    last += 1;
                    assert_eq!(parse_number(text, br#""seq":"#), last, "once and in order");
                    seen = Some(parse_number(
                        &text[find_bytes(text, br#""message":"#).unwrap()..],
                        br#""id":"#,
                    ));
                    self.record_echo(&mut open);
                }
            }
            if let (Some(id), false) = (seen, self.is_sender) {
                let room = self.room;
                wire.queue_frame(&format!(
                    r#"{{"type":"read_receipt","conversation_id":{room},"message_id":{id}}}"#
                ));
            }
            wire.flush().await;
        }
        assert!(open.is_empty(), "every sent message came back");
    }

    fn queue_message(&self, wire: &mut LoadSocket) -> Instant {
        let room = self.room;
        let name = uuid::Uuid::now_v7();
        wire.queue_frame(&format!(
            r#"{{"type":"typing","conversation_id":{room},"is_typing":true}}"#
        ));
        wire.queue_frame(&format!(
            r#"{{"type":"message","conversation_id":{room},"client_id":"{name}","message":"{TEXT}"}}"#
        ));
        Instant::now()
    }

    fn record_echo(&self, open: &mut VecDeque<Instant>) {
        if !self.run.is_measured() {
            open.pop_front();
            return;
        }
        self.run.received.set(self.run.received.get() + 1);
        if let Some(sent) = open.pop_front() {
            self.run.latencies.borrow_mut().record(sent.elapsed());
        }
    }
}

async fn reconnect_repeatedly(
    address: std::net::SocketAddr,
    tokens: Vec<String>,
    day: Rc<MixedRun>,
) {
    let mut ticks = tokio::time::interval(RECONNECT_EVERY);
    for token in tokens.iter().cycle() {
        if Instant::now() >= day.until {
            return;
        }
        ticks.tick().await;
        LoadSocket::open(address, "/ws/", token)
            .await
            .read_hello()
            .await;
    }
}
