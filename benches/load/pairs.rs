//! People who talk in pairs: in each, one speaks and both hear.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::Figures;
use super::people::Pair;
use super::server::Server;
use super::wire::{Wire, find};

/// As long as people's messages are.
const TEXT: &str = "Shall we meet at the old harbour at seven? Bring the map, the blue one, and \
                    something warm to wear.";

const WARM_UP: Duration = Duration::from_secs(1);

/// When the next message goes out.
#[derive(Clone, Copy)]
pub(crate) enum Pace {
    /// As soon as fewer than these are on their way.
    Window(usize),
    /// This often, one after the other.
    Every(Duration),
}

/// Who talks, how, and for how long it is measured.
pub(crate) struct Load<'a> {
    pub(crate) pairs: &'a [Pair],
    pub(crate) pace: Pace,
    pub(crate) span: Duration,
}

/// What is measured: what is echoed between two moments.
struct Run {
    start: Instant,
    from: Instant,
    until: Instant,
    latencies: RefCell<Vec<Duration>>,
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

pub(crate) async fn run(scenario: &'static str, server: &Server, load: Load<'_>) -> Figures {
    let Load { pairs, pace, span } = load;
    let mut sockets = Vec::new();
    for pair in pairs {
        let path = format!("/ws/chat/{}/", pair.conversation);
        let [left, right] = &pair.tokens;
        let speaks = Wire::open(server.address(), &path, left).await;
        let hears = Wire::open(server.address(), &path, right).await;
        sockets.push((speaks, hears));
    }
    let start = Instant::now();
    let run = Rc::new(Run {
        start,
        from: start + WARM_UP,
        until: start + WARM_UP + span,
        latencies: RefCell::default(),
    });
    let mut talking = JoinSet::new();
    let count = u32::try_from(sockets.len()).unwrap();
    for ((speaks, hears), at) in sockets.into_iter().zip(0..) {
        let talk = Rc::new(Talk {
            run: Rc::clone(&run),
            last: Cell::new(None),
            ended: Notify::new(),
        });
        talking.spawn_local(Rc::clone(&talk).hear(hears));
        match pace {
            Pace::Window(size) => talking.spawn_local(talk.speak(speaks, size)),
            Pace::Every(gap) => {
                talking.spawn_local(talk.speak_now_and_then(speaks, gap, gap * at / count))
            }
        };
    }
    tokio::time::sleep_until(run.from.into()).await;
    let cpu = server.cpu();
    tokio::time::sleep_until(run.until.into()).await;
    let spent = server.cpu() - cpu;
    talking.join_all().await;

    let mut latencies = run.latencies.take();
    latencies.sort_unstable();
    let count = latencies.len() as f64;
    let at = |share: f64| latencies[(count * share) as usize].as_secs_f64() * 1e3;
    Figures {
        scenario,
        per_second: count / span.as_secs_f64(),
        cpu_micros: spent.as_secs_f64() * 1e6 / count,
        p50: at(0.5),
        p99: at(0.99),
        rss: server.rss(),
        rss_per_socket: None,
    }
}

/// One pair.
struct Talk {
    run: Rc<Run>,
    /// The `seq` of the last message, once that is known.
    last: Cell<Option<i64>>,
    ended: Notify,
}

/// A message on its way.
struct Open {
    name: String,
    sent: Instant,
}

impl Talk {
    async fn speak(self: Rc<Self>, mut wire: Wire, window: usize) {
        let mut last = hello(&mut wire).await;
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
                last += 1;
                self.echo(text, last, open.pop_front());
            }
        }
    }

    async fn speak_now_and_then(self: Rc<Self>, mut wire: Wire, gap: Duration, after: Duration) {
        let mut last = hello(&mut wire).await;
        let mut ticks = tokio::time::interval_at((self.run.start + after).into(), gap);
        while self.run.is_on() {
            ticks.tick().await;
            let mut open = Some(say(&mut wire));
            wire.flush().await;
            while open.is_some() {
                wire.fill().await;
                while let Some(text) = wire.take() {
                    last += 1;
                    self.echo(text, last, open.take());
                }
            }
        }
        self.end(last);
    }

    fn echo(&self, text: &[u8], seq: i64, open: Option<Open>) {
        assert_eq!(number(text), seq, "each once and in order");
        let open = open.expect("nobody else speaks");
        let start = find(text, br#""client_id":""#).unwrap();
        assert!(text[start..].starts_with(open.name.as_bytes()));
        self.run.echoed(open.sent);
    }

    fn end(&self, last: i64) {
        self.last.set(Some(last));
        self.ended.notify_one();
    }

    async fn hear(self: Rc<Self>, mut wire: Wire) {
        let mut last = hello(&mut wire).await;
        loop {
            while let Some(text) = wire.take() {
                last += 1;
                assert_eq!(number(text), last, "each once and in order");
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

/// The conversation's last `seq`, as `hello` has it.
async fn hello(wire: &mut Wire) -> i64 {
    loop {
        if let Some(text) = wire.take() {
            let start = find(text, br#""last_seq":"#).expect("hello");
            return digits(&text[start..]);
        }
        wire.fill().await;
    }
}

fn say(wire: &mut Wire) -> Open {
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

/// The `seq` of a `message` frame.
fn number(text: &[u8]) -> i64 {
    assert!(
        text.starts_with(br#"{"type":"message""#),
        "{}",
        String::from_utf8_lossy(text)
    );
    digits(&text[find(text, br#""seq":"#).unwrap()..])
}

fn digits(bytes: &[u8]) -> i64 {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number, digit| number * 10 + i64::from(digit - b'0'))
}
