//! People who talk: in each room one speaks, and all hear.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::figures::{Figures, Latencies, each};
use super::process::Process;
use super::sizes::Sizes;
use super::wire::{Wire, find, number};

/// As long as people's messages are.
pub(crate) const TEXT: &str = "Shall we meet at the old harbour at seven? Bring the map, the blue \
                               one, and something warm to wear.";

const MESSAGE: &[u8] = br#"{"type":"message""#;

/// When the next message goes out.
#[derive(Clone, Copy)]
pub(crate) enum Pace {
    /// As soon as fewer than these are on their way.
    Window(usize),
    /// This often, one after the other.
    Every(Duration),
}

/// A room: its door, and who comes to it. The first one speaks.
pub(crate) struct Seats {
    pub(crate) path: String,
    pub(crate) tokens: Vec<String>,
}

/// What is measured: what is echoed between two moments.
struct Run {
    start: Instant,
    from: Instant,
    until: Instant,
    latencies: RefCell<Latencies>,
}

impl Run {
    fn is_on(&self) -> bool {
        Instant::now() < self.until
    }

    fn echoed(&self, sent: Instant) {
        let now = Instant::now();
        if now >= self.from && now < self.until {
            self.latencies.borrow_mut().push(now - sent);
        }
    }
}

/// Lets them talk, and answers with what it took of each message.
pub(crate) async fn run(process: &Process, rooms: &[Seats], pace: Pace, sizes: &Sizes) -> Figures {
    let mut open = Vec::new();
    for room in rooms {
        let mut sockets = Vec::new();
        for token in &room.tokens {
            let mut wire = Wire::open(process.address(), &room.path, token).await;
            let last = number(&wire.hello().await, br#""last_seq":"#);
            sockets.push((wire, last));
        }
        open.push(sockets);
    }
    let start = Instant::now();
    let run = Rc::new(Run {
        start,
        from: start + sizes.warm_up,
        until: start + sizes.warm_up + sizes.span,
        latencies: RefCell::default(),
    });
    let mut talking = JoinSet::new();
    let count = u32::try_from(open.len()).unwrap();
    for (sockets, at) in open.into_iter().zip(0..) {
        let talk = Rc::new(Talk {
            run: Rc::clone(&run),
            last: Cell::new(None),
            ended: Notify::new(),
        });
        let mut sockets = sockets.into_iter();
        let (speaker, last) = sockets.next().unwrap();
        for (hearer, last) in sockets {
            talking.spawn_local(Rc::clone(&talk).hear(hearer, last));
        }
        match pace {
            Pace::Window(size) => talking.spawn_local(talk.speak((speaker, last), size)),
            Pace::Every(gap) => {
                let paced = talk.speak_now_and_then((speaker, last), gap, gap * at / count);
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
    Figures {
        of: process.name,
        unit: "messages",
        per_second: latencies.len() as f64 / sizes.span.as_secs_f64(),
        cpu_micros: each(spent, latencies.len()),
        p50: latencies.at(0.5),
        p99: latencies.at(0.99),
        ..Figures::default()
    }
}

/// One room.
struct Talk {
    run: Rc<Run>,
    /// The `seq` of the last message, once that is known.
    last: Cell<Option<i64>>,
    ended: Notify,
}

/// A message on its way.
pub(crate) struct Open {
    name: String,
    pub(crate) sent: Instant,
}

impl Talk {
    async fn speak(self: Rc<Self>, (mut wire, mut last): (Wire, i64), window: usize) {
        let mut open = VecDeque::new();
        loop {
            while open.len() < window && self.run.is_on() {
                open.push_back(say(&mut wire));
            }
            if open.is_empty() {
                return self.end(last);
            }
            wire.flush().await;
            wire.fill().await;
            while let Some(text) = wire.take() {
                if text.starts_with(MESSAGE) {
                    last += 1;
                    self.echo(text, last, open.pop_front());
                }
            }
        }
    }

    async fn speak_now_and_then(
        self: Rc<Self>,
        (mut wire, mut last): (Wire, i64),
        gap: Duration,
        after: Duration,
    ) {
        let mut ticks = tokio::time::interval_at((self.run.start + after).into(), gap);
        while self.run.is_on() {
            ticks.tick().await;
            let mut open = Some(say(&mut wire));
            wire.flush().await;
            while open.is_some() {
                wire.fill().await;
                while let Some(text) = wire.take() {
                    if text.starts_with(MESSAGE) {
                        last += 1;
                        self.echo(text, last, open.take());
                    }
                }
            }
        }
        self.end(last);
    }

    fn echo(&self, text: &[u8], seq: i64, open: Option<Open>) {
        check(text, seq);
        let open = open.expect("nobody else speaks");
        assert!(open.is_echoed_by(text), "the echoes are in order");
        self.run.echoed(open.sent);
    }

    fn end(&self, last: i64) {
        self.last.set(Some(last));
        self.ended.notify_waiters();
    }

    async fn hear(self: Rc<Self>, mut wire: Wire, mut last: i64) {
        loop {
            while let Some(text) = wire.take() {
                if text.starts_with(MESSAGE) {
                    last += 1;
                    check(text, last);
                }
            }
            if self.last.get() == Some(last) {
                return;
            }
            tokio::select! {
                () = wire.fill() => {}
                () = self.ended.notified() => {}
            }
        }
    }
}

fn check(text: &[u8], seq: i64) {
    assert_eq!(
        number(text, br#""seq":"#),
        seq,
        "each message once and in order"
    );
}

impl Open {
    pub(crate) fn is_echoed_by(&self, text: &[u8]) -> bool {
        let start = find(text, br#""client_id":""#).unwrap();
        text[start..].starts_with(self.name.as_bytes())
    }
}

/// Says something on a socket that is bound to a conversation.
pub(crate) fn say(wire: &mut Wire) -> Open {
    // In time order, as the web client makes them.
    let name = Uuid::now_v7().to_string();
    wire.push(&format!(
        r#"{{"type":"message","client_id":"{name}","message":"{TEXT}"}}"#
    ));
    Open {
        name,
        sent: Instant::now(),
    }
}
