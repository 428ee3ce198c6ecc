//! Sessions that only count what is delivered to them.

use std::sync::Arc;

use actix::{Actor, Addr, Context, Handler};
use entity::{LoginId, UserId};
use parking_lot::Mutex;
use tidings::engine::directory::{Directory, Door, Entrant, Guard};
use tidings::engine::ports::{Close, Deliver, Probe};
use tidings::engine::rates::Seat;

/// Where the text of each frame stands in memory: clones of one share it.
type Texts = Vec<usize>;

/// Frames, by delivery.
#[derive(Default)]
struct Counter(Arc<Mutex<Vec<Texts>>>);

impl Actor for Counter {
    type Context = Context<Self>;
}

impl Handler<Deliver> for Counter {
    type Result = ();

    fn handle(&mut self, delivery: Deliver, _: &mut Context<Self>) {
        let frames = delivery.frames.iter();
        let texts = frames.map(|frame| frame.text.as_ptr() as usize);
        self.0.lock().push(texts.collect());
    }
}

impl Handler<Probe> for Counter {
    type Result = ();

    fn handle(&mut self, _: Probe, _: &mut Context<Self>) {}
}

impl Handler<Close> for Counter {
    type Result = ();

    fn handle(&mut self, Close(code): Close, _: &mut Context<Self>) {
        panic!("let go with {code:?}");
    }
}

/// A session of somebody, for as long as it is kept.
pub(super) struct Here {
    _guard: Guard,
    address: Addr<Counter>,
    deliveries: Arc<Mutex<Vec<Texts>>>,
}

impl Here {
    pub(super) fn enter(directory: &Directory, user: i64, door: Door) -> Self {
        let counter = Counter::default();
        let deliveries = Arc::clone(&counter.0);
        let address = counter.start();
        let _guard = directory.enter(Entrant {
            user: UserId(user),
            login: LoginId(1),
            door,
            deliver: address.clone().recipient(),
            close: address.clone().recipient(),
            probe: address.clone().recipient(),
            seat: Seat::unlimited(),
        });
        Self {
            _guard,
            address,
            deliveries,
        }
    }

    /// How many frames came in each delivery since this was asked last.
    pub(super) async fn heard(&self) -> Vec<usize> {
        self.texts().await.iter().map(Vec::len).collect()
    }

    /// Where the texts of these frames stand.
    pub(super) async fn texts(&self) -> Vec<Texts> {
        let nothing = Deliver {
            frames: Arc::new([]),
            unread: None,
            bytes: 0,
        };
        // It stands behind all that was delivered before.
        self.address.send(nothing).await.unwrap();
        let mut heard = std::mem::take(&mut *self.deliveries.lock());
        assert_eq!(heard.pop(), Some(Vec::new()));
        heard
    }
}
