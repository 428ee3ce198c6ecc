//! People and their accounts.

use entity::{LoginId, Millis, UserId, user};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, DbErr,
    EntityTrait, IntoActiveModel, QueryFilter, QuerySelect, SqlErr, sea_query::LockType,
};

use super::{Login, Result, Store, StoreError, invites, logins, names, notices, user_words};
use crate::protocol::user::NoticeCause;
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
        code_hash: &str,
        now: Millis,
    ) -> Result<user::Model> {
        let tx = self.begin().await?;
        invites::take(&tx, code_hash, now).await?;
        let user = insert(&tx, new, now).await?;
        tx.commit().await?;
        Ok(user)
    }

    /// Whether an account can be opened, as far as can be known before it is.
    ///
    /// # Errors
    /// As of [`Store::create_invited_user`] and [`Store::create_user`].
    pub async fn can_create_user(
        &self,
        username: &Username,
        code_hash: Option<&str>,
        now: Millis,
    ) -> Result<()> {
        if let Some(code_hash) = code_hash {
            invites::look_up(&self.reader, code_hash, now).await?;
        }
        let same = user::Entity::find()
            .select_only()
            .column(user::Column::Id)
            .filter(
                Condition::any()
                    .add(user::Column::UsernameKey.eq(username.key()))
                    .add(user::Column::UsernameLook.eq(username.look())),
            );
        let same: Option<UserId> = same.into_tuple().one(&self.reader).await?;
        same.map_or(Ok(()), |_| Err(username_taken()))
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
        let mut changed = active.update(&tx).await?;
        if changed == row {
            return Ok(row);
        }
        if changed.display_name != row.display_name {
            user_words::replace(&tx, &changed).await?;
            changed = names::note_change(&tx, changed).await?;
        }
        self.commit_of_people(tx).await?;
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

    /// The accounts with these ids, in no order.
    pub async fn users_by_id(&self, ids: &[UserId]) -> Result<Vec<user::Model>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        Ok(user::Entity::find()
            .filter(user::Column::Id.is_in(ids.iter().copied()))
            .all(&self.reader)
            .await?)
    }

    /// The account with that id.
    pub async fn user(&self, id: UserId) -> Result<Option<user::Model>> {
        Ok(user::Entity::find_by_id(id).one(&self.reader).await?)
    }

    /// Puts a new hash of a password in the place of an older one.
    ///
    /// # Errors
    /// `bad_credentials` if the password was changed meanwhile.
    pub async fn renew_hash(&self, user: &user::Model, hash: String) -> Result<()> {
        let tx = self.begin().await?;
        let done = user::Entity::update_many()
            .col_expr(user::Column::PasswordHash, hash.into())
            .filter(user::Column::Id.eq(user.id))
            .filter(user::Column::PasswordHash.eq(&user.password_hash))
            .exec(&tx)
            .await?;
        if done.rows_affected == 0 {
            return Err(StoreError::refused(
                Code::BadCredentials,
                "The password changed.",
            ));
        }
        self.commit_of_people(tx).await
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
        (now, address): (Millis, &str),
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
        let notice = notices::notice(NoticeCause::PasswordChanged, now, address);
        notices::add(&tx, login.user.id, notice).await?;
        let ended = logins::end_others(&tx, login, now).await?;
        self.commit_of_people(tx).await?;
        Ok(ended)
    }
}

pub(super) async fn insert(
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
        notices: Set(notices::NONE.to_owned()),
        people_version: Set(0),
        ..Default::default()
    };
    let user = row.insert(tx).await.map_err(taken)?;
    user_words::replace(tx, &user).await?;
    Ok(user)
}

/// Of all that is unique in a person's row, only the name is chosen.
pub(super) fn taken(error: DbErr) -> StoreError {
    match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => username_taken(),
        _ => error.into(),
    }
}

fn username_taken() -> StoreError {
    StoreError::refused(
        Code::UsernameTaken,
        "This username is taken, or looks like one that is.",
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
