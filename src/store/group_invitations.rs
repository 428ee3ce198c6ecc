//! Invitations to groups that the invited user left on their own.
//!
//! Rejoining needs the user's consent: a member's invitation becomes a row of
//! `group_invitation`, and the Room adds the user when they accept. After a
//! decline, invitations to that group are not delivered for 30 days. The
//! inviting members can't see that.

use entity::{ConversationId, InvitationId, Millis, UserId, block, conversation, user};
use entity::{group_invitation, participant};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, ModelTrait, QueryFilter,
    QueryOrder, QuerySelect, Statement, TryInsertResult,
    sea_query::{Expr, Query},
};

use crate::protocol::User;
use crate::protocol::invitation::{Invitation, InvitationState};
use crate::store::connections::DECLINE_PAUSE;
use crate::store::db::{Db, Result, StoreError};

use group_invitation::Column;

/// Selects a row if a user left a group on their own: they are the sender of
/// the message after the last one that they see.
const LEFT_BY_CHOICE: &str = "SELECT 1 FROM participant p CROSS JOIN message m \
     WHERE p.conversation_id = $1 AND p.user_id = $2 AND p.left_seq IS NOT NULL \
     AND m.conversation_id = p.conversation_id AND m.seq = p.left_seq + 1 \
     AND m.sender_id = p.user_id";

/// The invitations to rejoin a group.
#[derive(Clone, Copy)]
pub struct GroupInvitationRepository<'a> {
    db: &'a Db,
}

impl<'a> GroupInvitationRepository<'a> {
    /// Creates a repository on these connections.
    pub(in crate::store) fn new(db: &'a Db) -> Self {
        Self { db }
    }
}

impl GroupInvitationRepository<'_> {
    /// Invites a user to a group that they left. Returns the invitation if it
    /// is to be delivered now.
    pub async fn create(
        self,
        conversation: ConversationId,
        them: UserId,
        inviter: UserId,
        now: Millis,
    ) -> Result<Option<Invitation>> {
        let tx = self.db.begin().await?;
        let known = group_invitation::Entity::find()
            .filter(Column::ConversationId.eq(conversation))
            .filter(Column::UserId.eq(them))
            .lock_exclusive()
            .one(&tx)
            .await?;
        let is_new = match known {
            Some(row) if row.declined_until.is_some_and(|until| until > now) => false,
            // The rights of the last inviter are checked on acceptance.
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
                insert_invitation(&tx, conversation, them, inviter, now).await?
            }
        };
        tx.commit().await?;
        if !is_new {
            return Ok(None);
        }
        let found = self.visible_invitations(them, Some(conversation), None, 1);
        Ok(found.await?.pop())
    }

    /// Returns a page of a user's pending invitations, newest first.
    pub async fn list(
        self,
        me: UserId,
        before: Option<InvitationId>,
        limit: u64,
    ) -> Result<Vec<Invitation>> {
        self.visible_invitations(me, None, before, limit).await
    }

    /// Returns a pending invitation of this user.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn load(self, me: UserId, id: InvitationId) -> Result<Invitation> {
        let before = Some(InvitationId(id.0.saturating_add(1)));
        let found = self.visible_invitations(me, None, before, 1).await?;
        let found = found.into_iter().find(|found| found.id == id);
        found.ok_or_else(StoreError::not_found)
    }

    /// Deletes an invitation that was accepted or isn't valid any more.
    pub async fn delete(self, id: InvitationId) -> Result<()> {
        group_invitation::Entity::delete_by_id(id)
            .exec(self.db.writer())
            .await?;
        Ok(())
    }

    /// Declines an invitation. Further ones to that group are not delivered for
    /// 30 days.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn decline(self, me: UserId, id: InvitationId, now: Millis) -> Result<()> {
        let until = now.after(DECLINE_PAUSE);
        let done = group_invitation::Entity::update_many()
            .col_expr(Column::DeclinedUntil, until.into())
            .filter(Column::Id.eq(id))
            .filter(Column::UserId.eq(me))
            .filter(Column::DeclinedUntil.is_null())
            .exec(self.db.writer())
            .await?;
        match done.rows_affected {
            0 => Err(StoreError::not_found()),
            _ => Ok(()),
        }
    }

    /// Returns pending invitations of `me`, without those from users that `me`
    /// blocks and those to groups that `me` is in again.
    async fn visible_invitations(
        self,
        me: UserId,
        conversation: Option<ConversationId>,
        before: Option<InvitationId>,
        limit: u64,
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
        let rows = query.all(self.db.reader()).await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let inviters = user::Entity::find()
            .filter(user::Column::Id.is_in(rows.iter().map(|(row, _)| row.inviter_id)))
            .all(self.db.reader())
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

/// Returns whether a user needs to consent to rejoin a group. Runs in a
/// transaction that has locked the conversation.
pub(super) async fn has_left_by_choice(
    tx: &impl ConnectionTrait,
    conversation: ConversationId,
    user: UserId,
) -> Result<bool> {
    let values = [conversation.into(), user.into()];
    let statement =
        Statement::from_sql_and_values(tx.get_database_backend(), LEFT_BY_CHOICE, values);
    Ok(tx.query_one_raw(statement).await?.is_some())
}

/// Inserts an invitation, unless the user has one to this group already.
/// Returns whether it was inserted.
async fn insert_invitation(
    tx: &impl ConnectionTrait,
    conversation: ConversationId,
    them: UserId,
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
