//! What comes out of a Room's state: what is on disk and to be told, and what
//! has to be done about it. Pure.

use std::sync::Arc;

use entity::{ConversationId, MessageId, UserId};
use tokio::time::Instant;

use crate::engine::ports::Unread;
use crate::engine::reply::{Done, Sent};
use crate::protocol::event::RemovedReason;
use crate::protocol::{Event, Message, Problem};
use crate::store::Leaver;
use crate::store::append::{Append, Change, Moved, Outcome, Raised, Settings};

/// What the Room has to do, in this order.
#[derive(Debug)]
pub(super) enum Effect<R> {
    /// Have it judged and written under the lock.
    Submit(Append),
    /// Tell people, each in one delivery.
    Tell(Telling),
    /// Tell people of the conversation, as each of them sees it.
    Show(Show),
    /// Wait until the statuses that are being told are told: who is here was
    /// read before it is known who goes.
    SettleStatuses,
    /// Tell somebody that they are no longer in it.
    Removed(UserId, RemovedReason),
    /// Up to this version, everything has been told.
    Told(i64),
    /// Read what wasn't told, and say so by `caught_up`.
    CatchUp(Missing),
    /// Read how many messages wait for whom, and say so by `recounted`.
    Recount,
    /// Answer who asked.
    Answer(R, Result<Done, Problem>),
    /// Answer a user whom the Room does not show the message that they changed.
    AnswerOutsider(R, OutsiderChange),
    /// Read the conversation again, and say so by `reloaded`.
    Reload,
    /// Say `marks_due` once marks were gathered for long enough.
    GatherMarks,
    /// Say `typing_due` then.
    WakeAt(Instant),
}

/// A change of a message by a user who left, or who joined again after it.
#[derive(Debug)]
pub(super) struct OutsiderChange {
    pub(super) user: UserId,
    /// The message as it is for those who are in.
    pub(super) sent: Sent,
}

impl OutsiderChange {
    /// The change as its actor may see it: the message of their own history,
    /// or an empty one if it is not part of that.
    pub(super) fn seen_as(self, seen: Option<Message>) -> Sent {
        let message = seen.unwrap_or_else(|| Message {
            text: String::new(),
            reactions: Vec::new(),
            reply_to: None,
            ..Message::clone(&self.sent.message)
        });
        Sent {
            message: Arc::new(Message {
                is_touched: true,
                ..message
            }),
            is_new: self.sent.is_new,
        }
    }
}

/// What is told in one go, in this order.
#[derive(Debug, Default)]
pub(super) struct Telling {
    pub(super) notes: Vec<Note>,
    /// What waits for those for whom that changed; told last.
    pub(super) unread: Vec<(UserId, Unread)>,
}

/// One thing to be told, and who hears it.
#[derive(Clone, Debug)]
pub(super) struct Note {
    pub(super) to: Arc<[UserId]>,
    /// The change that it tells; 0 where it tells none.
    pub(super) version: i64,
    pub(super) said: Said,
}

#[derive(Clone, Debug)]
pub(super) enum Said {
    Message(Arc<Message>),
    Event(Event),
}

impl Note {
    pub(super) fn message(to: &Arc<[UserId]>, message: Arc<Message>) -> Self {
        Self {
            to: Arc::clone(to),
            version: message.version,
            said: Said::Message(message),
        }
    }
}

impl From<Note> for Telling {
    fn from(note: Note) -> Self {
        Self {
            notes: vec![note],
            unread: Vec::new(),
        }
    }
}

/// Adds something to be told to what follows already: in the same delivery,
/// where nothing comes between.
pub(super) fn tell<R>(effects: &mut Vec<Effect<R>>, more: impl Into<Telling>) {
    let more = more.into();
    match effects.last_mut() {
        Some(Effect::Tell(telling)) => {
            telling.notes.extend(more.notes);
            telling.unread.extend(more.unread);
        }
        _ => effects.push(Effect::Tell(more)),
    }
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

/// Something on disk that is to be told.
pub(super) enum News {
    Message(Arc<Message>, Vec<UserId>),
    Change(Arc<Message>, Arc<Change>),
    Settings(UserId, i64, Settings),
    Touched(TouchedNews),
    /// Marks moved, and what there is to tell of it comes by itself.
    Marked(i64),
    Moved(Moved),
    Raised(Raised),
}

/// A message was touched: it and what quotes it are told in their present
/// state.
pub(super) struct TouchedNews {
    pub(super) version: i64,
    pub(super) messages: Vec<Arc<Message>>,
    /// More quote it than are told.
    pub(super) has_more: bool,
}

impl News {
    pub(super) fn version(&self) -> i64 {
        match self {
            Self::Message(message, _) | Self::Change(message, _) => message.version,
            Self::Settings(_, version, _) | Self::Marked(version) => *version,
            Self::Touched(touched) => touched.version,
            Self::Moved(moved) => moved.version,
            Self::Raised(raised) => raised.version,
        }
    }
}

/// What those who asked hear.
pub(super) enum Answered {
    With(Result<Done, Problem>),
    /// It is done, but for these messages, of which they can't know.
    But(Vec<MessageId>),
}

/// What is to be told, and what is to be answered.
pub(super) fn taken(outcome: Outcome) -> (Option<News>, Answered) {
    let (news, result) = match outcome {
        Outcome::Posted { message, returned } => {
            let done = Done::posted(Arc::clone(&message));
            (Some(News::Message(message, returned)), Ok(done))
        }
        Outcome::Changed { message, change } => {
            (Some(News::Change(message, change)), Ok(Done::Changed))
        }
        Outcome::Set {
            user,
            version,
            settings,
        } => {
            let news = News::Settings(user, version, settings);
            (Some(news), Ok(Done::Changed))
        }
        Outcome::Marked { version, unknown } => {
            return (version.map(News::Marked), Answered::But(unknown));
        }
        Outcome::Touched {
            id,
            version,
            messages,
            has_more,
            ..
        } => {
            let message = messages.iter().find(|message| message.id == id);
            let done = message.map(|message| {
                // It answers what was done to it, also where that was nothing.
                let message = Message {
                    is_touched: true,
                    ..Message::clone(message)
                };
                Done::Sent(Sent {
                    message: Arc::new(message),
                    is_new: version.is_some(),
                })
            });
            // They are as of the end of the batch: what was touched once more
            // in it is told in its last version, or a client would hold a
            // cursor ahead of what came between.
            let news = version.map(|version| {
                let told = messages.into_iter();
                // Members who don't see what a message quotes see its own version.
                let told = told
                    .filter(|message| message.version == version || message.own_version == version);
                News::Touched(TouchedNews {
                    version,
                    messages: told.collect(),
                    has_more,
                })
            });
            (news, done.ok_or_else(Problem::internal))
        }
        Outcome::Unchanged => (None, Ok(Done::Changed)),
        Outcome::Known(message) => (None, Ok(Done::known(&message))),
        Outcome::Refused(problem) => (None, Err(problem)),
        Outcome::NeedsConsent => (None, Ok(Done::NeedsConsent)),
        // It has no answer yet; whoever calls this keeps it.
        Outcome::Stale => (None, Err(Problem::busy())),
    };
    (news, Answered::With(result))
}

/// Who has gone hears what came before that, and then that they are gone.
pub(super) fn farewell<R>(
    conversation: ConversationId,
    leaver: &Leaver,
    messages: &[Arc<Message>],
) -> [Effect<R>; 2] {
    // They are as of now: what changed again after the leaving isn't sent, but
    // for what is deleted.
    let seen = messages.iter().filter(|message| {
        (message.deleted || message.version < leaver.version)
            && message.seq > leaver.first
            && message.seq <= leaver.last
    });
    let to: Arc<[UserId]> = [leaver.user].into();
    let notes = seen.map(|message| Note::message(&to, message.seen_after(leaver.first)));
    // What they left unread counts no more.
    let unread = Unread {
        conversation,
        count: 0,
        muted_until: None,
        is_away: true,
    };
    let telling = Telling {
        notes: notes.collect(),
        unread: vec![(leaver.user, unread)],
    };
    let mut all = messages.iter();
    let leaving = all.find(|message| message.version == leaver.version);
    let reason = leaving.map_or(RemovedReason::Removed, |it| reason(leaver.user, it));
    [Effect::Tell(telling), Effect::Removed(leaver.user, reason)]
}

/// Why somebody is no longer in it, by the message that says so.
pub(super) fn reason(user: UserId, leaving: &Message) -> RemovedReason {
    if leaving.event_type().as_deref() == Some("closed") {
        RemovedReason::Closed
    } else if leaving.sender.id == user {
        RemovedReason::Left
    } else {
        RemovedReason::Removed
    }
}
