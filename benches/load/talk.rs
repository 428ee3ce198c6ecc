//! Talk in rooms: one member of each room sends, and all receive.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::figures::{Latencies, LoadFigures, micros_each};
use super::load_socket::{LoadSocket, find_bytes, parse_number};
use super::process::LoadProcess;
use super::sizes::LoadSizes;

/// A text of typical length.
pub(crate) const TEXT: &str = "Shall we meet at the old harbour at seven? Bring the map, the blue \
                               one, and something warm to wear.";

const MESSAGE: &[u8] = br#"{"type":"message""#;

/// The pace of a sender.
#[derive(Clone, Copy)]
pub(crate) enum SendPace {
    /// Sends when fewer than this number of messages are in flight.
    Window(usize),
    /// Sends at this interval, one message at a time.
    Every(Duration),
}

/// The path of a room and the tokens of its clients. The first client sends.
pub(crate) struct RoomClients {
    pub(crate) path: String,
    pub(crate) tokens: Vec<String>,
}

/// A measurement of the messages that are echoed between two times.
struct TalkRun {
    start: Instant,
    from: Instant,
    until: Instant,
    latencies: RefCell<Latencies>,
}

impl TalkRun {
    fn is_on(&self) -> bool {
        Instant::now() < self.until
    }

    fn record_echo(&self, sent: Instant) {
        let now = Instant::now();
        if now >= self.from && now < self.until {
            self.latencies.borrow_mut().record(now - sent);
        }
    }
}

/// Runs the talk in all rooms. Returns the figures for each message.
pub(crate) async fn measure_talk(
    process: &LoadProcess,
    rooms: &[RoomClients],
    pace: SendPace,
    sizes: &LoadSizes,
) -> LoadFigures {
    let mut open = Vec::new();
    for room in rooms {
        let mut sockets = Vec::new();
        for token in &room.tokens {
            let mut wire = LoadSocket::open(process.address(), &room.path, token).await;
            let last = parse_number(&wire.read_hello().await, br#""last_seq":"#);
            sockets.push((wire, last));
        }
        open.push(sockets);
    }
    let start = Instant::now();
    let run = Rc::new(TalkRun {
        start,
        from: start + sizes.warm_up,
        until: start + sizes.warm_up + sizes.span,
        latencies: RefCell::default(),
    });
    let mut talking = JoinSet::new();
    let count = u32::try_from(open.len()).unwrap();
    for (sockets, at) in open.into_iter().zip(0..) {
        let talk = Rc::new(TalkRoom {
            run: Rc::clone(&run),
            last_seq: Cell::new(None),
            ended: Notify::new(),
        });
        let mut sockets = sockets.into_iter();
        let (sender, last) = sockets.next().unwrap();
        for (receiver, last) in sockets {
            talking.spawn_local(Rc::clone(&talk).receive(receiver, last));
        }
        match pace {
            SendPace::Window(size) => talking.spawn_local(talk.send_windowed((sender, last), size)),
            SendPace::Every(gap) => {
                let paced = talk.send_paced((sender, last), gap, gap * at / count);
                talking.spawn_local(paced)
            }
        };
    }
    tokio::time::sleep_until(run.from.into()).await;
    let cpu = process.cpu();
    tokio::time::sleep_until(run.until.into()).await;
    let spent = process.cpu() - cpu;
    talking.join_all().await;
    let mut latencies = run.latencies.take();
    LoadFigures {
        process: process.name,
        unit: "messages",
        per_second: latencies.len() as f64 / sizes.span.as_secs_f64(),
        cpu_micros: micros_each(spent, latencies.len()),
        p50: latencies.quantile(0.5),
        p99: latencies.quantile(0.99),
        ..LoadFigures::default()
    }
}

/// The shared state of one room.
struct TalkRoom {
    run: Rc<TalkRun>,
    /// The `seq` of the last message, after the sender has finished.
    last_seq: Cell<Option<i64>>,
    ended: Notify,
}

/// A sent message without an echo so far.
pub(crate) struct PendingEcho {
    name: String,
    pub(crate) sent: Instant,
}

impl TalkRoom {
    async fn send_windowed(self: Rc<Self>, (mut wire, mut last): (LoadSocket, i64), window: usize) {
        let mut open = VecDeque::new();
        loop {
            while open.len() < window && self.run.is_on() {
                open.push_back(queue_message(&mut wire));
            }
            if open.is_empty() {
                return self.end(last);
            }
            wire.flush().await;
            wire.fill().await;
            while let Some(text) = wire.take_frame() {
                if text.starts_with(MESSAGE) {
                    last += 1;
                    self.check_echo(text, last, open.pop_front());
                }
            }
        }
    }

    async fn send_paced(
        self: Rc<Self>,
        (mut wire, mut last): (LoadSocket, i64),
        gap: Duration,
        after: Duration,
    ) {
        let mut ticks = tokio::time::interval_at((self.run.start + after).into(), gap);
        while self.run.is_on() {
            ticks.tick().await;
            let mut open = Some(queue_message(&mut wire));
            wire.flush().await;
            while open.is_some() {
                wire.fill().await;
                while let Some(text) = wire.take_frame() {
                    if text.starts_with(MESSAGE) {
                        last += 1;
                        self.check_echo(text, last, open.take());
                    }
                }
            }
        }
        self.end(last);
    }

    fn check_echo(&self, text: &[u8], seq: i64, open: Option<PendingEcho>) {
        check_seq(text, seq);
        let open = open.expect("no other member sends");
        assert!(open.is_echoed_by(text), "the echoes are in order");
        self.run.record_echo(open.sent);
    }

    fn end(&self, last: i64) {
        self.last_seq.set(Some(last));
        self.ended.notify_waiters();
    }

    async fn receive(self: Rc<Self>, mut wire: LoadSocket, mut last: i64) {
        loop {
            while let Some(text) = wire.take_frame() {
                if text.starts_with(MESSAGE) {
                    last += 1;
                    check_seq(text, last);
                }
            }
            if self.last_seq.get() == Some(last) {
                return;
            }
            tokio::select! {
                () = wire.fill() => {}
                () = self.ended.notified() => {}
            }
        }
    }
}

fn check_seq(text: &[u8], seq: i64) {
    assert_eq!(
        parse_number(text, br#""seq":"#),
        seq,
        "each message once and in order"
    );
}

impl PendingEcho {
    pub(crate) fn is_echoed_by(&self, text: &[u8]) -> bool {
        let start = find_bytes(text, br#""client_id":""#).unwrap();
        text[start..].starts_with(self.name.as_bytes())
    }
}

/// Queues a message on a socket that is bound to a conversation.
pub(crate) fn queue_message(wire: &mut LoadSocket) -> PendingEcho {
    // Ids are ordered by time, like those of the web client.
    let name = Uuid::now_v7().to_string();
    wire.queue_frame(&format!(
        r#"{{"type":"message","client_id":"{name}","message":"{TEXT}"}}"#
    ));
    PendingEcho {
        name,
        sent: Instant::now(),
    }
}
