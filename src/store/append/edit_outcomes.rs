//! The outcomes of a batch, once its messages are written. Clients get a
//! changed message in full, so it is read back.

use std::sync::Arc;

use entity::{MessageId, message};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QuerySelect};

use super::plan::{PlannedEditOutcome, PlannedOutcome};
use super::{AppendOutcome, CommittedChange};
use crate::protocol::Message;
use crate::store::db::{Result, StoreError};
use crate::store::messages::{self, QUOTING_MAX};

/// Returns the outcomes of a plan, after it was written. A batch has few edits.
pub(super) async fn load_outcomes(
    tx: &impl ConnectionTrait,
    planned: Vec<PlannedOutcome>,
) -> Result<Vec<AppendOutcome>> {
    let mut outcomes = Vec::with_capacity(planned.len());
    for outcome in planned {
        outcomes.push(match outcome {
            PlannedOutcome::Final(outcome) => outcome,
            PlannedOutcome::Edit(edit) => load_edit_outcome(tx, edit).await?,
        });
    }
    Ok(outcomes)
}

async fn load_edit_outcome(
    tx: &impl ConnectionTrait,
    edit: PlannedEditOutcome,
) -> Result<AppendOutcome> {
    let found = messages::load_by_ids(tx, &[edit.message]).await?;
    let message = found.into_iter().next();
    let message = message.ok_or_else(|| missing_message(edit.message))?;
    let Some(version) = edit.version else {
        // The caller waits for the frame `message_updated`, also if the message
        // never changed.
        return Ok(AppendOutcome::Unchanged(Some(Arc::new(Message {
            is_changed: true,
            ..message
        }))));
    };
    let quoting = if edit.changes_text {
        find_quoting(tx, edit.message, version).await?
    } else {
        Vec::new()
    };
    let has_more = quoting.len() > QUOTING_MAX;
    let mut quoting = if has_more {
        Vec::new()
    } else {
        messages::load_by_ids(tx, &quoting).await?
    };
    quoting.sort_unstable_by_key(|message| message.seq);
    Ok(AppendOutcome::Written(CommittedChange::Edited {
        version,
        message: Arc::new(message),
        quoting: quoting.into_iter().map(Arc::new).collect(),
        has_more,
    }))
}

fn missing_message(id: MessageId) -> StoreError {
    StoreError::from(DbErr::RecordNotFound(format!(
        "the changed message {id} is gone"
    )))
}

/// Returns the messages that quote the message `id` and last changed before
/// `version`, the version of its change. If there are too many, returns one
/// more than are sent.
async fn find_quoting(
    tx: &impl ConnectionTrait,
    id: MessageId,
    version: i64,
) -> Result<Vec<MessageId>> {
    Ok(message::Entity::find()
        .select_only()
        .column(message::Column::Id)
        .filter(message::Column::ReplyTo.eq(id))
        .filter(message::Column::Version.lt(version))
        .limit(QUOTING_MAX as u64 + 1)
        .into_tuple()
        .all(tx)
        .await?)
}
