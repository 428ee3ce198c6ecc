//! Notices for the owner of an account about security-relevant events. The
//! account's row keeps the last one of each cause, so that none displaces
//! another.

use entity::{Millis, UserId, user};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ConnectionTrait, EntityTrait, IntoActiveModel, QuerySelect,
    sea_query::LockType,
};

use super::UserRepository;
use crate::protocol::user::{AccountNotice, NoticeCause};
use crate::store::db::{Result, StoreError};

/// The JSON of no notices.
pub(in crate::store) const NO_NOTICES: &str = "[]";

impl UserRepository<'_> {
    /// Adds a notice to an account.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn add_notice(self, id: UserId, notice: AccountNotice) -> Result<user::Model> {
        let tx = self.db.begin().await?;
        let changed = append_notice(&tx, id, notice).await?;
        self.logins.commit_change(tx).await?;
        Ok(changed)
    }

    /// Deletes the notices that a user has read, up to a time.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn delete_notices(self, id: UserId, until: Millis) -> Result<()> {
        let tx = self.db.begin().await?;
        let row = lock_user(&tx, id).await?;
        let mut notices = parse_notices(&row);
        notices.retain(|notice| notice.at > until);
        write_notices(&tx, row, &notices).await?;
        self.logins.commit_change(tx).await
    }
}

/// Returns the notices of a user, newest first.
#[must_use]
pub fn parse_notices(user: &user::Model) -> Vec<AccountNotice> {
    serde_json::from_str(&user.notices).unwrap_or_default()
}

/// Adds a notice as part of a larger change.
pub(in crate::store) async fn append_notice(
    tx: &impl ConnectionTrait,
    id: UserId,
    notice: AccountNotice,
) -> Result<user::Model> {
    let row = lock_user(tx, id).await?;
    let notices = merge_notice(parse_notices(&row), notice);
    write_notices(tx, row, &notices).await
}

fn merge_notice(mut notices: Vec<AccountNotice>, new: AccountNotice) -> Vec<AccountNotice> {
    notices.retain(|notice| notice.cause != new.cause);
    notices.insert(0, new);
    notices
}

/// Creates a notice.
pub(in crate::store) fn new_notice(cause: NoticeCause, at: Millis, address: &str) -> AccountNotice {
    AccountNotice {
        at,
        cause,
        address: address.to_owned(),
    }
}

async fn lock_user(tx: &impl ConnectionTrait, id: UserId) -> Result<user::Model> {
    user::Entity::find_by_id(id)
        .lock(LockType::NoKeyUpdate)
        .one(tx)
        .await?
        .ok_or_else(StoreError::not_found)
}

async fn write_notices(
    tx: &impl ConnectionTrait,
    row: user::Model,
    notices: &[AccountNotice],
) -> Result<user::Model> {
    let text = serde_json::to_string(notices).unwrap_or_else(|_| NO_NOTICES.to_owned());
    let mut active = row.into_active_model();
    active.notices = Set(text);
    Ok(active.update(tx).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_notice_of_each_cause_stays() {
        let new = |cause, at| new_notice(cause, Millis(at), "");
        let mut notices = vec![new(NoticeCause::PasswordLinkUsed, 1)];
        for at in 2..9 {
            notices = merge_notice(notices, new(NoticeCause::DataExported, at));
        }
        let expected = [
            new(NoticeCause::DataExported, 8),
            new(NoticeCause::PasswordLinkUsed, 1),
        ];
        assert_eq!(notices, expected);
    }
}
