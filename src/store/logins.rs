//! Logins: what a token is tied to, so that it can end before it expires.

use std::time::Duration;

use entity::{LoginId, Millis, UserId, login, user};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter,
    QuerySelect,
};

use super::{Result, Store};

/// `last_used_at` is a help to people who look for a login they don't know;
/// it is written at most this often.
const TOUCH_EVERY: Duration = Duration::from_secs(60);

/// Where and for how long somebody logs in.
pub struct NewLogin {
    pub user_id: UserId,
    /// What the client calls itself.
    pub device: String,
    pub address: String,
    pub expires_at: Millis,
}

/// A login that holds, and whose it is.
#[derive(Clone, Debug)]
pub struct Login {
    pub id: LoginId,
    pub user: user::Model,
    pub expires_at: Millis,
    last_used_at: Millis,
}

impl Login {
    /// Whether it is time to note again that it is used.
    #[must_use]
    pub fn is_due(&self, now: Millis) -> bool {
        now.since(self.last_used_at) >= TOUCH_EVERY
    }
}

impl Store {
    /// Notes a login.
    pub async fn create_login(&self, new: NewLogin, now: Millis) -> Result<LoginId> {
        let row = login::ActiveModel {
            user_id: Set(new.user_id),
            device: Set(new.device),
            address: Set(new.address),
            created_at: Set(now),
            last_used_at: Set(now),
            expires_at: Set(new.expires_at),
            ended_at: Set(None),
            ..Default::default()
        };
        Ok(row.insert(&self.writer).await?.id)
    }

    /// The login with that id, where it has neither ended nor expired and its
    /// account is active.
    pub async fn login(&self, id: LoginId, now: Millis) -> Result<Option<Login>> {
        let found = login::Entity::find_by_id(id)
            .find_also_related(user::Entity)
            .filter(login::Column::EndedAt.is_null())
            .filter(login::Column::ExpiresAt.gt(now))
            .filter(user::Column::DeactivatedAt.is_null())
            .one(&self.reader)
            .await?;
        Ok(found.and_then(|(row, user)| {
            Some(Login {
                id: row.id,
                user: user?,
                expires_at: row.expires_at,
                last_used_at: row.last_used_at,
            })
        }))
    }

    /// Notes that a login was used.
    pub async fn touch_login(&self, login: &Login, now: Millis) -> Result<()> {
        login::Entity::update_many()
            .col_expr(login::Column::LastUsedAt, now.into())
            .filter(login::Column::Id.eq(login.id))
            .exec(&self.writer)
            .await?;
        Ok(())
    }

    /// Ends one login.
    pub async fn end_login(&self, id: LoginId, now: Millis) -> Result<()> {
        login::Entity::update_many()
            .col_expr(login::Column::EndedAt, now.into())
            .filter(login::Column::Id.eq(id))
            .filter(login::Column::EndedAt.is_null())
            .exec(&self.writer)
            .await?;
        Ok(())
    }

    /// The logins that ended at `moment` or later, and whose they were.
    pub async fn logins_ended_since(&self, moment: Millis) -> Result<Vec<(LoginId, UserId)>> {
        Ok(login::Entity::find()
            .select_only()
            .columns([login::Column::Id, login::Column::UserId])
            .filter(login::Column::EndedAt.gte(moment))
            .into_tuple()
            .all(&self.reader)
            .await?)
    }
}

/// Ends every login of a person, as part of a larger change.
pub(super) async fn end_all(tx: &impl ConnectionTrait, user_id: UserId, now: Millis) -> Result<()> {
    login::Entity::update_many()
        .col_expr(login::Column::EndedAt, now.into())
        .filter(login::Column::UserId.eq(user_id))
        .filter(login::Column::EndedAt.is_null())
        .exec(tx)
        .await?;
    Ok(())
}
