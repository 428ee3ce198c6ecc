//! People and their accounts.

use entity::{LoginId, Millis, UserId, user};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel,
    QueryFilter, QuerySelect, SqlErr, Statement, sea_query::LockType,
};

use super::{Login, Result, Store, StoreError, invites, logins, user_words};
use crate::protocol::{About, Code, DisplayName, User, Username};

/// What an account starts with.
pub struct NewUser {
    pub username: Username,
    pub display_name: DisplayName,
    /// A PHC string.
    pub password_hash: String,
    pub is_admin: bool,
}

/// What of an account its owner wants otherwise; none leaves it.
#[derive(Default)]
pub struct ProfileChange {
    pub display_name: Option<DisplayName>,
    pub about: Option<About>,
}

impl Store {
    /// Opens an account.
    ///
    /// # Errors
    /// `username_taken`, compared without case.
    pub async fn create_user(&self, new: NewUser, now: Millis) -> Result<user::Model> {
        let tx = self.begin().await?;
        let user = insert(&tx, new, now).await?;
        tx.commit().await?;
        Ok(user)
    }

    /// Opens an account by an invitation, which has one use less for it; both
    /// happen or neither.
    ///
    /// # Errors
    /// `invalid`, naming `invite`, where it can't be used; `username_taken`.
    pub async fn create_invited_user(
        &self,
        new: NewUser,
        code: &str,
        now: Millis,
    ) -> Result<user::Model> {
        let tx = self.begin().await?;
        invites::take(&tx, code, now).await?;
        let user = insert(&tx, new, now).await?;
        tx.commit().await?;
        Ok(user)
    }

    /// Changes what a person says of themself.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn change_profile(&self, id: UserId, change: ProfileChange) -> Result<user::Model> {
        let tx = self.begin().await?;
        // Held, so that of two changes at once the later one's words stay.
        let row = user::Entity::find_by_id(id)
            .lock(LockType::NoKeyUpdate)
            .one(&tx)
            .await?
            .ok_or_else(StoreError::not_found)?;
        let mut active = row.clone().into_active_model();
        if let Some(name) = change.display_name {
            active.display_name = Set(name.into_inner());
        }
        if let Some(about) = change.about {
            active.about = Set(about.into_inner());
        }
        let changed = active.update(&tx).await?;
        if changed.display_name != row.display_name {
            user_words::replace(&tx, &changed).await?;
        }
        tx.commit().await?;
        Ok(changed)
    }

    /// The account of that name, compared without case.
    pub async fn user_named(&self, username: &Username) -> Result<Option<user::Model>> {
        Ok(user::Entity::find()
            .filter(user::Column::UsernameKey.eq(username.key()))
            .one(&self.reader)
            .await?)
    }

    /// The accounts of these names, compared without case; those that don't
    /// exist are left out.
    pub async fn users_named(&self, usernames: &[Username]) -> Result<Vec<user::Model>> {
        Ok(user::Entity::find()
            .filter(user::Column::UsernameKey.is_in(usernames.iter().map(Username::key)))
            .all(&self.reader)
            .await?)
    }

    /// The account with that id.
    pub async fn user(&self, id: UserId) -> Result<Option<user::Model>> {
        Ok(user::Entity::find_by_id(id).one(&self.reader).await?)
    }

    /// Makes a person an admin, or no longer one.
    pub async fn set_admin(&self, id: UserId, is_admin: bool) -> Result<()> {
        user::Entity::update_many()
            .col_expr(user::Column::IsAdmin, is_admin.into())
            .filter(user::Column::Id.eq(id))
            .exec(&self.writer)
            .await?;
        Ok(())
    }

    /// Sets a password and ends every login made with the old one.
    pub async fn reset_password(&self, id: UserId, hash: String, now: Millis) -> Result<()> {
        let tx = self.begin().await?;
        user::Entity::update_many()
            .col_expr(user::Column::PasswordHash, hash.into())
            .filter(user::Column::Id.eq(id))
            .exec(&tx)
            .await?;
        logins::end_all(&tx, id, now).await?;
        Ok(tx.commit().await?)
    }

    /// Sets a new password in place of the one that `old` is the hash of, and
    /// ends every other login: these are answered.
    ///
    /// # Errors
    /// `conflict` where the password was changed meanwhile.
    pub async fn change_password(
        &self,
        login: &Login,
        hash: String,
        now: Millis,
    ) -> Result<Vec<LoginId>> {
        let tx = self.begin().await?;
        let done = user::Entity::update_many()
            .col_expr(user::Column::PasswordHash, hash.into())
            .filter(user::Column::Id.eq(login.user.id))
            .filter(user::Column::PasswordHash.eq(&login.user.password_hash))
            .exec(&tx)
            .await?;
        if done.rows_affected == 0 {
            return Err(StoreError::refused(
                Code::Conflict,
                "The password was changed meanwhile.",
            ));
        }
        let ended = logins::end_others(&tx, login, now).await?;
        tx.commit().await?;
        Ok(ended)
    }

    /// Switches an account off: its logins end, and what it has under way in
    /// any conversation is judged again.
    pub async fn deactivate(&self, id: UserId, now: Millis) -> Result<()> {
        let tx = self.begin().await?;
        user::Entity::update_many()
            .col_expr(user::Column::DeactivatedAt, now.into())
            .filter(user::Column::Id.eq(id))
            .filter(user::Column::DeactivatedAt.is_null())
            .exec(&tx)
            .await?;
        logins::end_all(&tx, id, now).await?;
        tx.execute_raw(Statement::from_sql_and_values(
            self.backend(),
            "UPDATE conversation SET members_version = members_version + 1 WHERE id IN \
             (SELECT conversation_id FROM participant WHERE user_id = $1 AND left_seq IS NULL)",
            [id.into()],
        ))
        .await?;
        Ok(tx.commit().await?)
    }
}

pub(super) async fn insert(
    tx: &impl ConnectionTrait,
    new: NewUser,
    now: Millis,
) -> Result<user::Model> {
    let row = user::ActiveModel {
        username_key: Set(new.username.key()),
        username: Set(new.username.as_str().to_owned()),
        display_name: Set(new.display_name.into_inner()),
        about: Set(String::new()),
        password_hash: Set(new.password_hash),
        is_admin: Set(new.is_admin),
        deactivated_at: Set(None),
        created_at: Set(now),
        ..Default::default()
    };
    let user = row
        .insert(tx)
        .await
        .map_err(|error| match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => {
                StoreError::refused(Code::UsernameTaken, "This username is taken.")
            }
            _ => error.into(),
        })?;
    user_words::replace(tx, &user).await?;
    Ok(user)
}

impl From<&user::Model> for User {
    fn from(row: &user::Model) -> Self {
        Self {
            id: row.id,
            username: row.username.clone(),
            display_name: row.display_name.clone(),
        }
    }
}
