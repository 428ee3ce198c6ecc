//! Invitation codes for registration.

use entity::{Millis, UserId, invite};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait,
    ExprTrait, QueryFilter, sea_query::Expr,
};

use crate::protocol::Problem;
use crate::store::audit::{AuditAction, AuditContext, AuditEntry, AuditTarget, insert_audit};
use crate::store::db::{Db, Result, StoreError};

/// The initial values of an invitation.
pub struct NewInvite {
    /// Hash of the code.
    pub code_hash: String,
    pub uses: i32,
    pub expires_at: Option<Millis>,
    pub created_by: UserId,
}

/// The invitations to register.
#[derive(Clone, Copy)]
pub struct InviteRepository<'a> {
    db: &'a Db,
}

impl<'a> InviteRepository<'a> {
    /// Creates a repository on these connections.
    pub(in crate::store) fn new(db: &'a Db) -> Self {
        Self { db }
    }
}

impl InviteRepository<'_> {
    /// Creates an invitation.
    pub async fn create(self, new: NewInvite, context: &AuditContext) -> Result<invite::Model> {
        let tx = self.db.begin().await?;
        let row = invite::ActiveModel {
            code_hash: Set(new.code_hash),
            uses_left: Set(new.uses),
            expires_at: Set(new.expires_at),
            created_by: Set(new.created_by),
            created_at: Set(context.at),
            ..Default::default()
        };
        let made = row.insert(&tx).await?;
        let entry = AuditEntry::new(AuditAction::CreateInvite, AuditTarget::Invite(made.id.0));
        insert_audit(&tx, context, entry).await?;
        tx.commit().await?;
        Ok(made)
    }
}

/// Checks whether an invitation can be used now.
///
/// # Errors
/// `invalid` for the field `invite` if it can't.
pub(super) async fn check_invite(
    db: &impl ConnectionTrait,
    code_hash: &str,
    now: Millis,
) -> Result<()> {
    let found = invite::Entity::find()
        .filter(usable_condition(code_hash, now))
        .one(db)
        .await?;
    found.map_or_else(|| Err(invalid_invite()), |_| Ok(()))
}

/// Uses an invitation once, as part of a larger change. Of two concurrent
/// transactions that want the last use, the second waits here for the first and
/// then fails.
pub(super) async fn consume_invite(
    tx: &impl ConnectionTrait,
    code_hash: &str,
    now: Millis,
) -> Result<()> {
    let left = Expr::col(invite::Column::UsesLeft).sub(1);
    let done = invite::Entity::update_many()
        .col_expr(invite::Column::UsesLeft, left)
        .filter(usable_condition(code_hash, now))
        .exec(tx)
        .await?;
    match done.rows_affected {
        0 => Err(invalid_invite()),
        _ => Ok(()),
    }
}

fn usable_condition(code_hash: &str, now: Millis) -> Condition {
    let holds = Condition::any()
        .add(invite::Column::ExpiresAt.is_null())
        .add(invite::Column::ExpiresAt.gt(now));
    Condition::all()
        .add(invite::Column::CodeHash.eq(code_hash))
        .add(invite::Column::UsesLeft.gt(0))
        .add(holds)
}

fn invalid_invite() -> StoreError {
    StoreError::Refused(Problem::invalid_field("invite", "a valid invitation code"))
}
