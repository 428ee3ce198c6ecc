//! The unread counts of a session's user, per conversation and in total: read
//! for `hello`, then updated by the Rooms.

use std::collections::HashMap;

use actix::AsyncContext;
use entity::{ConversationId, Millis};

use super::Session;
use super::socket::SocketContext;
use crate::engine::ports::UnreadNotice;
use crate::protocol::ServerEvent;

/// The conversations whose unread messages count in the total, at least once
/// they are no longer muted.
#[derive(Debug, Default)]
pub(super) struct UnreadTally {
    entries: HashMap<ConversationId, UnreadEntry>,
    /// The time at which the timer for the next end of a mute fires; none if no
    /// timer is set.
    timer_at: Option<Millis>,
}

#[derive(Clone, Copy, Debug)]
struct UnreadEntry {
    count: i64,
    muted_until: Option<Millis>,
}

impl UnreadTally {
    pub(super) fn new(waiting: impl IntoIterator<Item = UnreadNotice>) -> Self {
        let mut tally = Self::default();
        for unread in waiting {
            tally.set(unread);
        }
        tally
    }

    pub(super) fn set(&mut self, unread: UnreadNotice) {
        let UnreadNotice {
            conversation,
            count,
            muted_until,
            is_excluded,
        } = unread;
        if count == 0 || is_excluded {
            self.entries.remove(&conversation);
        } else {
            let waiting = UnreadEntry { count, muted_until };
            self.entries.insert(conversation, waiting);
        }
    }

    /// Returns the total, without muted conversations.
    pub(super) fn total(&self, now: Millis) -> i64 {
        let counted = self.entries.values().filter(|it| it.is_unmuted(now));
        counted.map(|waiting| waiting.count).sum()
    }

    /// Returns the next end of a mute, if no earlier timer is set.
    fn next_unmute(&mut self, now: Millis) -> Option<Millis> {
        let muted = self.entries.values().filter_map(|it| it.muted_until);
        let next = muted.filter(|until| *until > now).min()?;
        if self.timer_at.is_some_and(|at| at <= next) {
            return None;
        }
        self.timer_at = Some(next);
        Some(next)
    }

    /// Returns the conversations whose mute ended at that time; none if another
    /// timer replaced this one.
    fn take_unmuted(&mut self, at: Millis) -> Vec<(ConversationId, i64)> {
        if self.timer_at.take_if(|set| *set == at).is_none() {
            return Vec::new();
        }
        let waiting = self.entries.iter();
        let unmuted = waiting.filter(|(_, waiting)| waiting.muted_until == Some(at));
        unmuted.map(|(id, waiting)| (*id, waiting.count)).collect()
    }
}

impl UnreadEntry {
    fn is_unmuted(self, now: Millis) -> bool {
        self.muted_until.is_none_or(|until| until <= now)
    }
}

impl Session {
    /// Updates a conversation's unread count, and sends it with the new total.
    pub(super) fn update_unread(&mut self, unread: UnreadNotice, ctx: &mut SocketContext) {
        if self.scope.is_bound() {
            return;
        }
        self.tally.set(unread);
        self.send_unread(unread.conversation, unread.count, ctx);
        if unread.muted_until.is_some() {
            self.schedule_unmute(ctx);
        }
    }

    fn send_unread(&self, conversation: ConversationId, count: i64, ctx: &mut SocketContext) {
        if self.is_closing {
            return;
        }
        let event = ServerEvent::Unread {
            conversation_id: conversation,
            unread_count: count,
            total: self.tally.total(Millis::now()),
        };
        self.send_text(event.encode(), ctx);
    }

    /// Sets a timer for the next end of a mute: it changes the total without
    /// any event.
    pub(super) fn schedule_unmute(&mut self, ctx: &mut SocketContext) {
        let now = Millis::now();
        let Some(at) = self.tally.next_unmute(now) else {
            return;
        };
        ctx.run_later(at.since(now), move |session, ctx| {
            for (conversation, count) in session.tally.take_unmuted(at) {
                session.send_unread(conversation, count, ctx);
            }
            session.schedule_unmute(ctx);
        });
    }
}
