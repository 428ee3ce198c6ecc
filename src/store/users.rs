//! User accounts.

pub(in crate::store) mod notices;
mod profile;
pub(in crate::store) mod search;

use entity::{LoginId, Millis, UserId, user};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, DbErr,
    EntityTrait, IntoActiveModel, QueryFilter, QuerySelect, SqlErr, sea_query::LockType,
};

use crate::protocol::user::NoticeCause;
use crate::protocol::{AboutText, DisplayName, ErrorCode, User, Username};
use crate::store::db::{Db, Result, StoreError};
use crate::store::logins::{ActiveLogin, LoginCache};
use crate::store::{invites, logins, name_changes};

pub use notices::parse_notices;
pub use search::{FoundUser, UserSearchCursor, UserSearchResult};

/// The initial values of an account.
pub struct NewUser {
    pub username: Username,
    pub display_name: DisplayName,
    /// A PHC string.
    pub password_hash: String,
    pub is_admin: bool,
}

/// A change of a profile; unset fields stay.
#[derive(Default)]
pub struct ProfileChange {
    pub display_name: Option<DisplayName>,
    pub about: Option<AboutText>,
}

/// The accounts of users, with their profiles, notices and search terms.
#[derive(Clone, Copy)]
pub struct UserRepository<'a> {
    db: &'a Db,
    logins: &'a LoginCache,
}

impl<'a> UserRepository<'a> {
    /// Creates a repository on these connections. Changes of accounts
    /// invalidate the cached logins.
    pub(in crate::store) fn new(db: &'a Db, logins: &'a LoginCache) -> Self {
        Self { db, logins }
    }
}

impl UserRepository<'_> {
    /// Creates an account.
    ///
    /// # Errors
    /// `username_taken`, compared case-insensitively.
    pub async fn create(self, new: NewUser, now: Millis) -> Result<user::Model> {
        let tx = self.db.begin().await?;
        let user = insert_user(&tx, new, now).await?;
        tx.commit().await?;
        Ok(user)
    }

    /// Creates an account with an invitation, in one transaction that also uses
    /// the invitation once.
    ///
    /// # Errors
    /// `invalid` for the field `invite` if it can't be used; `username_taken`.
    pub async fn create_invited(
        self,
        new: NewUser,
        code_hash: &str,
        now: Millis,
    ) -> Result<user::Model> {
        let tx = self.db.begin().await?;
        invites::consume_invite(&tx, code_hash, now).await?;
        let user = insert_user(&tx, new, now).await?;
        tx.commit().await?;
        Ok(user)
    }

    /// Checks whether an account could be created, without creating it.
    ///
    /// # Errors
    /// Those of [`Self::create_invited`] and [`Self::create`].
    pub async fn check_creation(
        self,
        username: &Username,
        code_hash: Option<&str>,
        now: Millis,
    ) -> Result<()> {
        if let Some(code_hash) = code_hash {
            invites::check_invite(self.db.reader(), code_hash, now).await?;
        }
        let same = user::Entity::find()
            .select_only()
            .column(user::Column::Id)
            .filter(
                Condition::any()
                    .add(user::Column::UsernameKey.eq(username.key()))
                    .add(user::Column::UsernameLook.eq(username.look())),
            );
        let same: Option<UserId> = same.into_tuple().one(self.db.reader()).await?;
        same.map_or(Ok(()), |_| Err(username_taken()))
    }

    /// Changes a user's profile.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn change_profile(self, id: UserId, change: ProfileChange) -> Result<user::Model> {
        let tx = self.db.begin().await?;
        // Locked, so that the later of two concurrent changes determines the
        // search terms.
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
        let mut changed = active.update(&tx).await?;
        if changed == row {
            return Ok(row);
        }
        if changed.display_name != row.display_name {
            search::replace_user_words(&tx, &changed).await?;
            changed = name_changes::record_name_change(&tx, changed).await?;
        }
        self.logins.commit_change(tx).await?;
        Ok(changed)
    }

    /// Returns the account with that username, compared case-insensitively.
    pub async fn find_by_name(self, username: &Username) -> Result<Option<user::Model>> {
        Ok(user::Entity::find()
            .filter(user::Column::UsernameKey.eq(username.key()))
            .one(self.db.reader())
            .await?)
    }

    /// Returns the accounts with these usernames, compared case-insensitively;
    /// unknown ones are left out.
    pub async fn list_by_name(self, usernames: &[Username]) -> Result<Vec<user::Model>> {
        Ok(user::Entity::find()
            .filter(user::Column::UsernameKey.is_in(usernames.iter().map(Username::key)))
            .all(self.db.reader())
            .await?)
    }

    /// Returns the accounts with these ids, in no order.
    pub async fn list_by_id(self, ids: &[UserId]) -> Result<Vec<user::Model>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        Ok(user::Entity::find()
            .filter(user::Column::Id.is_in(ids.iter().copied()))
            .all(self.db.reader())
            .await?)
    }

    /// Returns the account with that id.
    pub async fn find(self, id: UserId) -> Result<Option<user::Model>> {
        Ok(user::Entity::find_by_id(id).one(self.db.reader()).await?)
    }

    /// Replaces a password's hash by a new hash of the same password.
    ///
    /// # Errors
    /// `bad_credentials` if the password was changed since.
    pub async fn replace_password_hash(self, user: &user::Model, hash: String) -> Result<()> {
        let tx = self.db.begin().await?;
        let done = user::Entity::update_many()
            .col_expr(user::Column::PasswordHash, hash.into())
            .filter(user::Column::Id.eq(user.id))
            .filter(user::Column::PasswordHash.eq(&user.password_hash))
            .exec(&tx)
            .await?;
        if done.rows_affected == 0 {
            return Err(StoreError::refused(
                ErrorCode::BadCredentials,
                "The password changed.",
            ));
        }
        self.logins.commit_change(tx).await
    }

    /// Changes the password that the login's user was loaded with. Ends every
    /// other login and returns them.
    ///
    /// # Errors
    /// `conflict` if the password was changed since.
    pub async fn change_password(
        self,
        login: &ActiveLogin,
        hash: String,
        now: Millis,
        address: &str,
    ) -> Result<Vec<LoginId>> {
        let tx = self.db.begin().await?;
        let done = user::Entity::update_many()
            .col_expr(user::Column::PasswordHash, hash.into())
            .filter(user::Column::Id.eq(login.user.id))
            .filter(user::Column::PasswordHash.eq(&login.user.password_hash))
            .exec(&tx)
            .await?;
        if done.rows_affected == 0 {
            return Err(StoreError::refused(
                ErrorCode::Conflict,
                "The password was changed in the meantime.",
            ));
        }
        let notice = notices::new_notice(NoticeCause::PasswordChanged, now, address);
        notices::append_notice(&tx, login.user.id, notice).await?;
        let ended = logins::end_other_logins(&tx, login, now).await?;
        self.logins.commit_change(tx).await?;
        Ok(ended)
    }
}

pub(super) async fn insert_user(
    tx: &impl ConnectionTrait,
    new: NewUser,
    now: Millis,
) -> Result<user::Model> {
    let row = user::ActiveModel {
        username_key: Set(new.username.key()),
        username_look: Set(Some(new.username.look())),
        username: Set(new.username.as_str().to_owned()),
        display_name: Set(new.display_name.into_inner()),
        about: Set(String::new()),
        password_hash: Set(new.password_hash),
        is_admin: Set(new.is_admin),
        deactivated_at: Set(None),
        deleted_at: Set(None),
        created_at: Set(now),
        notices: Set(notices::NO_NOTICES.to_owned()),
        people_version: Set(0),
        ..Default::default()
    };
    let user = row.insert(tx).await.map_err(username_conflict)?;
    search::replace_user_words(tx, &user).await?;
    Ok(user)
}

/// Maps violations of unique constraints to `username_taken`: only the username
/// is a user's choice.
pub(super) fn username_conflict(error: DbErr) -> StoreError {
    match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => username_taken(),
        _ => error.into(),
    }
}

fn username_taken() -> StoreError {
    StoreError::refused(
        ErrorCode::UsernameTaken,
        "This username is taken, or looks like one that is taken.",
    )
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
