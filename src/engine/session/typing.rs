//! The typing reports of a session, which end with it.

use std::collections::BTreeMap;

use actix::AsyncContext;
use entity::ConversationId;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Session;
use super::socket::SocketContext;
use crate::config::RateLimit;
use crate::engine::rates::TokenBucket;
use crate::engine::reply::CommandReply;
use crate::engine::room::messages::{RoomCommand, TYPING_TIMEOUT, TypingReport};
use crate::protocol::Problem;
use crate::protocol::command::{FrameReferences, TypingFrame};

/// The conversations in which the session types, with the last report.
#[derive(Debug)]
pub(super) struct SessionTyping {
    conversations: BTreeMap<ConversationId, Instant>,
    /// Reports beyond its rate are dropped silently.
    bucket: TokenBucket,
}

impl SessionTyping {
    pub(super) fn new(rate: Option<RateLimit>) -> Self {
        Self {
            conversations: BTreeMap::new(),
            bucket: TokenBucket::new(rate),
        }
    }

    /// Returns false for a report to drop: it exceeds the rate, or changes
    /// nothing. A stop is never dropped, or others would see the typing
    /// continue.
    fn admit(&mut self, conversation: ConversationId, is_typing: bool, now: Instant) -> bool {
        self.forget_expired(now);
        if !is_typing {
            return self.conversations.remove(&conversation).is_some();
        }
        let is_taken = self.bucket.take();
        if is_taken {
            self.conversations.insert(conversation, now);
        }
        is_taken
    }

    /// Removes expired entries, so that the bucket's rate bounds their number.
    fn forget_expired(&mut self, now: Instant) {
        // The Room ends typing after the same time.
        let holds = |since: &Instant| now.duration_since(*since) < TYPING_TIMEOUT;
        self.conversations.retain(|_, since| holds(since));
    }
}

impl Session {
    /// Passes a report of the client on to the Room, or drops it.
    pub(super) fn report_typing(
        &mut self,
        typing: TypingFrame,
        named: &FrameReferences,
        ctx: &SocketContext,
    ) -> Result<(), Problem> {
        let conversation = self.resolve_conversation(typing.conversation_id)?;
        let is_typing = typing.is_typing;
        if self.typing.admit(conversation, is_typing, Instant::now()) {
            let report = self.typing_report(is_typing);
            let named = named.within(conversation);
            self.engine.send_command(conversation, |ticket| {
                let session = ctx.address().recipient();
                RoomCommand::SetTyping(report, CommandReply::for_session(session, named, ticket))
            });
        }
        Ok(())
    }

    fn typing_report(&self, is_typing: bool) -> TypingReport {
        TypingReport {
            user: self.identity.user.id,
            session: self.id(),
            is_typing,
        }
    }

    /// Ends all typing when the socket closes.
    pub(super) fn stop_typing(&mut self) {
        self.typing.forget_expired(Instant::now());
        for conversation in std::mem::take(&mut self.typing.conversations).into_keys() {
            let report = self.typing_report(false);
            // The reply is ignored.
            let (caller, _) = oneshot::channel();
            self.engine.send_command(conversation, |ticket| {
                RoomCommand::SetTyping(report, CommandReply::for_caller(caller, ticket))
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use super::*;

    #[test]
    fn typing_entries_are_bounded_by_rate() {
        let burst = NonZeroU32::new(10).unwrap();
        let each = Duration::from_secs(3_600);
        let mut typing = SessionTyping::new(Some(RateLimit {
            burst,
            interval: each,
        }));
        let start = Instant::now();
        for at in 0..2_000 {
            typing.admit(ConversationId(at), true, start);
        }
        assert_eq!(typing.conversations.len(), 10);
        // After six seconds the typing has expired and needs no stop.
        let later = start + Duration::from_secs(6);
        assert!(!typing.admit(ConversationId(0), false, later));
        assert!(typing.conversations.is_empty());
    }
}
