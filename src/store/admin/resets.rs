//! Links by which users set a new password. Each link works once.

use entity::{LoginId, Millis, UserId, password_reset, user};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, EntityTrait, IntoActiveModel,
    QueryFilter,
};

use super::accounts::{AccountRepository, lock_user};
use crate::protocol::ErrorCode;
use crate::protocol::user::NoticeCause;
use crate::store::audit::{AuditAction, AuditContext, AuditEntry, insert_audit};
use crate::store::db::{Result, StoreError};
use crate::store::logins;
use crate::store::users::notices;

/// A new link and its expiry.
pub struct NewPasswordReset {
    /// Hash of the link's token.
    pub token_hash: String,
    pub expires_at: Millis,
}

impl AccountRepository<'_> {
    /// Stores a link for a user and deletes the user's earlier links.
    ///
    /// # Errors
    /// `not_found`; `conflict` for a deactivated account, because the link
    /// would be useless.
    pub async fn create_password_reset(
        self,
        id: UserId,
        new: NewPasswordReset,
        context: &AuditContext,
    ) -> Result<()> {
        let tx = self.db.begin().await?;
        if lock_user(&tx, id).await?.deactivated_at.is_some() {
            return Err(StoreError::refused(
                ErrorCode::Conflict,
                "This account is deactivated: reactivate it first.",
            ));
        }
        let old = Condition::any()
            .add(password_reset::Column::UserId.eq(id))
            .add(password_reset::Column::ExpiresAt.lt(context.at));
        password_reset::Entity::delete_many()
            .filter(old)
            .exec(&tx)
            .await?;
        let row = password_reset::ActiveModel {
            token_hash: Set(new.token_hash),
            user_id: Set(id),
            created_at: Set(context.at),
            expires_at: Set(new.expires_at),
        };
        password_reset::Entity::insert(row)
            .exec_without_returning(&tx)
            .await?;
        insert_audit(
            &tx,
            context,
            AuditEntry::new(AuditAction::CreateResetLink, id),
        )
        .await?;
        Ok(tx.commit().await?)
    }

    /// Returns the user of a password link, or none if the link isn't valid.
    pub async fn find_password_reset(
        self,
        token_hash: &str,
        now: Millis,
    ) -> Result<Option<user::Model>> {
        let found = password_reset::Entity::find_by_id(token_hash.to_owned())
            .find_also_related(user::Entity)
            .filter(password_reset::Column::ExpiresAt.gt(now))
            .filter(user::Column::DeactivatedAt.is_null())
            .one(self.db.reader())
            .await?;
        Ok(found.and_then(|(_, user)| user))
    }

    /// Uses a password link: sets the password, ends every login and returns
    /// them.
    ///
    /// # Errors
    /// `not_found` if the link isn't valid any more, also if another request
    /// uses it at the same time.
    pub async fn consume_password_reset(
        self,
        token_hash: &str,
        hash: String,
        now: Millis,
        address: String,
    ) -> Result<(UserId, Vec<LoginId>)> {
        let user = self.find_password_reset(token_hash, now).await?;
        let id = user.ok_or_else(StoreError::not_found)?.id;
        let tx = self.db.begin().await?;
        let used = password_reset::Entity::delete_many()
            .filter(password_reset::Column::TokenHash.eq(token_hash))
            .filter(password_reset::Column::ExpiresAt.gt(now))
            .exec(&tx)
            .await?;
        if used.rows_affected == 0 {
            return Err(StoreError::not_found());
        }
        let mut active = lock_user(&tx, id).await?.into_active_model();
        active.password_hash = Set(hash);
        active.update(&tx).await?;
        let ended = logins::end_all_logins(&tx, id, now).await?;
        // Anyone with the link acts as this user, so only the recorded address
        // may identify the person.
        let notice = notices::new_notice(NoticeCause::PasswordLinkUsed, now, &address);
        notices::append_notice(&tx, id, notice).await?;
        let context = AuditContext {
            actor_id: Some(id),
            at: now,
            address,
            reason: None,
        };
        insert_audit(
            &tx,
            &context,
            AuditEntry::new(AuditAction::UseResetLink, id),
        )
        .await?;
        self.logins.commit_change(tx).await?;
        Ok((id, ended))
    }
}
