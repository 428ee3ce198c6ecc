//! What the Journal commits: a batch of what many Rooms want on disk, in one
//! transaction.
//!
//! **Lock → look → assign → write.** Under the lock on the batch's
//! conversations, known `client_id`s are looked up; then [`plan::assign`],
//! which is pure, counts `seq`, `ord` and `version` out to what is really
//! new; then few statements write it all, however much it is.
//! What was judged by another `members_version` than the locked one isn't
//! written: its outcome is [`Outcome::Stale`].

mod look;
mod plan;
pub(super) mod sql;
mod write;

use std::sync::Arc;

use entity::{ConversationId, MessageId, Millis};

use super::{Result, Store};
use crate::protocol::{ClientId, Message, MessageText, Problem, User};

/// One thing that a Room wants on disk, and how it was judged. Refused ones
/// come along, since a retry is answered like the first time whatever has
/// happened since: only under the lock can it be told whether it is one.
#[derive(Clone, Debug)]
pub struct Append {
    pub conversation: ConversationId,
    /// By which it was judged.
    pub members_version: i64,
    pub verdict: std::result::Result<(), Problem>,
    pub post: Arc<Post>,
    /// How many others take part.
    pub audience: i32,
}

/// A message somebody wants to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    pub sender: User,
    pub text: MessageText,
    pub client_id: Option<ClientId>,
    pub reply_to: Option<MessageId>,
}

/// What became of one [`Append`].
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It is on disk, as this.
    Posted(Arc<Message>),
    /// It was sent before: this is what it became then.
    Known(Arc<Message>),
    /// Judged by an outdated `members_version`: nothing was written.
    Stale,
    /// Nothing was written.
    Refused(Problem),
}

impl Store {
    /// Commits a batch: one outcome per append, in order. Either all that is
    /// new in it is on disk afterwards, or nothing.
    ///
    /// # Errors
    /// Where the database fails; nothing is written then.
    pub async fn append(&self, batch: &[Append], now: Millis) -> Result<Vec<Outcome>> {
        let ids = self.ids.messages(&self.writer, batch.len()).await?;
        let tx = self.begin().await?;
        let found = look::all(&tx, batch).await?;
        let (outcomes, plan) = plan::assign(batch, found, ids, now);
        if !plan.is_empty() {
            write::all(&tx, plan, now).await?;
        }
        tx.commit().await?;
        Ok(outcomes)
    }
}
