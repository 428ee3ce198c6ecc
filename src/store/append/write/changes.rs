//! Changes of conversations and of members' own settings.

use std::collections::HashMap;

use entity::participant::{self, MemberRole};
use entity::{ConversationId, UserId, conversation};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter,
    sea_query::{Expr, OnConflict},
};

use super::markers;
use crate::protocol::Message;
use crate::store::append::plan::{BatchPlan, PlannedMessage, PlannedSettings};
use crate::store::db::Result;
use crate::store::{group_counts, search_terms};

/// Writes joins, leaves and new roles.
pub(super) async fn write_members(tx: &impl ConnectionTrait, plan: &BatchPlan) -> Result<()> {
    // The batch's new titles, which are written only after the members.
    let mut titles: HashMap<ConversationId, &str> = HashMap::new();
    for (message, change) in &plan.changes {
        let conversation = message.conversation_id;
        titles.extend(change.title.as_deref().map(|title| (conversation, title)));
        for user in &change.joined {
            join(tx, plan, message, user.id).await?;
        }
        for user in &change.left {
            let title = titles.get(&conversation).copied();
            leave(tx, message, *user, title).await?;
            // In a closed group no marker moves any more, so each status stays
            // as it is without a write.
            if !change.closes {
                markers::lower_status_ceilings(tx, message, *user).await?;
            }
        }
        for (user, role) in &change.roles {
            set_role(tx, message, *user, *role).await?;
        }
    }
    let changes = plan.changes.iter();
    let deltas = changes.flat_map(|(_, change)| change.group_count_deltas());
    group_counts::add_group_counts(tx, deltas).await
}

/// On a rejoin, the later of both joining times stays, in case the clock was
/// set back.
const LATER_JOINING: &str = "CASE WHEN participant.joined_at > excluded.joined_at \
     THEN participant.joined_at ELSE excluded.joined_at END";

/// Adds a member. The member sees messages from `message` on, and the markers
/// start at it. A former member who rejoins gets default settings.
async fn join(
    tx: &impl ConnectionTrait,
    plan: &BatchPlan,
    message: &Message,
    user: UserId,
) -> Result<()> {
    let system_message = plan
        .messages
        .iter()
        .find(|new| new.message.id == message.id);
    let row = participant::ActiveModel {
        conversation_id: Set(message.conversation_id),
        user_id: Set(user),
        role: Set(MemberRole::Member),
        joined_seq: Set(message.seq - 1),
        joined_at: Set(message.created_at),
        left_seq: Set(None),
        left_version: Set(None),
        left_title: Set(None),
        delivered_seq: Set(message.seq),
        read_seq: Set(message.seq),
        read_ord: Set(system_message.map_or(0, |new: &PlannedMessage| new.ord)),
        unread_deleted: Set(0),
        version: Set(message.version),
        muted_until: Set(None),
        archived: Set(false),
        pinned: Set(false),
    };
    use participant::Column;
    let fresh = [
        Column::Role,
        Column::JoinedSeq,
        Column::LeftSeq,
        Column::LeftVersion,
        Column::LeftTitle,
        Column::DeliveredSeq,
        Column::ReadSeq,
        Column::ReadOrd,
        Column::UnreadDeleted,
        Column::Version,
        Column::MutedUntil,
        Column::Archived,
        Column::Pinned,
    ];
    participant::Entity::insert(row)
        .on_conflict(
            OnConflict::columns([Column::ConversationId, Column::UserId])
                .update_columns(fresh)
                .value(Column::JoinedAt, Expr::cust(LATER_JOINING))
                .to_owned(),
        )
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

const PRESENT_TITLE: &str =
    "(SELECT c.title FROM conversation c WHERE c.id = participant.conversation_id)";

/// Ends a membership. The former member sees nothing from `message` on. `title`
/// is the title that this batch set before the leave, if any.
async fn leave(
    tx: &impl ConnectionTrait,
    message: &Message,
    user: UserId,
    title: Option<&str>,
) -> Result<()> {
    let title = title.map_or_else(|| Expr::cust(PRESENT_TITLE), Expr::value);
    update_participant(message.conversation_id, user)
        .col_expr(participant::Column::LeftSeq, (message.seq - 1).into())
        .col_expr(
            participant::Column::LeftVersion,
            (message.version - 1).into(),
        )
        .col_expr(participant::Column::LeftTitle, title)
        .col_expr(participant::Column::Role, MemberRole::Member.into())
        .col_expr(participant::Column::Version, message.version.into())
        .exec(tx)
        .await?;
    Ok(())
}

async fn set_role(
    tx: &impl ConnectionTrait,
    message: &Message,
    user: UserId,
    role: MemberRole,
) -> Result<()> {
    update_participant(message.conversation_id, user)
        .col_expr(participant::Column::Role, role.into())
        .col_expr(participant::Column::Version, message.version.into())
        .exec(tx)
        .await?;
    Ok(())
}

/// Writes titles and member counts.
pub(super) async fn write_conversations(tx: &impl ConnectionTrait, plan: &BatchPlan) -> Result<()> {
    for (message, change) in &plan.changes {
        let Some(row) = plan.conversations.get(&message.conversation_id) else {
            continue;
        };
        let mut update = conversation::Entity::update_many()
            .col_expr(
                conversation::Column::ParticipantCount,
                row.participant_count.into(),
            )
            .col_expr(
                conversation::Column::MembersVersion,
                row.members_version.into(),
            )
            .filter(conversation::Column::Id.eq(row.id));
        if change.closes {
            update = update.col_expr(conversation::Column::Open, false.into());
        }
        if let Some(title) = &change.title {
            update = update.col_expr(conversation::Column::Title, title.clone().into());
            search_terms::replace_title_words(tx, row.id, title).await?;
        }
        update.exec(tx).await?;
    }
    Ok(())
}

/// Writes members' own settings, in order. Their markers may have moved later
/// in the batch, and a version never goes back.
pub(super) async fn write_settings(
    tx: &impl ConnectionTrait,
    all: &[PlannedSettings],
) -> Result<()> {
    for own in all {
        let version = Expr::case(participant::Column::Version.lt(own.version), own.version)
            .finally(Expr::col(participant::Column::Version));
        let mut update = update_participant(own.conversation, own.user)
            .col_expr(participant::Column::Version, version.into());
        if let Some(until) = own.settings.muted_until {
            update = update.col_expr(participant::Column::MutedUntil, until.into());
        }
        if let Some(archived) = own.settings.archived {
            update = update.col_expr(participant::Column::Archived, archived.into());
        }
        if let Some(pinned) = own.settings.pinned {
            update = update.col_expr(participant::Column::Pinned, pinned.into());
        }
        update.exec(tx).await?;
    }
    Ok(())
}

fn update_participant(
    conversation: ConversationId,
    user: UserId,
) -> sea_orm::UpdateMany<participant::Entity> {
    participant::Entity::update_many()
        .filter(participant::Column::ConversationId.eq(conversation))
        .filter(participant::Column::UserId.eq(user))
}
