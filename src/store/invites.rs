//! Invitations: codes that open accounts.

use entity::{Millis, UserId, invite};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait,
    ExprTrait, QueryFilter, sea_query::Expr,
};

use super::{Act, Deed, Entry, Result, Store, StoreError, Target, admin};
use crate::protocol::Problem;

/// What an invitation starts with.
pub struct NewInvite {
    pub code: String,
    pub uses: i32,
    pub expires_at: Option<Millis>,
    pub created_by: UserId,
}

impl Store {
    /// Makes an invitation.
    pub async fn create_invite(&self, new: NewInvite, act: &Act) -> Result<invite::Model> {
        let tx = self.begin().await?;
        let row = invite::ActiveModel {
            code: Set(new.code),
            uses_left: Set(new.uses),
            expires_at: Set(new.expires_at),
            created_by: Set(new.created_by),
            created_at: Set(act.at),
            ..Default::default()
        };
        let made = row.insert(&tx).await?;
        let entry = Entry::new(Deed::CreateInvite, Target::Invite(made.id.0));
        admin::note(&tx, act, entry).await?;
        tx.commit().await?;
        Ok(made)
    }
}

/// Uses an invitation once, as part of a larger change. Of two who want its
/// last use at once, one waits here for the other, and is refused.
pub(super) async fn take(tx: &impl ConnectionTrait, code: &str, now: Millis) -> Result<()> {
    let refused = || {
        StoreError::Refused(Problem::field(
            "invite",
            "an invitation's code that still holds",
        ))
    };
    // PostgreSQL takes no text with a NUL, not even to compare it.
    if code.contains('\0') {
        return Err(refused());
    }
    let left = Expr::col(invite::Column::UsesLeft).sub(1);
    let holds = Condition::any()
        .add(invite::Column::ExpiresAt.is_null())
        .add(invite::Column::ExpiresAt.gt(now));
    let done = invite::Entity::update_many()
        .col_expr(invite::Column::UsesLeft, left)
        .filter(invite::Column::Code.eq(code))
        .filter(invite::Column::UsesLeft.gt(0))
        .filter(holds)
        .exec(tx)
        .await?;
    match done.rows_affected {
        0 => Err(refused()),
        _ => Ok(()),
    }
}
