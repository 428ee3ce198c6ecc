//! Fan-out of one batch to sessions that only record deliveries.

use std::collections::BTreeMap;

use actix::{Actor, Context, Handler};
use entity::{LoginId, MessageId, Millis};
use tokio::sync::mpsc;

use super::*;
use crate::config::Settings;
use crate::counters::Counters;
use crate::engine::directory::{SessionBounds, SessionEntry, SessionGuard, SocketScope};
use crate::engine::ports::{self, CloseCommand, SessionDelivery};
use crate::engine::rates::SocketPermit;
use crate::protocol::ServerEvent;
use crate::protocol::event::MarkerEvent;

const HERE: ConversationId = ConversationId(7);
const AUTHOR: UserId = UserId(1);
const PEOPLE: i64 = 50;

/// A session that forwards its deliveries with its user.
struct CountingSession(UserId, mpsc::UnboundedSender<(UserId, SessionDelivery)>);

impl Actor for CountingSession {
    type Context = Context<Self>;
}

impl Handler<SessionDelivery> for CountingSession {
    type Result = ();

    fn handle(&mut self, delivery: SessionDelivery, _: &mut Self::Context) {
        self.1.send((self.0, delivery)).unwrap();
    }
}

impl Handler<ports::ProbeCommand> for CountingSession {
    type Result = ();

    fn handle(&mut self, _: ports::ProbeCommand, _: &mut Self::Context) {}
}

impl Handler<CloseCommand> for CountingSession {
    type Result = ();

    fn handle(&mut self, CloseCommand(code): CloseCommand, _: &mut Self::Context) {
        panic!("closed with {code:?}");
    }
}

fn bounds() -> SessionBounds {
    SessionBounds::of(&Settings::default())
}

fn register_session(
    directory: &Directory,
    user: UserId,
    scope: SocketScope,
    sender: &mpsc::UnboundedSender<(UserId, SessionDelivery)>,
) -> SessionGuard {
    let probe = CountingSession(user, sender.clone()).start();
    directory.register(SessionEntry {
        user,
        login: LoginId(user.0),
        scope,
        deliver: probe.clone().recipient(),
        close: probe.clone().recipient(),
        probe: probe.recipient(),
        permit: SocketPermit::unlimited(),
    })
}

fn event_to(to: Vec<UserId>, version: i64, event: ServerEvent) -> AddressedEvent {
    AddressedEvent {
        recipients: to.into(),
        version,
        event,
    }
}

/// The events and unread counts of one commit.
#[derive(Default)]
struct EventBatch {
    events: Vec<AddressedEvent>,
    unread: Vec<(UserId, UnreadNotice)>,
}

/// Returns a batch in which all others read the author's message. It has each
/// reader's mark (for the author and the reader), the status, and all unread
/// counts.
fn all_read_batch() -> EventBatch {
    let mut batch = EventBatch::default();
    for user in 2..=PEOPLE {
        let mark = MarkerEvent {
            conversation_id: HERE,
            message_id: MessageId(3),
            seq: 3,
            user_id: UserId(user),
            username: format!("user{user}"),
            at: Millis(0),
            version: 10 + user,
        };
        let to = vec![AUTHOR, UserId(user)];
        batch
            .events
            .push(event_to(to, mark.version, ServerEvent::ReadReceipt(mark)));
        let unread = UnreadNotice {
            conversation: HERE,
            count: 0,
            muted_until: None,
            is_excluded: false,
        };
        batch.unread.push((UserId(user), unread));
    }
    let status = ServerEvent::Status {
        conversation_id: HERE,
        all_delivered_seq: 3,
        all_read_seq: 3,
        at: Millis(0),
    };
    batch
        .events
        .push(event_to(vec![AUTHOR], 10 + PEOPLE, status));
    batch
}

#[test]
fn session_gets_one_delivery_per_commit() {
    actix::System::new().block_on(async {
        let counters = Arc::<Counters>::default();
        let directory = Directory::new(Arc::clone(&counters), bounds());
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let people = (1..=PEOPLE).map(UserId);
        let guards: Vec<SessionGuard> = people
            .map(|user| register_session(&directory, user, SocketScope::Everything, &sender))
            .collect();
        drop(sender);
        let batch = all_read_batch();
        deliver_events(&directory, HERE, &batch.events, batch.unread);
        let mut received: BTreeMap<UserId, Vec<SessionDelivery>> = BTreeMap::new();
        for _ in &guards {
            let (user, delivery) = receiver.recv().await.unwrap();
            received.entry(user).or_default().push(delivery);
        }
        assert!(receiver.try_recv().is_err(), "no further deliveries");
        assert_eq!(received.len(), guards.len(), "one delivery each");
        assert_eq!(counters.deliveries.total(), guards.len() as u64);
        assert_eq!(counters.sessions_opened.total(), guards.len() as u64);
        assert_eq!(directory.stats().people, guards.len());
        let author = &received[&AUTHOR][0];
        let versions = author.frames.iter().map(|frame| frame.version);
        let expected = (12..=10 + PEOPLE).chain([10 + PEOPLE]);
        assert!(versions.eq(expected), "{author:?}");
        assert_eq!(author.unread, None);
        let other = &received[&UserId(9)][0];
        assert_eq!(other.frames.len(), 1);
        assert_eq!(other.unread.unwrap().count, 0);
    });
}

/// Guards the budget of a client that reads nothing: unread counts alone fill
/// the budget, too, since each becomes a frame.
#[test]
fn count_without_frames_weighs_something() {
    actix::System::new().block_on(async {
        let directory = Directory::default();
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let scopes = [SocketScope::Notifications, SocketScope::Conversation(HERE)];
        let _guards = scopes.map(|scope| register_session(&directory, UserId(2), scope, &sender));
        let mut batch = all_read_batch();
        batch.events.clear();
        deliver_events(&directory, HERE, &batch.events, batch.unread);
        let (_, delivery) = receiver.recv().await.unwrap();
        assert!(delivery.unread.is_some() && delivery.bytes >= 64);
        assert!(delivery.frames.is_empty());
        assert!(
            receiver.try_recv().is_err(),
            "a bound socket gets no counts"
        );
    });
}
