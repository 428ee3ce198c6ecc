//! What one turn says and passes on.

use bytestring::ByteString;

use super::Read;
use crate::engine::ports::Deliver;
use crate::engine::reply::echo;
use crate::protocol::{Event, Message};

/// So many bytes are written at a time, but for a single frame.
const CHUNK_BYTES: usize = 64 * 1024;

/// What follows for the socket, in this order.
#[derive(Debug)]
pub(in crate::engine::session::resume) enum Out {
    Say(ByteString),
    /// It was kept back, and is told now where it is news.
    Pass(Deliver),
    /// All is replayed: said with what waits for them by then.
    Synced(Synced),
}

/// What is said at the end.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::engine::session::resume) struct Synced {
    /// Whether there are conversations that were neither named nor shown.
    pub(super) more: bool,
    /// Up to which version names were replayed.
    pub(super) people_version: i64,
    /// Whether they have to be read again.
    pub(super) people_reset: bool,
}

impl Synced {
    pub(in crate::engine::session::resume) fn event(self, total_unread: i64) -> Event {
        let Self {
            more,
            people_version,
            people_reset,
        } = self;
        Event::Synced {
            total_unread,
            more,
            people_version,
            people_reset,
        }
    }
}

/// What follows.
#[derive(Debug, Default)]
pub(in crate::engine::session::resume) struct Turn {
    pub(in crate::engine::session::resume) out: Vec<Out>,
    /// None where it is done.
    pub(in crate::engine::session::resume) next: Option<Read>,
}

impl Turn {
    pub(super) fn say(&mut self, event: &Event) {
        self.out.push(Out::Say(event.encode()));
    }

    pub(super) fn pass(&mut self, deliveries: Vec<Deliver>) {
        self.out.extend(deliveries.into_iter().map(Out::Pass));
    }

    /// Tells as many of these messages as one chunk takes: how many.
    pub(super) fn tell(&mut self, messages: &[Message]) -> usize {
        let mut bytes = 0;
        for (at, message) in messages.iter().enumerate() {
            let text = echo(message).text;
            bytes += text.len();
            if at > 0 && bytes > CHUNK_BYTES {
                return at;
            }
            self.out.push(Out::Say(text));
        }
        messages.len()
    }
}
