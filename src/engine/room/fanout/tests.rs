//! What reaches sessions of one telling: counted by sessions that only count.

use std::collections::BTreeMap;

use actix::{Actor, Context, Handler};
use entity::{LoginId, MessageId, Millis};
use tokio::sync::mpsc;

use super::*;
use crate::config::Settings;
use crate::counters::Counters;
use crate::engine::directory::{Door, Entrant, Guard, SessionBounds};
use crate::engine::ports::{self, Close, Deliver};
use crate::engine::rates::Seat;
use crate::protocol::Event;
use crate::protocol::event::Mark;

const HERE: ConversationId = ConversationId(7);
const AUTHOR: UserId = UserId(1);
const PEOPLE: i64 = 50;

/// A session that passes on what it gets, with whose it is.
struct Probe(UserId, mpsc::UnboundedSender<(UserId, Deliver)>);

impl Actor for Probe {
    type Context = Context<Self>;
}

impl Handler<Deliver> for Probe {
    type Result = ();

    fn handle(&mut self, delivery: Deliver, _: &mut Self::Context) {
        self.1.send((self.0, delivery)).unwrap();
    }
}

impl Handler<ports::Probe> for Probe {
    type Result = ();

    fn handle(&mut self, _: ports::Probe, _: &mut Self::Context) {}
}

impl Handler<Close> for Probe {
    type Result = ();

    fn handle(&mut self, Close(code): Close, _: &mut Self::Context) {
        panic!("closed with {code:?}");
    }
}

fn bounds() -> SessionBounds {
    SessionBounds::of(&Settings::default())
}

fn enter(
    directory: &Directory,
    (user, door): (UserId, Door),
    told: &mpsc::UnboundedSender<(UserId, Deliver)>,
) -> Guard {
    let probe = Probe(user, told.clone()).start();
    directory.enter(Entrant {
        user,
        login: LoginId(user.0),
        door,
        deliver: probe.clone().recipient(),
        close: probe.clone().recipient(),
        probe: probe.recipient(),
        seat: Seat::unlimited(),
    })
}

fn note(to: Vec<UserId>, version: i64, event: Event) -> Note {
    Note {
        to: to.into(),
        version,
        said: Said::Event(event),
    }
}

/// Everybody else has read the author's message: a mark each, told to the
/// author and to oneself, the status, and what is left for each.
fn all_read() -> Telling {
    let mut telling = Telling::default();
    for user in 2..=PEOPLE {
        let mark = Mark {
            conversation_id: HERE,
            message_id: MessageId(3),
            seq: 3,
            user_id: UserId(user),
            username: format!("user{user}"),
            at: Millis(0),
            version: 10 + user,
        };
        let to = vec![AUTHOR, UserId(user)];
        telling
            .notes
            .push(note(to, mark.version, Event::ReadReceipt(mark)));
        let unread = Unread {
            conversation: HERE,
            count: 0,
            muted_until: None,
            is_away: false,
        };
        telling.unread.push((UserId(user), unread));
    }
    let status = Event::Status {
        conversation_id: HERE,
        all_delivered_seq: 3,
        all_read_seq: 3,
        at: Millis(0),
    };
    telling.notes.push(note(vec![AUTHOR], 10 + PEOPLE, status));
    telling
}

#[test]
fn what_a_commit_brings_to_a_session_is_one_delivery() {
    actix::System::new().block_on(async {
        let counters = Arc::<Counters>::default();
        let directory = Directory::new(Arc::clone(&counters), bounds());
        let (told, mut hears) = mpsc::unbounded_channel();
        let people = (1..=PEOPLE).map(UserId);
        let guards: Vec<Guard> = people
            .map(|user| enter(&directory, (user, Door::Everything), &told))
            .collect();
        drop(told);
        deliver(&directory, HERE, &all_read());
        let mut heard: BTreeMap<UserId, Vec<Deliver>> = BTreeMap::new();
        for _ in &guards {
            let (user, delivery) = hears.recv().await.unwrap();
            heard.entry(user).or_default().push(delivery);
        }
        assert!(hears.try_recv().is_err(), "nobody hears more");
        assert_eq!(heard.len(), guards.len(), "each hears once");
        assert_eq!(counters.deliveries.total(), guards.len() as u64);
        assert_eq!(counters.sessions_opened.total(), guards.len() as u64);
        assert_eq!(directory.census().people, guards.len());
        let author = &heard[&AUTHOR][0];
        let versions = author.frames.iter().map(|frame| frame.version);
        let expected = (12..=10 + PEOPLE).chain([10 + PEOPLE]);
        assert!(versions.eq(expected), "{author:?}");
        assert_eq!(author.unread, None);
        let other = &heard[&UserId(9)][0];
        assert_eq!(other.frames.len(), 1);
        assert_eq!(other.unread.unwrap().count, 0);
    });
}

/// Guards the budget of a client that takes nothing: counts alone fill it,
/// too, since each becomes a frame.
#[test]
fn a_count_that_comes_alone_weighs_something() {
    actix::System::new().block_on(async {
        let directory = Directory::default();
        let (told, mut hears) = mpsc::unbounded_channel();
        let doors = [Door::Notifications, Door::Conversation(HERE)];
        let _guards = doors.map(|door| enter(&directory, (UserId(2), door), &told));
        let mut telling = all_read();
        telling.notes.clear();
        deliver(&directory, HERE, &telling);
        let (_, delivery) = hears.recv().await.unwrap();
        assert!(delivery.unread.is_some() && delivery.bytes >= 64);
        assert!(delivery.frames.is_empty());
        assert!(hears.try_recv().is_err(), "a bound one hears no counts");
    });
}
