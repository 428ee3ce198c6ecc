//! Existing state that a batch depends on: archives, titles and connections.

use std::collections::BTreeSet;

use entity::{ConversationId, Millis, UserId, conversation, participant};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QuerySelect};

use super::{BatchInput, group_changes};
use crate::store::append::AppendEntry;
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
            let message = append.action.submitted();
            append.has_archived && message.is_some_and(|message| message.text.is_ok())
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
    let changes = group_changes(batch).filter(|(_, change)| change.title.is_some());
    let renamed: BTreeSet<ConversationId> =
        changes.map(|(append, _)| append.conversation).collect();
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
    for (append, change) in group_changes(batch) {
        if let Some(other) = change.needs_connection
            && connections::are_connected(tx, append.actor.id, other).await?
        {
            found.connected.insert((append.actor.id, other));
            let group = append.conversation;
            if change.needs_consent && has_left_by_choice(tx, group, other).await? {
                found.left_by_choice.insert((group, other));
            }
        }
    }
    Ok(())
}
