//! People and their accounts.

use entity::{Millis, UserId, user};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter,
    SqlErr, Statement,
};

use super::{Result, Store, StoreError, logins};
use crate::protocol::{Code, DisplayName, User, Username};

/// What an account starts with.
pub struct NewUser {
    pub username: Username,
    pub display_name: DisplayName,
    /// A PHC string.
    pub password_hash: String,
    pub is_admin: bool,
}

impl Store {
    /// Opens an account.
    ///
    /// # Errors
    /// `username_taken`, compared without case.
    pub async fn create_user(&self, new: NewUser, now: Millis) -> Result<user::Model> {
        insert(&self.writer, new, now).await
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

/// Opens an account as part of a larger change.
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
    row.insert(tx).await.map_err(|error| match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => {
            StoreError::refused(Code::UsernameTaken, "This username is taken.")
        }
        _ => error.into(),
    })
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
