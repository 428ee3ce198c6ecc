//! What the Journal commits: a batch of what many Rooms want on disk, in one
//! transaction.
//!
//! **Lock → look → assign → write.** Under the lock on the batch's
//! conversations, known `client_id`s are looked up; then [`plan::assign`],
//! which is pure, counts `seq`, `ord` and `version` out to what is really
//! new; then few statements write it all, however much it is. What the last
//! batches left behind needn't be looked up ([`memory`]).
//! What was judged by another `members_version` than the locked one isn't
//! written: its outcome is [`Outcome::Stale`].

mod look;
mod memory;
mod moved;
mod plan;
mod script;
pub(super) mod sql;
mod weight;
mod write;

use std::collections::HashMap;
use std::sync::Arc;

use entity::participant::Role;
use entity::{ConversationId, MessageId, Millis, UserId, receipt};
use sea_orm::{ConnectionTrait, QueryResult};

use super::{Result, Store, StoreError};
use crate::protocol::{ClientId, Emoji, Message, MessageText, Problem, User};
use look::Found;
pub(super) use memory::Memory;
pub use moved::{Authors, Marks, Moved, Raised, Step};
use script::Script;

/// One thing that a Room wants on disk, and how it was judged. Refused ones
/// come along, since a retry is answered like the first time whatever has
/// happened since: only under the lock can it be told whether it is one.
#[derive(Clone, Debug)]
pub struct Append {
    pub conversation: ConversationId,
    /// By which it was judged.
    pub members_version: i64,
    pub verdict: std::result::Result<(), Problem>,
    pub actor: User,
    pub what: What,
    /// Whether others take part.
    pub has_others: bool,
    /// Whether somebody put the conversation away, so that a message may have
    /// to bring it back.
    pub has_archived: bool,
}

/// What it is.
#[derive(Clone, Debug)]
pub enum What {
    /// A message.
    Post(Arc<Post>),
    /// A message that may have been sent before, and can't be sent now.
    FindSent(Arc<Retry>),
    /// A change of the conversation itself.
    Change(Arc<Change>),
    /// The actor's own settings for it.
    Settings(Settings),
    /// Something done to a message that is there.
    Touch(Touch),
    /// How far the actor has come.
    Mark(Vec<Mark>),
}

/// A message somebody wants to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    pub text: MessageText,
    pub client_id: Option<ClientId>,
    pub reply_to: Option<MessageId>,
}

/// A message whose content can't be sent: it is answered with the message that
/// its `client_id` names, else with what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    pub client_id: ClientId,
    pub fault: Problem,
}

/// A change that also stands in the history, as a system message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The new title, where that changes.
    pub title: Option<String>,
    /// Whose part in it changes, and how.
    pub moves: Vec<MemberMove>,
    /// Somebody whom the actor has to be connected with.
    pub needs_connection: Option<UserId>,
    /// That user comes back only with consent if they left by themself.
    pub needs_consent: bool,
    /// Nothing is said here any more.
    pub closes: bool,
    /// The change for programs: a JSON object with a `type`.
    pub event: String,
    /// The change for people.
    pub text: String,
}

/// Something done to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touch {
    pub message: MessageId,
    pub how: How,
    /// Whether the actor may withdraw others' messages here.
    pub may_moderate: bool,
}

/// What is done to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    /// Its sender says something else.
    Edit(MessageText),
    /// It is taken back.
    Withdraw,
    /// Somebody puts an emoji on it, or takes theirs off.
    React { emoji: Emoji, on: bool },
}

impl How {
    /// Whether the text of the message becomes another one.
    #[must_use]
    pub fn changes_text(&self) -> bool {
        matches!(self, Self::Edit(_) | Self::Withdraw)
    }

    /// Whether it only takes content away, which a sender may do whatever
    /// became of the connection, the membership or the group.
    #[must_use]
    pub fn is_removal(&self) -> bool {
        matches!(self, Self::Withdraw | Self::React { on: false, .. })
    }
}

/// Somebody has a message, or has seen it, and all before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    pub kind: receipt::Kind,
    pub message: MessageId,
}

/// How somebody's part in a conversation changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberMove {
    /// They come, as members, or come back.
    Join(User),
    /// They go, by themselves or not.
    Leave(UserId),
    /// They stay, as this.
    Become(UserId, Role),
}

impl MemberMove {
    /// Whose number of groups this changes, and by how much.
    fn counts(&self) -> Option<(UserId, i32)> {
        match self {
            Self::Join(user) => Some((user.id, 1)),
            Self::Leave(user) => Some((*user, -1)),
            Self::Become(..) => None,
        }
    }
}

/// One's own settings for a conversation; what isn't named stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Until when; none unmutes.
    pub muted_until: Option<Option<Millis>>,
    pub archived: Option<bool>,
    pub pinned: Option<bool>,
}

/// What became of one [`Append`].
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It is on disk, as this.
    Posted {
        message: Arc<Message>,
        /// Those to whom it brought the conversation back.
        returned: Vec<UserId>,
    },
    /// The change is on disk, with the system message that tells it.
    Changed {
        message: Arc<Message>,
        change: Arc<Change>,
    },
    /// Nothing was written: the invited user left by themself, and has to agree.
    NeedsConsent,
    /// The actor's settings are on disk, in this version.
    Set {
        user: UserId,
        version: i64,
        settings: Settings,
    },
    /// The actor's marks stand there or further; what moved is in the
    /// [`Commit`].
    Marked {
        /// None where they stood there already.
        version: Option<i64>,
        /// Those of the messages that they can't see.
        unknown: Vec<MessageId>,
    },
    /// It is on disk: the message, and those that quote it, as they are now.
    Touched {
        id: MessageId,
        /// None where it was like that already.
        version: Option<i64>,
        /// Whether it is another text, which those that quote it show, too.
        changes_text: bool,
        messages: Vec<Arc<Message>>,
        /// More quote it than are told: those aren't among them.
        has_more: bool,
    },
    /// It was like that already: nothing was written.
    Unchanged,
    /// It was sent before: this is what it became then.
    Known(Arc<Message>),
    /// Judged by an outdated `members_version`: nothing was written.
    Stale,
    /// Nothing was written.
    Refused(Problem),
}

/// What became of a batch.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    /// One per append, in order.
    pub outcomes: Vec<Outcome>,
    /// Where marks moved.
    pub marks: HashMap<ConversationId, Marks>,
    /// Whether it was refused, and may be on disk all the same.
    pub is_unsure: bool,
}

/// Notes that all have read a conversation up to there, as part of a larger
/// change.
pub(super) async fn read_by_all(
    tx: &impl ConnectionTrait,
    conversation: ConversationId,
    up_to: i64,
    now: Millis,
) -> Result<()> {
    write::read_by_all(tx, conversation, up_to, now).await
}

impl Store {
    /// Commits a batch. Either all that is new in it is on disk afterwards, or
    /// nothing.
    ///
    /// # Errors
    /// Where the database fails; nothing is written then, unless it is
    /// `Unsure`.
    pub async fn append(&self, batch: &[Append], now: Millis) -> Result<Commit> {
        let ids = self.ids.messages(&self.writer, batch.len()).await?;
        let memory = self.memory.as_deref();
        if let Some(found) = memory.and_then(|memory| memory.recall(batch)) {
            match self.write(batch, Some(found), (ids.clone(), now)).await {
                Err(StoreError::Internal(cause)) => {
                    tracing::debug!(%cause, "a batch looks first after all");
                }
                done => return done,
            }
        }
        self.write(batch, None, (ids, now)).await
    }

    /// The same, by what was found before, or by what is found now.
    async fn write(
        &self,
        batch: &[Append],
        found: Option<Found>,
        given: (Vec<i64>, Millis),
    ) -> Result<Commit> {
        let tx = self.begin().await?;
        let found = match found {
            Some(found) => found,
            None => look::all(&tx, batch, given.1).await?,
        };
        let (mut script, mut work) = Work::all_but_the_last(&tx, batch, found, given).await?;
        let mut answers = Vec::new();
        if work.is_to_look_again() {
            answers = script.run(&tx).await?;
            look::again(&tx, &mut work.outcomes).await?;
        }
        answers.extend(script.commit(tx).await?);
        if let Some(memory) = &self.memory {
            memory.learn(std::mem::take(&mut work.found), &work.plan);
        }
        work.ended(&answers)
    }
}

/// Writes a batch as part of a larger change; `ids` are for the messages in it.
pub(super) async fn append_in(
    tx: &impl ConnectionTrait,
    batch: &[Append],
    given: (Vec<i64>, Millis),
) -> Result<Commit> {
    let found = look::all(tx, batch, given.1).await?;
    let (mut script, mut work) = Work::all_but_the_last(tx, batch, found, given).await?;
    let answers = script.run(tx).await?;
    look::again(tx, &mut work.outcomes).await?;
    work.ended(&answers)
}

/// A batch on its way to the disk.
struct Work {
    outcomes: Vec<Outcome>,
    plan: plan::Plan,
    found: Found,
    /// What the last statements ask.
    asked: moved::Asked,
    now: Millis,
}

impl Work {
    /// Does it, but for the last statements, which go to the database
    /// together.
    async fn all_but_the_last(
        tx: &impl ConnectionTrait,
        batch: &[Append],
        found: Found,
        (ids, now): (Vec<i64>, Millis),
    ) -> Result<(Script, Self)> {
        let (outcomes, mut plan, found) = plan::assign(batch, found, ids, now);
        let mut script = Script::on(tx);
        if !plan.is_empty() {
            write::all(tx, &mut script, &mut plan, now).await?;
        }
        let asked = moved::ask(&mut script, &plan);
        let work = Self {
            outcomes,
            plan,
            found,
            asked,
            now,
        };
        Ok((script, work))
    }

    /// Whether something is to be read that was written.
    fn is_to_look_again(&self) -> bool {
        let mut outcomes = self.outcomes.iter();
        outcomes.any(|outcome| matches!(outcome, Outcome::Touched { .. }))
    }

    /// What became of it, with what the last statements answered.
    fn ended(self, answers: &[QueryResult]) -> Result<Commit> {
        Ok(Commit {
            marks: self.asked.moved(&self.plan, answers, self.now)?,
            outcomes: self.outcomes,
            is_unsure: false,
        })
    }
}
