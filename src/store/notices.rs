//! Notices: what happened to an account that its owner should know of. The
//! last one of each cause is kept with the account, so that none pushes
//! another out.

use entity::{Millis, UserId, user};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ConnectionTrait, EntityTrait, IntoActiveModel, QuerySelect,
    sea_query::LockType,
};

use super::{Result, Store, StoreError};
use crate::protocol::user::{Notice, NoticeCause};

/// Nothing to know of.
pub(super) const NONE: &str = "[]";

impl Store {
    /// Leaves a notice for somebody.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn leave_notice(&self, id: UserId, notice: Notice) -> Result<user::Model> {
        let tx = self.begin().await?;
        let changed = add(&tx, id, notice).await?;
        self.commit_of_people(tx).await?;
        Ok(changed)
    }

    /// Forgets the notices of somebody who has read those up to a moment.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn forget_notices(&self, id: UserId, until: Millis) -> Result<()> {
        let tx = self.begin().await?;
        let row = held(&tx, id).await?;
        let mut notices = notices_of(&row);
        notices.retain(|notice| notice.at > until);
        write(&tx, row, &notices).await?;
        self.commit_of_people(tx).await
    }
}

/// What somebody should know of, newest first.
#[must_use]
pub fn notices_of(user: &user::Model) -> Vec<Notice> {
    serde_json::from_str(&user.notices).unwrap_or_default()
}

/// Leaves a notice as part of a larger change.
pub(super) async fn add(
    tx: &impl ConnectionTrait,
    id: UserId,
    notice: Notice,
) -> Result<user::Model> {
    let row = held(tx, id).await?;
    let notices = with(notices_of(&row), notice);
    write(tx, row, &notices).await
}

fn with(mut notices: Vec<Notice>, new: Notice) -> Vec<Notice> {
    notices.retain(|notice| notice.cause != new.cause);
    notices.insert(0, new);
    notices
}

/// A notice of this moment.
pub(super) fn notice(cause: NoticeCause, at: Millis, address: &str) -> Notice {
    Notice {
        at,
        cause,
        address: address.to_owned(),
    }
}

async fn held(tx: &impl ConnectionTrait, id: UserId) -> Result<user::Model> {
    user::Entity::find_by_id(id)
        .lock(LockType::NoKeyUpdate)
        .one(tx)
        .await?
        .ok_or_else(StoreError::not_found)
}

async fn write(
    tx: &impl ConnectionTrait,
    row: user::Model,
    notices: &[Notice],
) -> Result<user::Model> {
    let text = serde_json::to_string(notices).unwrap_or_else(|_| NONE.to_owned());
    let mut active = row.into_active_model();
    active.notices = Set(text);
    Ok(active.update(tx).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_notice_of_each_cause_stays() {
        let new = |cause, at| notice(cause, Millis(at), "");
        let mut notices = vec![new(NoticeCause::PasswordLinkUsed, 1)];
        for at in 2..9 {
            notices = with(notices, new(NoticeCause::DataExported, at));
        }
        let expected = [
            new(NoticeCause::DataExported, 8),
            new(NoticeCause::PasswordLinkUsed, 1),
        ];
        assert_eq!(notices, expected);
    }
}
