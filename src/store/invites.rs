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
    /// Of the code that opens an account.
    pub code_hash: String,
    pub uses: i32,
    pub expires_at: Option<Millis>,
    pub created_by: UserId,
}

impl Store {
    /// Makes an invitation.
    pub async fn create_invite(&self, new: NewInvite, act: &Act) -> Result<invite::Model> {
        let tx = self.begin().await?;
        let row = invite::ActiveModel {
            code_hash: Set(new.code_hash),
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

/// Whether an invitation can be used now.
///
/// # Errors
/// `invalid`, naming `invite`, if it can't.
pub(super) async fn look_up(db: &impl ConnectionTrait, code_hash: &str, now: Millis) -> Result<()> {
    let found = invite::Entity::find()
        .filter(usable(code_hash, now))
        .one(db)
        .await?;
    found.map_or_else(|| Err(refused()), |_| Ok(()))
}

/// Uses an invitation once, as part of a larger change. Of two who want its
/// last use at once, one waits here for the other, and is refused.
pub(super) async fn take(tx: &impl ConnectionTrait, code_hash: &str, now: Millis) -> Result<()> {
    let left = Expr::col(invite::Column::UsesLeft).sub(1);
    let done = invite::Entity::update_many()
        .col_expr(invite::Column::UsesLeft, left)
        .filter(usable(code_hash, now))
        .exec(tx)
        .await?;
    match done.rows_affected {
        0 => Err(refused()),
        _ => Ok(()),
    }
}

fn usable(code_hash: &str, now: Millis) -> Condition {
    let holds = Condition::any()
        .add(invite::Column::ExpiresAt.is_null())
        .add(invite::Column::ExpiresAt.gt(now));
    Condition::all()
        .add(invite::Column::CodeHash.eq(code_hash))
        .add(invite::Column::UsesLeft.gt(0))
        .add(holds)
}

fn refused() -> StoreError {
    StoreError::Refused(Problem::field(
        "invite",
        "an invitation's code that still holds",
    ))
}
