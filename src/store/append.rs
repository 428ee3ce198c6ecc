//! The Journal's transaction: a batch of appends from many Rooms.
//!
//! **Lock → load → plan → write.** Under the lock on the batch's conversations,
//! known `client_id`s are looked up. Then [`plan::plan_batch`], which is pure,
//! assigns `seq`, `ord` and `version` to the new entries. A few statements
//! write all of them. Rows that recent batches wrote come from the
//! [`conversation_cache`]. An entry whose verdict has another `members_version`
//! than the locked row isn't written; its outcome is [`AppendOutcome::Stale`].

mod batch_input;
mod conversation_cache;
mod marker_changes;
mod plan;
mod weight;
mod write;

use std::collections::HashMap;
use std::sync::Arc;

use entity::participant::MemberRole;
use entity::{ConversationId, MessageId, Millis, UserId, receipt};
use sea_orm::{ConnectionTrait, QueryResult};

use crate::protocol::{ClientId, Emoji, Message, MessageText, Problem, User};
use crate::store::db::{Db, Result, StatementBatch, StoreError};
use crate::store::ids::MessageIdBlock;
use batch_input::BatchInput;
pub(super) use conversation_cache::ConversationCache;
pub use marker_changes::{
    CoveredAuthors, MarkerChanges, MarkerStep, MemberMarkerMove, WatermarkRise,
};

/// A command that a Room wants to write, with its verdict. Rejected posts are
/// included, because only a query under the lock shows whether a post is a
/// retry. A retry gets the first answer even if the post would be rejected now.
#[derive(Clone, Debug)]
pub struct AppendEntry {
    pub conversation: ConversationId,
    /// The members version that the verdict is based on.
    pub members_version: i64,
    pub verdict: std::result::Result<(), Problem>,
    pub actor: User,
    pub operation: AppendOperation,
    /// Whether the conversation has other members.
    pub has_others: bool,
    /// Whether a member archived the conversation, so that a message may have
    /// to restore it.
    pub has_archived: bool,
}

/// The operation of an append.
#[derive(Clone, Debug)]
pub enum AppendOperation {
    /// A message.
    Post(Arc<MessagePost>),
    /// A post that can't be sent now, but may be a retry.
    FindSent(Arc<RejectedPost>),
    /// A change of the conversation itself.
    Change(Arc<ConversationChange>),
    /// The actor's own settings for the conversation.
    Settings(MemberSettingsPatch),
    /// An edit, deletion or reaction.
    Edit(MessageEdit),
    /// The actor's markers.
    Markers(Vec<MarkerUpdate>),
}

/// A message to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessagePost {
    pub text: MessageText,
    pub client_id: Option<ClientId>,
    pub reply_to: Option<MessageId>,
}

/// A post with invalid content. If a message with its `client_id` was sent
/// before, that message is the answer; otherwise `fault` is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedPost {
    pub client_id: ClientId,
    pub fault: Problem,
}

/// A change that is also recorded in the history, as a system message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConversationChange {
    /// The new title, if it changes.
    pub title: Option<String>,
    /// Changes of membership and roles.
    pub member_changes: Vec<MemberChange>,
    /// A user who must be connected with the actor.
    pub needs_connection: Option<UserId>,
    /// Whether that user must consent to rejoin, if they left the group on
    /// their own.
    pub needs_consent: bool,
    /// Closes the group.
    pub closes: bool,
    /// The machine-readable change: a JSON object with a `type`.
    pub event: String,
    /// The human-readable change.
    pub text: String,
}

/// A change of an existing message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageEdit {
    pub message: MessageId,
    pub kind: MessageEditKind,
    /// Whether the actor may delete others' messages here.
    pub may_moderate: bool,
}

/// The kind of change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageEditKind {
    /// The sender changes the text.
    Edit(MessageText),
    /// The message is deleted.
    Delete,
    /// The actor adds or removes a reaction.
    React { emoji: Emoji, on: bool },
}

impl MessageEditKind {
    /// Returns whether the text changes.
    #[must_use]
    pub fn changes_text(&self) -> bool {
        matches!(self, Self::Edit(_) | Self::Delete)
    }

    /// Returns whether this change only removes content. Removals are permitted
    /// even after the connection, the membership or the group ended.
    #[must_use]
    pub fn is_removal(&self) -> bool {
        matches!(self, Self::Delete | Self::React { on: false, .. })
    }
}

/// A marker: the actor received or read this message and all before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarkerUpdate {
    pub kind: receipt::ReceiptKind,
    pub message: MessageId,
}

/// A change of membership or role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberChange {
    /// The user joins as a member, or rejoins.
    Join(User),
    /// The user leaves or is removed.
    Leave(UserId),
    /// The member gets this role.
    SetRole(UserId, MemberRole),
}

impl MemberChange {
    /// Returns the user whose number of groups changes, and by how much; none
    /// for a new role.
    fn group_count_delta(&self) -> Option<(UserId, i32)> {
        match self {
            Self::Join(user) => Some((user.id, 1)),
            Self::Leave(user) => Some((*user, -1)),
            Self::SetRole(..) => None,
        }
    }
}

/// A member's own settings for a conversation; unset fields stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemberSettingsPatch {
    /// The new end of the mute; `Some(None)` unmutes.
    pub muted_until: Option<Option<Millis>>,
    pub archived: Option<bool>,
    pub pinned: Option<bool>,
}

/// The outcome of an [`AppendEntry`].
#[derive(Clone, Debug)]
pub enum AppendOutcome {
    /// The message was written.
    Posted {
        message: Arc<Message>,
        /// Members whose archived conversation the message restored.
        returned: Vec<UserId>,
    },
    /// The change was written with its system message.
    Changed {
        message: Arc<Message>,
        change: Arc<ConversationChange>,
    },
    /// Nothing was written: the invited user left on their own and has to
    /// consent.
    NeedsConsent,
    /// The settings were written in this version.
    SettingsChanged {
        user: UserId,
        version: i64,
        settings: MemberSettingsPatch,
    },
    /// The markers are at the requested position or beyond. The moves are in
    /// the [`BatchCommit`].
    Marked {
        /// None if the markers didn't move.
        version: Option<i64>,
        /// Messages that the marker updates name, but that the actor can't see.
        unknown: Vec<MessageId>,
    },
    /// The message is in the requested state. `messages` has it and, if its
    /// text changed, the messages that quote it.
    Edited {
        id: MessageId,
        /// None if the message already was in this state.
        version: Option<i64>,
        /// Whether the text changed, which replies quote.
        changes_text: bool,
        messages: Vec<Arc<Message>>,
        /// Whether too many messages quote it: then `messages` has only the
        /// message itself.
        has_more: bool,
    },
    /// Nothing was written, because nothing would change.
    Unchanged,
    /// A retry: the message that the first attempt wrote.
    AlreadySent(Arc<Message>),
    /// Nothing was written: the verdict is based on an outdated
    /// `members_version`.
    Stale,
    /// Nothing was written.
    Refused(Problem),
}

/// The result of a batch.
#[derive(Clone, Debug, Default)]
pub struct BatchCommit {
    /// One outcome per append, in order.
    pub outcomes: Vec<AppendOutcome>,
    /// Markers that moved.
    pub marks: HashMap<ConversationId, MarkerChanges>,
    /// Whether the commit failed, but the batch may still be on disk.
    pub is_unsure: bool,
}

/// Stores a read receipt of all members up to the `seq` `up_to`, as part of a
/// larger change.
pub(super) async fn mark_read_by_all(
    tx: &impl ConnectionTrait,
    conversation: ConversationId,
    up_to: i64,
    now: Millis,
) -> Result<()> {
    write::mark_read_by_all(tx, conversation, up_to, now).await
}

/// The writes of the Journal.
#[derive(Clone, Copy)]
pub struct JournalRepository<'a> {
    db: &'a Db,
    ids: &'a MessageIdBlock,
    cache: Option<&'a ConversationCache>,
}

impl<'a> JournalRepository<'a> {
    /// Creates a repository on these connections. New messages take their ids
    /// from the block. The cache has the rows of recent batches, if the
    /// database needs one.
    pub(in crate::store) fn new(
        db: &'a Db,
        ids: &'a MessageIdBlock,
        cache: Option<&'a ConversationCache>,
    ) -> Self {
        Self { db, ids, cache }
    }
}

impl JournalRepository<'_> {
    /// Commits a batch: either all of it is written, or nothing.
    ///
    /// # Errors
    /// Database failures. Nothing is written then, unless the error is
    /// `Unsure`.
    pub async fn append_batch(self, batch: &[AppendEntry], now: Millis) -> Result<BatchCommit> {
        let ids = self
            .ids
            .take_message_ids(self.db.writer(), batch.len())
            .await?;
        if let Some(found) = self.cache.and_then(|cache| cache.take_input(batch)) {
            let written = self.write_batch(batch, Some(found), (ids.clone(), now));
            match written.await.map_err(write::outdated_if_conflicting) {
                Err(StoreError::Outdated(cause)) => {
                    tracing::debug!(%cause, "cached rows are out of date; retrying with a fresh read");
                }
                done => return done,
            }
        }
        self.write_batch(batch, None, (ids, now)).await
    }

    /// Writes a batch from cached input, or from input that is loaded now.
    async fn write_batch(
        self,
        batch: &[AppendEntry],
        found: Option<BatchInput>,
        given: (Vec<i64>, Millis),
    ) -> Result<BatchCommit> {
        let tx = self.db.begin().await?;
        let found = match found {
            Some(found) => found,
            None => batch_input::load_batch_input(&tx, batch, given.1).await?,
        };
        let (mut statements, mut work) =
            RunningBatch::stage_statements(&tx, batch, found, given).await?;
        let mut answers = Vec::new();
        if work.needs_reload() {
            answers = statements.run(&tx).await?;
            batch_input::reload_edited(&tx, &mut work.outcomes).await?;
        }
        answers.extend(statements.commit(tx).await?);
        if let Some(cache) = self.cache {
            cache.update(std::mem::take(&mut work.input), &work.plan);
        }
        work.into_commit(&answers)
    }
}

/// Writes a batch as part of a larger change. `given` has the ids for its new
/// messages, and the time.
pub(super) async fn append_in(
    tx: &impl ConnectionTrait,
    batch: &[AppendEntry],
    given: (Vec<i64>, Millis),
) -> Result<BatchCommit> {
    let found = batch_input::load_batch_input(tx, batch, given.1).await?;
    let (mut statements, mut work) =
        RunningBatch::stage_statements(tx, batch, found, given).await?;
    let answers = statements.run(tx).await?;
    batch_input::reload_edited(tx, &mut work.outcomes).await?;
    work.into_commit(&answers)
}

/// A planned batch whose last statements have not run yet.
struct RunningBatch {
    outcomes: Vec<AppendOutcome>,
    plan: plan::BatchPlan,
    input: BatchInput,
    /// The queries among the last statements.
    marker_queries: marker_changes::MarkerQueries,
    now: Millis,
}

impl RunningBatch {
    /// Plans and writes the batch, except for the last statements, which go to
    /// the database together.
    async fn stage_statements(
        tx: &impl ConnectionTrait,
        batch: &[AppendEntry],
        found: BatchInput,
        (ids, now): (Vec<i64>, Millis),
    ) -> Result<(StatementBatch, Self)> {
        let (outcomes, mut plan, found) = plan::plan_batch(batch, found, ids, now);
        let mut statements = StatementBatch::new(tx);
        if !plan.is_empty() {
            write::write_plan(tx, &mut statements, &mut plan, now).await?;
        }
        let queries = marker_changes::queue_marker_queries(&mut statements, &plan);
        let work = Self {
            outcomes,
            plan,
            input: found,
            marker_queries: queries,
            now,
        };
        Ok((statements, work))
    }

    /// Returns whether the batch must read back messages that it changed.
    fn needs_reload(&self) -> bool {
        let mut outcomes = self.outcomes.iter();
        outcomes.any(|outcome| matches!(outcome, AppendOutcome::Edited { .. }))
    }

    /// Builds the result from the answers of the last statements.
    fn into_commit(self, answers: &[QueryResult]) -> Result<BatchCommit> {
        Ok(BatchCommit {
            marks: self
                .marker_queries
                .into_changes(&self.plan, answers, self.now)?,
            outcomes: self.outcomes,
            is_unsure: false,
        })
    }
}
