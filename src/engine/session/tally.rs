//! What waits for a session's person, in each conversation and in all: as of
//! `hello`, and from then on as the Rooms say it.

use std::collections::HashMap;

use actix::AsyncContext;
use entity::{ConversationId, Millis};

use super::Session;
use super::socket::SocketContext;
use crate::engine::ports::Unread;
use crate::protocol::Event;

/// The conversations in which something waits and that count, at least once
/// they are no longer muted.
#[derive(Debug, Default)]
pub(super) struct Tally {
    waiting: HashMap<ConversationId, Waiting>,
    /// When a timer is set for the next that ceases to be muted.
    wakes_at: Option<Millis>,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    count: i64,
    muted_until: Option<Millis>,
}

impl Tally {
    pub(super) fn new(waiting: impl IntoIterator<Item = Unread>) -> Self {
        let mut tally = Self::default();
        for unread in waiting {
            tally.set(unread);
        }
        tally
    }

    pub(super) fn set(&mut self, unread: Unread) {
        let Unread {
            conversation,
            count,
            muted_until,
            is_away,
        } = unread;
        if count == 0 || is_away {
            self.waiting.remove(&conversation);
        } else {
            let waiting = Waiting { count, muted_until };
            self.waiting.insert(conversation, waiting);
        }
    }

    /// In all, but for what is muted now.
    pub(super) fn total(&self, now: Millis) -> i64 {
        let counted = self.waiting.values().filter(|it| it.is_heard(now));
        counted.map(|waiting| waiting.count).sum()
    }

    /// When the next one ceases to be muted, where no timer is set for that.
    fn wake_at(&mut self, now: Millis) -> Option<Millis> {
        let muted = self.waiting.values().filter_map(|it| it.muted_until);
        let next = muted.filter(|until| *until > now).min()?;
        if self.wakes_at.is_some_and(|at| at <= next) {
            return None;
        }
        self.wakes_at = Some(next);
        Some(next)
    }

    /// Those that ceased to be muted at that time; none where another timer
    /// was set for it meanwhile.
    fn heard_at(&mut self, at: Millis) -> Vec<(ConversationId, i64)> {
        if self.wakes_at.take_if(|set| *set == at).is_none() {
            return Vec::new();
        }
        let waiting = self.waiting.iter();
        let heard = waiting.filter(|(_, waiting)| waiting.muted_until == Some(at));
        heard.map(|(id, waiting)| (*id, waiting.count)).collect()
    }
}

impl Waiting {
    fn is_heard(self, now: Millis) -> bool {
        self.muted_until.is_none_or(|until| until <= now)
    }
}

impl Session {
    /// What waits in a conversation has changed, and with it what waits in
    /// all.
    pub(super) fn count(&mut self, unread: Unread, ctx: &mut SocketContext) {
        if self.door.is_bound() {
            return;
        }
        self.tally.set(unread);
        self.tell_unread(unread.conversation, unread.count, ctx);
        if unread.muted_until.is_some() {
            self.tell_once_heard(ctx);
        }
    }

    fn tell_unread(&self, conversation: ConversationId, count: i64, ctx: &mut SocketContext) {
        if self.is_closing {
            return;
        }
        let event = Event::Unread {
            conversation_id: conversation,
            unread_count: count,
            total: self.tally.total(Millis::now()),
        };
        self.say(event.encode(), ctx);
    }

    /// Nothing happens when a conversation ceases to be muted, but the total
    /// changes.
    pub(super) fn tell_once_heard(&mut self, ctx: &mut SocketContext) {
        let now = Millis::now();
        let Some(at) = self.tally.wake_at(now) else {
            return;
        };
        ctx.run_later(at.since(now), move |session, ctx| {
            for (conversation, count) in session.tally.heard_at(at) {
                session.tell_unread(conversation, count, ctx);
            }
            session.tell_once_heard(ctx);
        });
    }
}
