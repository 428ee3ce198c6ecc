//! Invitations to groups that the invited user left by themself.
//!
//! Joining again takes the user's consent: a member's invitation becomes a
//! row here, and the Room lets the user in once they accept. After a decline,
//! invitations to that group are not delivered for 30 days; the members who
//! invite can't see it.

use entity::{ConversationId, InvitationId, Millis, UserId, block, conversation, user};
use entity::{group_invitation, participant};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, ModelTrait, QueryFilter,
    QueryOrder, QuerySelect, Statement, TryInsertResult,
    sea_query::{Expr, Query},
};

use super::connections::AFTER_DECLINE;
use super::{Result, Store, StoreError};
use crate::protocol::User;
use crate::protocol::invitation::{Invitation, InvitationState};

use group_invitation::Column;

/// Whether a user left a group by themself: the message behind the last one
/// that they see says so, and they are its sender.
const LEFT_BY_CHOICE: &str = "SELECT 1 FROM participant p CROSS JOIN message m \
     WHERE p.conversation_id = $1 AND p.user_id = $2 AND p.left_seq IS NOT NULL \
     AND m.conversation_id = p.conversation_id AND m.seq = p.left_seq + 1 \
     AND m.sender_id = p.user_id";

impl Store {
    /// Invites a user to a group that they left. It is answered if the user
    /// shall learn of it now.
    pub async fn invite_to_group(
        &self,
        (conversation, them): (ConversationId, UserId),
        inviter: UserId,
        now: Millis,
    ) -> Result<Option<Invitation>> {
        let tx = self.begin().await?;
        let known = group_invitation::Entity::find()
            .filter(Column::ConversationId.eq(conversation))
            .filter(Column::UserId.eq(them))
            .lock_exclusive()
            .one(&tx)
            .await?;
        let is_new = match known {
            Some(row) if row.declined_until.is_some_and(|until| until > now) => false,
            // The last one to invite is the one whose rights are judged.
            Some(row) if row.declined_until.is_none() => {
                let mut row = row.into_active_model();
                row.inviter_id = Set(inviter);
                group_invitation::Entity::update(row).exec(&tx).await?;
                false
            }
            ended => {
                if let Some(row) = ended {
                    row.delete(&tx).await?;
                }
                insert(&tx, (conversation, them), inviter, now).await?
            }
        };
        tx.commit().await?;
        if !is_new {
            return Ok(None);
        }
        let found = self.seen_invitations(them, Some(conversation), (None, 1));
        Ok(found.await?.pop())
    }

    /// A page of the invitations that wait for a user's answer, newest first.
    pub async fn group_invitations(
        &self,
        me: UserId,
        before: Option<InvitationId>,
        limit: u64,
    ) -> Result<Vec<Invitation>> {
        self.seen_invitations(me, None, (before, limit)).await
    }

    /// An invitation that waits for this user's answer.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn group_invitation(&self, me: UserId, id: InvitationId) -> Result<Invitation> {
        let before = Some(InvitationId(id.0.saturating_add(1)));
        let found = self.seen_invitations(me, None, (before, 1)).await?;
        let found = found.into_iter().find(|found| found.id == id);
        found.ok_or_else(StoreError::not_found)
    }

    /// Deletes an invitation that was accepted, or that holds no longer.
    pub async fn forget_invitation(&self, id: InvitationId) -> Result<()> {
        group_invitation::Entity::delete_by_id(id)
            .exec(&self.writer)
            .await?;
        Ok(())
    }

    /// Declines an invitation; those that follow are not delivered for 30
    /// days.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn decline_invitation(
        &self,
        me: UserId,
        id: InvitationId,
        now: Millis,
    ) -> Result<()> {
        let until = now.after(AFTER_DECLINE);
        let done = group_invitation::Entity::update_many()
            .col_expr(Column::DeclinedUntil, until.into())
            .filter(Column::Id.eq(id))
            .filter(Column::UserId.eq(me))
            .filter(Column::DeclinedUntil.is_null())
            .exec(&self.writer)
            .await?;
        match done.rows_affected {
            0 => Err(StoreError::not_found()),
            _ => Ok(()),
        }
    }

    /// Without those of users whom they block, and of groups in which they
    /// are again.
    async fn seen_invitations(
        &self,
        me: UserId,
        conversation: Option<ConversationId>,
        (before, limit): (Option<InvitationId>, u64),
    ) -> Result<Vec<Invitation>> {
        let mut query = group_invitation::Entity::find()
            .find_also_related(conversation::Entity)
            .filter(Column::UserId.eq(me))
            .filter(Column::DeclinedUntil.is_null())
            .filter(Expr::exists(blocked_inviter()).not())
            .filter(Expr::exists(present_member()).not())
            .order_by_desc(Column::Id)
            .limit(limit);
        if let Some(before) = before {
            query = query.filter(Column::Id.lt(before));
        }
        if let Some(conversation) = conversation {
            query = query.filter(Column::ConversationId.eq(conversation));
        }
        let rows = query.all(&self.reader).await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let inviters = user::Entity::find()
            .filter(user::Column::Id.is_in(rows.iter().map(|(row, _)| row.inviter_id)))
            .all(&self.reader)
            .await?;
        let seen = rows.into_iter().filter_map(|(row, conversation)| {
            let inviter = inviters.iter().find(|user| user.id == row.inviter_id)?;
            Some(Invitation {
                id: row.id,
                conversation_id: row.conversation_id,
                title: conversation?.title.unwrap_or_default(),
                inviter: User::from(inviter),
                state: InvitationState::Incoming,
                created_at: row.created_at,
            })
        });
        Ok(seen.collect())
    }
}

/// Whether a user comes back to a group only with consent; part of a larger
/// change that holds the conversation.
pub(super) async fn left_by_choice(
    tx: &impl ConnectionTrait,
    conversation: ConversationId,
    user: UserId,
) -> Result<bool> {
    let values = [conversation.into(), user.into()];
    let statement =
        Statement::from_sql_and_values(tx.get_database_backend(), LEFT_BY_CHOICE, values);
    Ok(tx.query_one_raw(statement).await?.is_some())
}

/// True if there was no invitation of the two yet.
async fn insert(
    tx: &impl ConnectionTrait,
    (conversation, them): (ConversationId, UserId),
    inviter: UserId,
    now: Millis,
) -> Result<bool> {
    let row = group_invitation::ActiveModel {
        conversation_id: Set(conversation),
        user_id: Set(them),
        inviter_id: Set(inviter),
        created_at: Set(now),
        declined_until: Set(None),
        ..Default::default()
    };
    let done = group_invitation::Entity::insert(row)
        .on_conflict_do_nothing_on([Column::ConversationId, Column::UserId])
        .exec_without_returning(tx)
        .await?;
    Ok(matches!(done, TryInsertResult::Inserted(1..)))
}

fn blocked_inviter() -> sea_orm::sea_query::SelectStatement {
    let of = |column| Expr::col((block::Entity, column));
    Query::select()
        .expr(Expr::val(1))
        .from(block::Entity)
        .and_where(of(block::Column::BlockerId).equals((group_invitation::Entity, Column::UserId)))
        .and_where(
            of(block::Column::BlockedId).equals((group_invitation::Entity, Column::InviterId)),
        )
        .to_owned()
}

fn present_member() -> sea_orm::sea_query::SelectStatement {
    use participant::Column as Member;
    let of = |column| Expr::col((participant::Entity, column));
    Query::select()
        .expr(Expr::val(1))
        .from(participant::Entity)
        .and_where(
            of(Member::ConversationId).equals((group_invitation::Entity, Column::ConversationId)),
        )
        .and_where(of(Member::UserId).equals((group_invitation::Entity, Column::UserId)))
        .and_where(of(Member::LeftSeq).is_null())
        .to_owned()
}
