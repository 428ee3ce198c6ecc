//! What comes out of a Room's state: what is on disk and to be told, and what
//! has to be done about it. Pure.

use std::collections::BTreeSet;
use std::sync::Arc;

use entity::UserId;
use entity::message::Kind;

use crate::engine::reply::{Done, Sent};
use crate::protocol::event::RemovedReason;
use crate::protocol::{Message, Problem};
use crate::store::Leaver;
use crate::store::append::{Append, Change, Outcome};

/// What the Room has to do, in this order.
#[derive(Debug)]
pub(super) enum Effect<R> {
    /// Have it judged and written under the lock.
    Submit(Append),
    /// Tell these messages to these people, in this order.
    Tell(Arc<[UserId]>, Vec<Arc<Message>>),
    /// Tell people of the conversation, as each of them sees it.
    Show(Show),
    /// Tell somebody that they are no longer in it.
    Removed(UserId, RemovedReason),
    /// Up to this version, everything has been told.
    Told(i64),
    /// Read what wasn't told, and say so by `caught_up`.
    CatchUp(Missing),
    /// Answer who asked.
    Answer(R, Result<Done, Problem>),
    /// Read the conversation again, and say so by `reloaded`.
    Reload,
}

/// The conversation is shown to people before its news are told, or as its
/// news: so it says in its own `version` only what they know after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Show {
    pub(super) to: Vec<UserId>,
    /// The cursor that it gives them.
    pub(super) cursor: i64,
    /// The version of the change that it tells.
    pub(super) version: i64,
}

/// The versions after the one and up to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Missing {
    pub(super) after: i64,
    pub(super) up_to: i64,
}

impl Missing {
    /// Whether people's messages, each the only change of its version, are
    /// all that is missing.
    pub(super) fn is_told_by(self, messages: &[Arc<Message>]) -> bool {
        let versions: BTreeSet<i64> = messages
            .iter()
            .filter(|message| message.kind == Kind::Text)
            .map(|message| message.version)
            .collect();
        usize::try_from(self.up_to - self.after).is_ok_and(|missing| missing == versions.len())
    }
}

/// Something on disk that is to be told.
pub(super) enum News {
    Message(Arc<Message>, Vec<UserId>),
    Change(Arc<Message>, Arc<Change>),
    Settings(UserId, i64),
    Touched(i64, Vec<Arc<Message>>),
}

impl News {
    pub(super) fn version(&self) -> i64 {
        match self {
            Self::Message(message, _) | Self::Change(message, _) => message.version,
            Self::Settings(_, version) | Self::Touched(version, _) => *version,
        }
    }
}

/// What is to be told, and what is to be answered.
pub(super) fn taken(outcome: Outcome) -> (Option<News>, Result<Done, Problem>) {
    match outcome {
        Outcome::Posted { message, returned } => {
            let done = Done::posted(Arc::clone(&message));
            (Some(News::Message(message, returned)), Ok(done))
        }
        Outcome::Changed { message, change } => {
            (Some(News::Change(message, change)), Ok(Done::Changed))
        }
        Outcome::Set { user, version } => (Some(News::Settings(user, version)), Ok(Done::Changed)),
        Outcome::Touched {
            id,
            version,
            messages,
        } => {
            let message = messages.iter().find(|message| message.id == id).cloned();
            let done = message.map(|message| {
                Done::Sent(Sent {
                    message,
                    is_new: version.is_some(),
                })
            });
            let news = version.map(|version| News::Touched(version, messages));
            (news, done.ok_or_else(Problem::internal))
        }
        Outcome::Known(message) => (None, Ok(Done::known(message))),
        Outcome::Refused(problem) => (None, Err(problem)),
        // It has no answer yet; whoever calls this keeps it.
        Outcome::Stale => (None, Err(Problem::busy())),
    }
}

/// Who has gone hears what came before that, and then that they are gone.
pub(super) fn farewell<R>(leaver: &Leaver, messages: &[Arc<Message>]) -> [Effect<R>; 2] {
    let seen = messages
        .iter()
        .filter(|message| message.seq > leaver.first && message.seq <= leaver.last);
    let mut all = messages.iter();
    let leaving = all.find(|message| message.version == leaver.version);
    let reason = leaving.map_or(RemovedReason::Removed, |it| reason(leaver.user, it));
    [
        Effect::Tell([leaver.user].into(), seen.cloned().collect()),
        Effect::Removed(leaver.user, reason),
    ]
}

/// Why somebody is no longer in it, by the message that says so.
pub(super) fn reason(user: UserId, leaving: &Message) -> RemovedReason {
    if leaving.sender.id == user {
        RemovedReason::Left
    } else {
        RemovedReason::Removed
    }
}
