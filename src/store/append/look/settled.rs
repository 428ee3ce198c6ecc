//! What conversations and pairs of users have settled before a batch: archives,
//! titles and connections.

use std::collections::BTreeSet;

use entity::{ConversationId, Millis, UserId, conversation, participant};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QuerySelect};

use super::Found;
use crate::store::append::{Append, What};
use crate::store::group_invitations::left_by_choice;
use crate::store::{Result, connections};

/// Who put away a conversation that gets a message now; muted ones stay away.
pub(super) async fn archived(
    tx: &impl ConnectionTrait,
    batch: &[Append],
    now: Millis,
    found: &mut Found,
) -> Result<()> {
    let asked: BTreeSet<ConversationId> = batch
        .iter()
        .filter(|append| append.has_archived && matches!(append.what, What::Post(_)))
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

/// The titles of groups that get one.
pub(super) async fn titles(
    tx: &impl ConnectionTrait,
    batch: &[Append],
    found: &mut Found,
) -> Result<()> {
    let renamed = batch.iter().filter_map(|append| match &append.what {
        What::Change(change) => change.title.as_ref().map(|_| append.conversation),
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

/// Which of the pairs are connected that have to be.
pub(super) async fn connected(
    tx: &impl ConnectionTrait,
    batch: &[Append],
    found: &mut Found,
) -> Result<()> {
    for append in batch {
        if let What::Change(change) = &append.what
            && let Some(other) = change.needs_connection
            && connections::are_connected(tx, append.actor.id, other).await?
        {
            found.connected.insert((append.actor.id, other));
            let place = (append.conversation, other);
            if change.needs_consent && left_by_choice(tx, place.0, place.1).await? {
                found.left_by_choice.insert(place);
            }
        }
    }
    Ok(())
}
