//! Links by which people choose a new password, once.

use entity::{LoginId, Millis, UserId, password_reset, user};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, EntityTrait, IntoActiveModel,
    QueryFilter,
};

use super::accounts::held;
use super::audit::{Act, Deed, Entry, note};
use super::{Result, Store, StoreError};
use crate::protocol::Code;
use crate::protocol::user::NoticeCause;
use crate::store::{logins, notices};

/// A link that holds until then.
pub struct NewReset {
    /// Of what stands in it.
    pub token_hash: String,
    pub expires_at: Millis,
}

impl Store {
    /// Notes a link for somebody, in place of those they had.
    ///
    /// # Errors
    /// `not_found`; `conflict` where the account is switched off, since nobody
    /// could use the link.
    pub async fn offer_reset(&self, id: UserId, new: NewReset, act: &Act) -> Result<()> {
        let tx = self.begin().await?;
        if held(&tx, id).await?.deactivated_at.is_some() {
            return Err(StoreError::refused(
                Code::Conflict,
                "This account is switched off: switch it on first.",
            ));
        }
        let old = Condition::any()
            .add(password_reset::Column::UserId.eq(id))
            .add(password_reset::Column::ExpiresAt.lt(act.at));
        password_reset::Entity::delete_many()
            .filter(old)
            .exec(&tx)
            .await?;
        let row = password_reset::ActiveModel {
            token_hash: Set(new.token_hash),
            user_id: Set(id),
            created_at: Set(act.at),
            expires_at: Set(new.expires_at),
        };
        password_reset::Entity::insert(row)
            .exec_without_returning(&tx)
            .await?;
        note(&tx, act, Entry::new(Deed::OfferReset, id)).await?;
        Ok(tx.commit().await?)
    }

    /// Whom a link is for, where it still holds.
    pub async fn reset_of(&self, token_hash: &str, now: Millis) -> Result<Option<user::Model>> {
        let found = password_reset::Entity::find_by_id(token_hash.to_owned())
            .find_also_related(user::Entity)
            .filter(password_reset::Column::ExpiresAt.gt(now))
            .filter(user::Column::DeactivatedAt.is_null())
            .one(&self.reader)
            .await?;
        Ok(found.and_then(|(_, user)| user))
    }

    /// Uses a link up: the password is set, and every login ends, which are
    /// answered.
    ///
    /// # Errors
    /// `not_found` where it doesn't hold any more; of two who use it at once,
    /// one is refused like that.
    pub async fn use_reset(
        &self,
        token_hash: &str,
        hash: String,
        (now, address): (Millis, String),
    ) -> Result<(UserId, Vec<LoginId>)> {
        let user = self.reset_of(token_hash, now).await?;
        let id = user.ok_or_else(StoreError::not_found)?.id;
        let tx = self.begin().await?;
        let used = password_reset::Entity::delete_many()
            .filter(password_reset::Column::TokenHash.eq(token_hash))
            .filter(password_reset::Column::ExpiresAt.gt(now))
            .exec(&tx)
            .await?;
        if used.rows_affected == 0 {
            return Err(StoreError::not_found());
        }
        let mut active = held(&tx, id).await?.into_active_model();
        active.password_hash = Set(hash);
        active.update(&tx).await?;
        let ended = logins::end_all(&tx, id, now).await?;
        // Whoever has the link acts as the account; the address may say who.
        let notice = notices::notice(NoticeCause::PasswordLinkUsed, now, &address);
        notices::add(&tx, id, notice).await?;
        let act = Act {
            by: Some(id),
            at: now,
            address,
            reason: None,
        };
        note(&tx, &act, Entry::new(Deed::UseReset, id)).await?;
        self.commit_of_people(tx).await?;
        Ok((id, ended))
    }
}
