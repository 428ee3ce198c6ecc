//! Existing state that a batch depends on: archives, titles and connections.

use std::collections::BTreeSet;

use entity::{ConversationId, Millis, UserId, conversation, participant};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QuerySelect};

use super::BatchInput;
use crate::store::append::{AppendEntry, AppendOperation};
use crate::store::connections;
use crate::store::db::Result;
use crate::store::group_invitations::has_left_by_choice;

/// Finds members who archived a conversation that gets a message now. Muted
/// conversations stay archived.
pub(super) async fn load_archived(
    tx: &impl ConnectionTrait,
    batch: &[AppendEntry],
    now: Millis,
    found: &mut BatchInput,
) -> Result<()> {
    let asked: BTreeSet<ConversationId> = batch
        .iter()
        .filter(|append| {
            append.has_archived && matches!(append.operation, AppendOperation::Post(_))
        })
        .map(|append| append.conversation)
        .collect();
    if asked.is_empty() {
        return Ok(());
    }
    let rows: Vec<(ConversationId, UserId)> = participant::Entity::find()
        .select_only()
        .column(participant::Column::ConversationId)
        .column(participant::Column::UserId)
        .filter(participant::Column::ConversationId.is_in(asked))
        .filter(participant::Column::Archived.eq(true))
        .filter(participant::Column::LeftSeq.is_null())
        .filter(
            participant::Column::MutedUntil
                .is_null()
                .or(participant::Column::MutedUntil.lte(now)),
        )
        .into_tuple()
        .all(tx)
        .await?;
    for (conversation, user) in rows {
        found.archived.entry(conversation).or_default().push(user);
    }
    Ok(())
}

/// Loads the current titles of groups that are renamed.
pub(super) async fn load_titles(
    tx: &impl ConnectionTrait,
    batch: &[AppendEntry],
    found: &mut BatchInput,
) -> Result<()> {
    let renamed = batch.iter().filter_map(|append| match &append.operation {
        AppendOperation::Change(change) => change.title.as_ref().map(|_| append.conversation),
        _ => None,
    });
    let renamed: BTreeSet<ConversationId> = renamed.collect();
    if renamed.is_empty() {
        return Ok(());
    }
    let rows: Vec<(ConversationId, Option<String>)> = conversation::Entity::find()
        .select_only()
        .column(conversation::Column::Id)
        .column(conversation::Column::Title)
        .filter(conversation::Column::Id.is_in(renamed))
        .into_tuple()
        .all(tx)
        .await?;
    let titles = rows.into_iter();
    found
        .titles
        .extend(titles.filter_map(|(id, title)| Some((id, title?))));
    Ok(())
}

/// Finds out which of the required connections exist.
pub(super) async fn load_connected(
    tx: &impl ConnectionTrait,
    batch: &[AppendEntry],
    found: &mut BatchInput,
) -> Result<()> {
    for append in batch {
        if let AppendOperation::Change(change) = &append.operation
            && let Some(other) = change.needs_connection
            && connections::are_connected(tx, append.actor.id, other).await?
        {
            found.connected.insert((append.actor.id, other));
            let place = (append.conversation, other);
            if change.needs_consent && has_left_by_choice(tx, place.0, place.1).await? {
                found.left_by_choice.insert(place);
            }
        }
    }
    Ok(())
}
