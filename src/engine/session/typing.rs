//! What a session says of its person's typing, and that it ends with it.

use std::collections::BTreeMap;

use entity::ConversationId;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Session;
use crate::config::Rate;
use crate::engine::rates::Bucket;
use crate::engine::reply::Reply;
use crate::engine::room::messages::{Ask, RoomCommand, TYPING_HOLDS_FOR};

/// Where a session said that its person types, and when it said so last.
#[derive(Debug)]
pub(super) struct TypingIn {
    conversations: BTreeMap<ConversationId, Instant>,
    /// More than it lets through are dropped in silence.
    bucket: Bucket,
}

impl TypingIn {
    pub(super) fn new(rate: Option<Rate>) -> Self {
        Self {
            conversations: BTreeMap::new(),
            bucket: Bucket::new(rate),
        }
    }

    /// False where it isn't to be passed on: it is too much, or says nothing
    /// new. That one stopped always is, or others would see it go on.
    fn takes(&mut self, conversation: ConversationId, is_typing: bool, now: Instant) -> bool {
        self.forget(now);
        if !is_typing {
            return self.conversations.remove(&conversation).is_some();
        }
        let is_taken = self.bucket.take();
        if is_taken {
            self.conversations.insert(conversation, now);
        }
        is_taken
    }

    /// Forgets what has ended by itself: there are never more than the bucket
    /// lets through meanwhile.
    fn forget(&mut self, now: Instant) {
        // By then a Room has ended it by itself.
        let holds = |since: &Instant| now.duration_since(*since) < TYPING_HOLDS_FOR;
        self.conversations.retain(|_, since| holds(since));
    }
}

impl Session {
    /// What to ask the Room of it, if anything.
    pub(super) fn types(&mut self, conversation: ConversationId, is_typing: bool) -> Option<Ask> {
        let now = Instant::now();
        let session = self.id();
        self.typing
            .takes(conversation, is_typing, now)
            .then_some(Ask::Type { session, is_typing })
    }

    /// The socket is gone, and with it whatever was being typed.
    pub(super) fn stop_typing(&mut self) {
        self.typing.forget(Instant::now());
        for conversation in std::mem::take(&mut self.typing.conversations).into_keys() {
            let ask = Ask::Type {
                session: self.id(),
                is_typing: false,
            };
            let actor = self.who.user.id;
            // Nobody waits for the answer.
            let (caller, _) = oneshot::channel();
            self.engine.send(conversation, |ticket| RoomCommand::Ask {
                actor,
                ask,
                reply: Reply::caller(caller, ticket),
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
    fn a_session_remembers_no_more_than_it_may_have_said_lately() {
        let burst = NonZeroU32::new(10).unwrap();
        let each = Duration::from_secs(3_600);
        let mut typing = TypingIn::new(Some(Rate { burst, each }));
        let start = Instant::now();
        for at in 0..2_000 {
            typing.takes(ConversationId(at), true, start);
        }
        assert_eq!(typing.conversations.len(), 10);
        // What ended by itself, six seconds later, needs no end.
        let later = start + Duration::from_secs(6);
        assert!(!typing.takes(ConversationId(0), false, later));
        assert!(typing.conversations.is_empty());
    }
}
