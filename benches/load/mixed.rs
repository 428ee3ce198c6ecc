//! All of it at once: in rooms of 50 one types and speaks, all who hear it
//! mark it as read, and others come and go.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::crowd;
use super::figures::{Figures, Latencies, each};
use super::process::Process;
use super::sizes::Sizes;
use super::talk::TEXT;
use super::wire::{Wire, find, number};
use super::world::{Plan, Room, SAID, World};

const ROOM: usize = 50;
/// How often something is said in each room.
const SAYS_EVERY: Duration = Duration::from_millis(200);
/// How often somebody comes, who goes when the next one comes.
const COMES_EVERY: Duration = Duration::from_millis(100);

pub(crate) async fn run(sizes: &Sizes) -> Vec<Figures> {
    let people = sizes.mixed * ROOM;
    let rooms = (0..sizes.mixed).map(|at| Room {
        first: at * ROOM + 1,
        people: ROOM,
    });
    let world = World::new(&Plan {
        people,
        rooms: rooms.collect(),
        ..Plan::default()
    })
    .await;
    let server = Process::tidings(&world).await;
    // The last of each room comes and goes; the others stay.
    let stay = (1..=people).filter(|person| person % ROOM > 0);
    let tokens: Vec<String> = stay.map(|person| world.token(person)).collect();
    let (open, _) = crowd::open(server.address(), tokens, 32).await;
    let start = Instant::now();
    let day = Rc::new(Day {
        from: start + sizes.warm_up,
        until: start + sizes.warm_up + sizes.span,
        latencies: RefCell::default(),
        heard: Cell::new(0),
        frames: Cell::new(0),
    });
    let mut living = JoinSet::new();
    for (at, wire) in open.into_iter().enumerate() {
        let here = Here {
            room: world.room(at / (ROOM - 1)),
            speaks: at % (ROOM - 1) == 0,
            day: Rc::clone(&day),
        };
        living.spawn_local(here.live(wire));
    }
    let passing = (1..=sizes.mixed).map(|room| world.token(room * ROOM));
    let passing: Vec<String> = passing.collect();
    living.spawn_local(come_and_go(server.address(), passing, Rc::clone(&day)));
    tokio::time::sleep_until(day.from.into()).await;
    let cpu = server.cpu();
    tokio::time::sleep_until(day.until.into()).await;
    let spent = server.cpu() - cpu;
    living.join_all().await;
    let mut latencies = day.latencies.take();
    let count = latencies.len();
    vec![Figures {
        scenario: format!("mixed-{people}"),
        of: server.name,
        unit: "messages",
        per_second: count as f64 / sizes.span.as_secs_f64(),
        cpu_micros: each(spent, count),
        p50: latencies.at(0.5),
        p99: latencies.at(0.99),
        more: vec![
            ("messages heard each", day.heard.get() as f64 / count as f64),
            (
                "frames a second",
                day.frames.get() as f64 / sizes.span.as_secs_f64(),
            ),
        ],
    }]
}

struct Day {
    from: Instant,
    until: Instant,
    latencies: RefCell<Latencies>,
    /// Messages that arrived, and frames of any kind.
    heard: Cell<usize>,
    frames: Cell<usize>,
}

impl Day {
    fn is_measured(&self) -> bool {
        (self.from..self.until).contains(&Instant::now())
    }
}

/// One who is there all the time.
struct Here {
    room: usize,
    speaks: bool,
    day: Rc<Day>,
}

impl Here {
    async fn live(self, mut wire: Wire) {
        let (mut last, mut open) = (SAID as i64, VecDeque::new());
        let mut ticks = tokio::time::interval(SAYS_EVERY);
        // What was said is heard a while after.
        let end = self.day.until + Duration::from_secs(1);
        while Instant::now() < end {
            tokio::select! {
                _ = ticks.tick() => {
                    if self.speaks && Instant::now() < self.day.until {
                        open.push_back(self.say(&mut wire));
                    }
                }
                () = wire.fill() => {}
            }
            let mut seen = None;
            while let Some(text) = wire.take() {
                if self.day.is_measured() {
                    self.day.frames.set(self.day.frames.get() + 1);
                }
                if text.starts_with(br#"{"type":"message""#) {
                    last += 1;
                    assert_eq!(number(text, br#""seq":"#), last, "once and in order");
                    seen = Some(number(
                        &text[find(text, br#""message":"#).unwrap()..],
                        br#""id":"#,
                    ));
                    self.heard(&mut open);
                }
            }
            if let (Some(id), false) = (seen, self.speaks) {
                let room = self.room;
                wire.push(&format!(
                    r#"{{"type":"read_receipt","conversation_id":{room},"message_id":{id}}}"#
                ));
            }
            wire.flush().await;
        }
        assert!(open.is_empty(), "all that was said came back");
    }

    fn say(&self, wire: &mut Wire) -> Instant {
        let room = self.room;
        let name = uuid::Uuid::now_v7();
        wire.push(&format!(
            r#"{{"type":"typing","conversation_id":{room},"is_typing":true}}"#
        ));
        wire.push(&format!(
            r#"{{"type":"message","conversation_id":{room},"client_id":"{name}","message":"{TEXT}"}}"#
        ));
        Instant::now()
    }

    fn heard(&self, open: &mut VecDeque<Instant>) {
        if !self.day.is_measured() {
            open.pop_front();
            return;
        }
        self.day.heard.set(self.day.heard.get() + 1);
        if let Some(sent) = open.pop_front() {
            self.day.latencies.borrow_mut().push(sent.elapsed());
        }
    }
}

async fn come_and_go(address: std::net::SocketAddr, tokens: Vec<String>, day: Rc<Day>) {
    let mut ticks = tokio::time::interval(COMES_EVERY);
    for token in tokens.iter().cycle() {
        if Instant::now() >= day.until {
            return;
        }
        ticks.tick().await;
        Wire::open(address, "/ws/", token).await.hello().await;
    }
}
