//! Sessions that record deliveries, so that tests can count them.

use std::sync::Arc;

use actix::{Actor, Addr, Context, Handler};
use entity::{LoginId, UserId};
use parking_lot::Mutex;
use tidings::engine::directory::{Directory, SessionEntry, SessionGuard, SocketScope};
use tidings::engine::ports::{CloseCommand, ProbeCommand, SessionDelivery};
use tidings::engine::rates::SocketPermit;

/// The address of each frame's text in memory: clones of a frame share it.
type Texts = Vec<usize>;

/// Records the frames of each delivery.
#[derive(Default)]
struct Counter(Arc<Mutex<Vec<Texts>>>);

impl Actor for Counter {
    type Context = Context<Self>;
}

impl Handler<SessionDelivery> for Counter {
    type Result = ();

    fn handle(&mut self, delivery: SessionDelivery, _: &mut Context<Self>) {
        let frames = delivery.frames.iter();
        let texts = frames.map(|frame| frame.text.as_ptr() as usize);
        self.0.lock().push(texts.collect());
    }
}

impl Handler<ProbeCommand> for Counter {
    type Result = ();

    fn handle(&mut self, _: ProbeCommand, _: &mut Context<Self>) {}
}

impl Handler<CloseCommand> for Counter {
    type Result = ();

    fn handle(&mut self, CloseCommand(code): CloseCommand, _: &mut Context<Self>) {
        panic!("closed with {code:?}");
    }
}

/// A session of a user; the session ends when this value is dropped.
pub(super) struct CountingSession {
    _guard: SessionGuard,
    address: Addr<Counter>,
    deliveries: Arc<Mutex<Vec<Texts>>>,
}

impl CountingSession {
    pub(super) fn enter(directory: &Directory, user: i64, scope: SocketScope) -> Self {
        let counter = Counter::default();
        let deliveries = Arc::clone(&counter.0);
        let address = counter.start();
        let _guard = directory.register(SessionEntry {
            user: UserId(user),
            login: LoginId(1),
            scope,
            deliver: address.clone().recipient(),
            close: address.clone().recipient(),
            probe: address.clone().recipient(),
            permit: SocketPermit::unlimited(),
        });
        Self {
            _guard,
            address,
            deliveries,
        }
    }

    /// Returns the number of frames in each delivery since the last call.
    pub(super) async fn frame_counts(&self) -> Vec<usize> {
        self.texts().await.iter().map(Vec::len).collect()
    }

    /// Returns the addresses of texts in each delivery since the last call.
    pub(super) async fn texts(&self) -> Vec<Texts> {
        let nothing = SessionDelivery {
            frames: Arc::new([]),
            unread: None,
            bytes: 0,
        };
        // The actor handles this empty delivery after all earlier ones.
        self.address.send(nothing).await.unwrap();
        let mut deliveries = std::mem::take(&mut *self.deliveries.lock());
        assert_eq!(deliveries.pop(), Some(Vec::new()));
        deliveries
    }
}
