//! Logins, to which tokens refer, so that a token can end before it expires.

mod cache;

use std::time::Duration;

use entity::{LoginId, Millis, UserId, login, user};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait,
    QueryFilter, QueryOrder, QuerySelect, sea_query::LockType,
};

use crate::protocol::ErrorCode;
use crate::store::db::{Db, Result, StoreError};

pub(super) use cache::LoginCache;

/// The minimum time between two writes of `last_used_at`, which helps users to
/// recognize their logins.
const TOUCH_EVERY: Duration = Duration::from_secs(60);

/// The maximum number of live logins of an account.
pub const LIVE_LOGINS_MAX: u64 = 50;

/// The maximum number of logins that end when a new one begins.
const SURPLUS_LOGINS_MAX: u64 = 500;

/// The number of latest addresses that are compared with the client's network.
const ADDRESSES_MAX: u64 = 100;

/// A new login and its client.
pub struct NewLogin<'a> {
    /// The row with which the password was verified.
    pub user: &'a user::Model,
    /// The client's `User-Agent`.
    pub device: String,
    pub address: String,
    pub expires_at: Millis,
    /// The browser's previous login, of any account.
    pub replaces: Option<LoginId>,
}

/// A new login, and the logins that its creation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartedLogin {
    pub id: LoginId,
    pub ended: Vec<(UserId, LoginId)>,
}

/// A live login and its user.
#[derive(Clone, Debug)]
pub struct ActiveLogin {
    pub id: LoginId,
    pub user: user::Model,
    pub created_at: Millis,
    pub expires_at: Millis,
    last_used_at: Millis,
}

impl ActiveLogin {
    /// Returns whether the time of last use is due to be written.
    #[must_use]
    pub fn needs_touch(&self, now: Millis) -> bool {
        now.since(self.last_used_at) >= TOUCH_EVERY
    }
}

/// The logins of users.
#[derive(Clone, Copy)]
pub struct LoginRepository<'a> {
    db: &'a Db,
    cache: &'a LoginCache,
}

impl<'a> LoginRepository<'a> {
    /// Creates a repository on these connections and the shared cache.
    pub(in crate::store) fn new(db: &'a Db, cache: &'a LoginCache) -> Self {
        Self { db, cache }
    }
}

impl LoginRepository<'_> {
    /// Creates a login. Ends the login that it replaces, and the longest unused
    /// ones if the account would have more than [`LIVE_LOGINS_MAX`].
    ///
    /// # Errors
    /// `bad_credentials` if the password was changed or the account deactivated
    /// since it was verified: that ended all logins, so no new one may follow.
    pub async fn create(self, new: NewLogin<'_>, now: Millis) -> Result<StartedLogin> {
        let tx = self.db.begin().await?;
        // Locked, so that concurrent logins count each other.
        user::Entity::find_by_id(new.user.id)
            .filter(user::Column::PasswordHash.eq(&new.user.password_hash))
            .filter(user::Column::DeactivatedAt.is_null())
            .lock(LockType::NoKeyUpdate)
            .one(&tx)
            .await?
            .ok_or_else(|| {
                StoreError::refused(ErrorCode::BadCredentials, "The password changed.")
            })?;
        let mut ended = Vec::new();
        if let Some(former) = new.replaces {
            ended.extend(find_live_login(&tx, former, now).await?);
            end_listed_logins(&tx, &ended, now).await?;
        }
        let surplus = find_surplus_logins(&tx, new.user.id, now).await?;
        end_listed_logins(&tx, &surplus, now).await?;
        ended.extend(surplus);
        let row = login::ActiveModel {
            user_id: Set(new.user.id),
            device: Set(new.device),
            address: Set(new.address),
            created_at: Set(now),
            last_used_at: Set(now),
            expires_at: Set(new.expires_at),
            ended_at: Set(None),
            ..Default::default()
        };
        let id = row.insert(&tx).await?.id;
        tx.commit().await?;
        if !ended.is_empty() {
            self.cache.invalidate_all();
        }
        Ok(StartedLogin { id, ended })
    }

    /// Returns a page of a user's live logins, newest first, older than
    /// `before`.
    pub async fn list(
        self,
        user: UserId,
        before: Option<LoginId>,
        limit: u64,
    ) -> Result<Vec<login::Model>> {
        let mut query = login::Entity::find()
            .filter(login::Column::UserId.eq(user))
            .filter(is_live(Millis::now()))
            .order_by_desc(login::Column::Id)
            .limit(limit);
        if let Some(before) = before {
            query = query.filter(login::Column::Id.lt(before));
        }
        Ok(query.all(self.db.reader()).await?)
    }

    /// Returns the addresses of a user's latest logins whose rows still exist,
    /// as text.
    pub async fn list_addresses(self, user: UserId) -> Result<Vec<String>> {
        Ok(login::Entity::find()
            .select_only()
            .column(login::Column::Address)
            .filter(login::Column::UserId.eq(user))
            .order_by_desc(login::Column::Id)
            .limit(ADDRESSES_MAX)
            .into_tuple()
            .all(self.db.reader())
            .await?)
    }

    /// Returns the live login with that id of an active account. Concurrent
    /// callers share one read, and the result is cached for a quarter of a
    /// second. Changes by another process are seen up to that much later, those
    /// by this process at once.
    pub async fn load(self, id: LoginId, now: Millis) -> Result<Option<ActiveLogin>> {
        let found = self.cache.load(self.db, id).await?;
        let found = found.filter(|(login, _)| login.expires_at > now);
        Ok(found.map(|(login, user)| ActiveLogin {
            id: login.id,
            user,
            created_at: login.created_at,
            expires_at: login.expires_at,
            last_used_at: login.last_used_at,
        }))
    }

    /// Writes the time of last use.
    pub async fn touch(self, login: &ActiveLogin, now: Millis) -> Result<()> {
        login::Entity::update_many()
            .col_expr(login::Column::LastUsedAt, now.into())
            .filter(login::Column::Id.eq(login.id))
            .exec(self.db.writer())
            .await?;
        self.cache.invalidate(login.id);
        Ok(())
    }

    /// Ends one login.
    pub async fn end(self, id: LoginId, now: Millis) -> Result<()> {
        login::Entity::update_many()
            .col_expr(login::Column::EndedAt, now.into())
            .filter(login::Column::Id.eq(id))
            .filter(login::Column::EndedAt.is_null())
            .exec(self.db.writer())
            .await?;
        self.cache.invalidate_all();
        Ok(())
    }

    /// Ends one of a user's own logins.
    ///
    /// # Errors
    /// `not_found` if the user has no live login with that id.
    pub async fn end_own(self, user: UserId, id: LoginId, now: Millis) -> Result<()> {
        let done = login::Entity::update_many()
            .col_expr(login::Column::EndedAt, now.into())
            .filter(login::Column::Id.eq(id))
            .filter(login::Column::UserId.eq(user))
            .filter(is_live(now))
            .exec(self.db.writer())
            .await?;
        self.cache.invalidate_all();
        match done.rows_affected {
            0 => Err(StoreError::not_found()),
            _ => Ok(()),
        }
    }

    /// Ends and returns every login of a user except this one.
    pub async fn end_others(self, login: &ActiveLogin, now: Millis) -> Result<Vec<LoginId>> {
        let tx = self.db.begin().await?;
        let ended = end_other_logins(&tx, login, now).await?;
        self.cache.commit_change(tx).await?;
        Ok(ended)
    }

    /// Returns the logins that ended at `moment` or later, with their users.
    pub async fn list_ended_since(self, moment: Millis) -> Result<Vec<(LoginId, UserId)>> {
        let ended: Vec<_> = login::Entity::find()
            .select_only()
            .columns([login::Column::Id, login::Column::UserId])
            .filter(login::Column::EndedAt.gte(moment))
            .into_tuple()
            .all(self.db.reader())
            .await?;
        // A request right after its socket was closed must fail, too.
        if !ended.is_empty() {
            self.cache.invalidate_all();
        }
        Ok(ended)
    }
}

/// Returns the longest unused logins that have to end before a user gets one
/// more.
async fn find_surplus_logins(
    tx: &impl ConnectionTrait,
    user: UserId,
    now: Millis,
) -> Result<Vec<(UserId, LoginId)>> {
    let ids: Vec<LoginId> = login::Entity::find()
        .select_only()
        .column(login::Column::Id)
        .filter(login::Column::UserId.eq(user))
        .filter(is_live(now))
        .order_by_desc(login::Column::LastUsedAt)
        .order_by_desc(login::Column::Id)
        .offset(LIVE_LOGINS_MAX - 1)
        // Only accounts from before the limit was introduced can have more.
        .limit(SURPLUS_LOGINS_MAX)
        .into_tuple()
        .all(tx)
        .await?;
    Ok(ids.into_iter().map(|id| (user, id)).collect())
}

/// Returns the user of a login if it is live.
async fn find_live_login(
    tx: &impl ConnectionTrait,
    id: LoginId,
    now: Millis,
) -> Result<Option<(UserId, LoginId)>> {
    let user: Option<UserId> = login::Entity::find()
        .select_only()
        .column(login::Column::UserId)
        .filter(login::Column::Id.eq(id))
        .filter(is_live(now))
        .into_tuple()
        .one(tx)
        .await?;
    Ok(user.map(|user| (user, id)))
}

async fn end_listed_logins(
    tx: &impl ConnectionTrait,
    logins: &[(UserId, LoginId)],
    now: Millis,
) -> Result<()> {
    if logins.is_empty() {
        return Ok(());
    }
    login::Entity::update_many()
        .col_expr(login::Column::EndedAt, now.into())
        .filter(login::Column::Id.is_in(logins.iter().map(|(_, id)| *id)))
        .filter(login::Column::EndedAt.is_null())
        .exec(tx)
        .await?;
    Ok(())
}

/// Matches logins that have neither ended nor expired.
pub(super) fn is_live(now: Millis) -> Condition {
    Condition::all()
        .add(login::Column::EndedAt.is_null())
        .add(login::Column::ExpiresAt.gt(now))
}

/// Ends and returns every login of a user except this one, as part of a larger
/// change.
pub(super) async fn end_other_logins(
    tx: &impl ConnectionTrait,
    login: &ActiveLogin,
    now: Millis,
) -> Result<Vec<LoginId>> {
    let others = open_logins_of(login.user.id).add(login::Column::Id.ne(login.id));
    end_logins(tx, others, now).await
}

/// Ends and returns every login of a user, as part of a larger change.
pub(super) async fn end_all_logins(
    tx: &impl ConnectionTrait,
    user: UserId,
    now: Millis,
) -> Result<Vec<LoginId>> {
    end_logins(tx, open_logins_of(user), now).await
}

fn open_logins_of(user: UserId) -> Condition {
    Condition::all()
        .add(login::Column::UserId.eq(user))
        .add(login::Column::EndedAt.is_null())
}

async fn end_logins(
    tx: &impl ConnectionTrait,
    which: Condition,
    now: Millis,
) -> Result<Vec<LoginId>> {
    let ended = login::Entity::find()
        .select_only()
        .column(login::Column::Id)
        .filter(which.clone())
        .into_tuple()
        .all(tx)
        .await?;
    login::Entity::update_many()
        .col_expr(login::Column::EndedAt, now.into())
        .filter(which)
        .exec(tx)
        .await?;
    Ok(ended)
}
