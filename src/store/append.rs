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
mod edit_outcomes;
mod marker_changes;
mod outcome;
mod plan;
mod weight;
mod write;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use entity::participant::MemberRole;
use entity::{ConversationId, Millis, UserId};
use sea_orm::ConnectionTrait;
use tokio::time::Instant;

use crate::protocol::{ConversationAction, Problem, User};
use crate::store::db::{Db, Result, StatementBatch, StoreError};
use crate::store::ids::MessageIdBlock;
use batch_input::BatchInput;
pub(super) use conversation_cache::ConversationCache;
pub use marker_changes::{
    CoveredAuthors, MarkerChanges, MarkerStep, MemberMarkerMove, WatermarkRise,
};
use marker_changes::{MarkerQueries, RaisedWatermarks};
pub use outcome::{AppendOutcome, CommittedChange};
use plan::PlannedBatch;

/// An action that a Room wants to write, with its verdict. Rejected messages
/// are included, because only a query under the lock shows whether a message is
/// a retry. A retry gets the first answer even if it would be rejected now.
#[derive(Clone, Debug)]
pub struct AppendEntry {
    pub conversation: ConversationId,
    /// The members version that the verdict is based on.
    pub members_version: i64,
    pub verdict: std::result::Result<(), Problem>,
    pub actor: User,
    pub action: ConversationAction<Arc<ConversationChange>>,
    /// Whether the actor may delete others' messages here.
    pub may_moderate: bool,
    /// Whether the conversation has other members.
    pub has_others: bool,
    /// Whether a member archived the conversation, so that a message may have
    /// to restore it.
    pub has_archived: bool,
}

/// A change that is also recorded in the history, as a system message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConversationChange {
    /// The new title, if it changes.
    pub title: Option<String>,
    /// The users who join as members, or rejoin.
    pub joined: Vec<User>,
    /// The users who leave or are removed.
    pub left: Vec<UserId>,
    /// The new roles of members.
    pub roles: BTreeMap<UserId, MemberRole>,
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

impl ConversationChange {
    /// Returns whether membership or roles change.
    #[must_use]
    pub fn has_member_changes(&self) -> bool {
        self.member_changes() > 0
    }

    /// Returns the number of joins, leaves and new roles.
    #[must_use]
    pub fn member_changes(&self) -> usize {
        self.joined.len() + self.left.len() + self.roles.len()
    }

    /// Returns the users whose number of groups changes, each with the
    /// difference.
    fn group_count_deltas(&self) -> impl Iterator<Item = (UserId, i32)> {
        let joined = self.joined.iter().map(|user| (user.id, 1));
        joined.chain(self.left.iter().map(|user| (*user, -1)))
    }
}

/// The result of a batch, or of the part of it that concerns one Room.
#[derive(Clone, Debug)]
pub struct BatchCommit {
    /// One outcome per append, in order.
    pub outcomes: Vec<AppendOutcome>,
    /// Markers that moved.
    pub marks: HashMap<ConversationId, MarkerChanges>,
    /// The time of the commit.
    pub at: Instant,
    /// Whether the commit failed, but the batch may still be on disk.
    pub is_unsure: bool,
}

impl BatchCommit {
    /// Creates the result of a batch that moved no markers, as of now.
    #[must_use]
    pub fn new(outcomes: Vec<AppendOutcome>) -> Self {
        Self {
            outcomes,
            marks: HashMap::new(),
            at: Instant::now(),
            is_unsure: false,
        }
    }
}

/// What a batch gets from its surroundings.
#[derive(Clone, Debug)]
pub(super) struct BatchStamp {
    /// The ids of its new messages.
    pub(super) ids: Vec<i64>,
    /// The time of its changes.
    pub(super) now: Millis,
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
        let stamp = BatchStamp { ids, now };
        if let Some(cached) = self.cache.and_then(|cache| cache.take_input(batch)) {
            let written = self.write_batch(batch, Some(cached), stamp.clone()).await;
            match written.map_err(write::outdated_if_conflicting) {
                Err(StoreError::Outdated(cause)) => {
                    tracing::debug!(%cause, "cached rows are out of date; retrying with a fresh read");
                }
                done => return done,
            }
        }
        self.write_batch(batch, None, stamp).await
    }

    /// Writes a batch from cached input, or from input that is loaded now.
    async fn write_batch(
        self,
        batch: &[AppendEntry],
        cached: Option<BatchInput>,
        stamp: BatchStamp,
    ) -> Result<BatchCommit> {
        let tx = self.db.begin().await?;
        let input = match cached {
            Some(cached) => cached,
            None => batch_input::load_batch_input(&tx, batch, stamp.now).await?,
        };
        let (mut statements, staged) = StagedBatch::stage(&tx, batch, input, stamp).await?;
        let StagedBatch {
            planned,
            watermarks,
            marker_queries,
        } = staged;
        if planned.has_edits() {
            statements.run(&tx).await?;
        }
        let outcomes = edit_outcomes::load_outcomes(&tx, planned.outcomes).await?;
        let answers = statements.commit(tx).await?;
        if let Some(cache) = self.cache {
            cache.update(planned.input, &planned.plan, &watermarks);
        }
        let mut commit = BatchCommit::new(outcomes);
        let marks = marker_queries.into_changes(&planned.plan, &watermarks, &answers);
        commit.marks = marks.map_err(StoreError::after_commit)?;
        Ok(commit)
    }
}

/// Writes a batch as part of a larger change. That change is announced by a
/// read, so it needs no marker changes.
pub(super) async fn append_in(
    tx: &impl ConnectionTrait,
    batch: &[AppendEntry],
    stamp: BatchStamp,
) -> Result<Vec<AppendOutcome>> {
    let input = batch_input::load_batch_input(tx, batch, stamp.now).await?;
    let (mut statements, staged) = StagedBatch::stage(tx, batch, input, stamp).await?;
    statements.run(tx).await?;
    edit_outcomes::load_outcomes(tx, staged.planned.outcomes).await
}

/// A written batch whose last statements have not run yet.
struct StagedBatch {
    planned: PlannedBatch,
    watermarks: RaisedWatermarks,
    /// The queries among the last statements.
    marker_queries: MarkerQueries,
}

impl StagedBatch {
    /// Plans and writes the batch, except for the last statements, which go to
    /// the database together.
    async fn stage(
        tx: &impl ConnectionTrait,
        batch: &[AppendEntry],
        input: BatchInput,
        stamp: BatchStamp,
    ) -> Result<(StatementBatch, Self)> {
        let planned = plan::plan_batch(batch, input, stamp);
        let mut statements = StatementBatch::new(tx);
        let mut watermarks = RaisedWatermarks::new();
        if !planned.plan.is_empty() {
            watermarks = write::write_plan(tx, &mut statements, &planned.plan).await?;
        }
        let marker_queries =
            marker_changes::queue_marker_queries(&mut statements, &planned.plan, &watermarks);
        let staged = Self {
            planned,
            watermarks,
            marker_queries,
        };
        Ok((statements, staged))
    }
}
