//! Logins: what a token is tied to, so that it can end before it expires.

use std::collections::HashMap;
use std::time::Duration;

use entity::{LoginId, Millis, UserId, login, user};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait,
    QueryFilter, QueryOrder, QuerySelect, sea_query::LockType,
};

use tokio::time::Instant;

use super::append::sql::pad;
use super::database::Database;
use super::{Result, Store, StoreError};
use crate::protocol::Code;

/// `last_used_at` is a help to people who look for a login they don't know;
/// it is written at most this often.
const TOUCH_EVERY: Duration = Duration::from_secs(60);

/// The most logins of an account that hold at a time.
pub const LIVE_MAX: u64 = 50;

/// The most logins that end for one that begins.
const SURPLUS_MAX: u64 = 500;

/// How many addresses are looked through for a network that is known.
const ADDRESSES: u64 = 100;

/// Where and for how long somebody logs in.
pub struct NewLogin<'a> {
    /// As they were when their password was looked at.
    pub user: &'a user::Model,
    /// What the client calls itself.
    pub device: String,
    pub address: String,
    pub expires_at: Millis,
    /// The login that the same browser had before, of whichever account.
    pub replaces: Option<LoginId>,
}

/// A login that has begun, and those that ended for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartedLogin {
    pub id: LoginId,
    pub ended: Vec<(UserId, LoginId)>,
}

/// A login that holds, and whose it is.
#[derive(Clone, Debug)]
pub struct Login {
    pub id: LoginId,
    pub user: user::Model,
    pub created_at: Millis,
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
    /// Notes a login. It ends the one that it replaces, and those that were
    /// unused for longest if the account would have more than [`LIVE_MAX`].
    ///
    /// # Errors
    /// `bad_credentials` where the password was changed or the account
    /// switched off since it was looked at: that ended all logins, and this
    /// one must not come after it.
    pub async fn create_login(&self, new: NewLogin<'_>, now: Millis) -> Result<StartedLogin> {
        let tx = self.begin().await?;
        // Held, so that of logins at once each counts the others.
        user::Entity::find_by_id(new.user.id)
            .filter(user::Column::PasswordHash.eq(&new.user.password_hash))
            .filter(user::Column::DeactivatedAt.is_null())
            .lock(LockType::NoKeyUpdate)
            .one(&tx)
            .await?
            .ok_or_else(|| StoreError::refused(Code::BadCredentials, "The password changed."))?;
        let mut ended = Vec::new();
        if let Some(former) = new.replaces {
            ended.extend(live(&tx, former, now).await?);
            end_these(&tx, &ended, now).await?;
        }
        let surplus = surplus(&tx, new.user.id, now).await?;
        end_these(&tx, &surplus, now).await?;
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
            self.asked.recent_logins.forget();
        }
        Ok(StartedLogin { id, ended })
    }

    /// A page of a person's logins that hold, newest first, from `before` on.
    pub async fn logins(
        &self,
        user: UserId,
        before: Option<LoginId>,
        limit: u64,
    ) -> Result<Vec<login::Model>> {
        let mut query = login::Entity::find()
            .filter(login::Column::UserId.eq(user))
            .filter(holds(Millis::now()))
            .order_by_desc(login::Column::Id)
            .limit(limit);
        if let Some(before) = before {
            query = query.filter(login::Column::Id.lt(before));
        }
        Ok(query.all(&self.reader).await?)
    }

    /// The addresses from which somebody logged in most lately, by logins
    /// whose rows are still there; as text.
    pub async fn login_addresses(&self, user: UserId) -> Result<Vec<String>> {
        Ok(login::Entity::find()
            .select_only()
            .column(login::Column::Address)
            .filter(login::Column::UserId.eq(user))
            .order_by_desc(login::Column::Id)
            .limit(ADDRESSES)
            .into_tuple()
            .all(&self.reader)
            .await?)
    }

    /// The login with that id, where it has neither ended nor expired and its
    /// account is active. Read together with others who ask at this moment,
    /// and for those who ask again within the next quarter of a second: what
    /// another process changes is known here that much later, what this one
    /// does at once.
    pub async fn login(&self, id: LoginId, now: Millis) -> Result<Option<Login>> {
        let found = match self.asked.recent_logins.get(&id, Instant::now()) {
            Ok(found) => Some(found),
            Err(since) => {
                let db = self.reader.clone();
                let read = move |ids| not_ended(db.clone(), ids);
                let found = self.asked.logins.ask(id, read).await?;
                if let Some(found) = &found {
                    self.asked.recent_logins.keep(since, id, found.clone());
                }
                found
            }
        };
        let found = found.filter(|(login, _)| login.expires_at > now);
        Ok(found.map(|(login, user)| Login {
            id: login.id,
            user,
            created_at: login.created_at,
            expires_at: login.expires_at,
            last_used_at: login.last_used_at,
        }))
    }

    /// Notes that a login was used.
    pub async fn touch_login(&self, login: &Login, now: Millis) -> Result<()> {
        login::Entity::update_many()
            .col_expr(login::Column::LastUsedAt, now.into())
            .filter(login::Column::Id.eq(login.id))
            .exec(&self.writer)
            .await?;
        self.asked.recent_logins.forget_one(&login.id);
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
        self.asked.recent_logins.forget();
        Ok(())
    }

    /// Ends one of a person's own logins.
    ///
    /// # Errors
    /// `not_found` where they have none with that id that holds.
    pub async fn end_own_login(&self, user: UserId, id: LoginId, now: Millis) -> Result<()> {
        let done = login::Entity::update_many()
            .col_expr(login::Column::EndedAt, now.into())
            .filter(login::Column::Id.eq(id))
            .filter(login::Column::UserId.eq(user))
            .filter(holds(now))
            .exec(&self.writer)
            .await?;
        self.asked.recent_logins.forget();
        match done.rows_affected {
            0 => Err(StoreError::not_found()),
            _ => Ok(()),
        }
    }

    /// The logins that ended at `moment` or later, and whose they were.
    pub async fn logins_ended_since(&self, moment: Millis) -> Result<Vec<(LoginId, UserId)>> {
        let ended: Vec<_> = login::Entity::find()
            .select_only()
            .columns([login::Column::Id, login::Column::UserId])
            .filter(login::Column::EndedAt.gte(moment))
            .into_tuple()
            .all(&self.reader)
            .await?;
        // A request right after its socket was closed is refused, too.
        if !ended.is_empty() {
            self.asked.recent_logins.forget();
        }
        Ok(ended)
    }
}

/// The logins that have to end before a person may have one more: those that
/// were unused for longest.
async fn surplus(
    tx: &impl ConnectionTrait,
    user: UserId,
    now: Millis,
) -> Result<Vec<(UserId, LoginId)>> {
    let ids: Vec<LoginId> = login::Entity::find()
        .select_only()
        .column(login::Column::Id)
        .filter(login::Column::UserId.eq(user))
        .filter(holds(now))
        .order_by_desc(login::Column::LastUsedAt)
        .order_by_desc(login::Column::Id)
        .offset(LIVE_MAX - 1)
        // More are there only of the time before there was a limit.
        .limit(SURPLUS_MAX)
        .into_tuple()
        .all(tx)
        .await?;
    Ok(ids.into_iter().map(|id| (user, id)).collect())
}

/// Whose a login is, if it holds.
async fn live(
    tx: &impl ConnectionTrait,
    id: LoginId,
    now: Millis,
) -> Result<Option<(UserId, LoginId)>> {
    let user: Option<UserId> = login::Entity::find()
        .select_only()
        .column(login::Column::UserId)
        .filter(login::Column::Id.eq(id))
        .filter(holds(now))
        .into_tuple()
        .one(tx)
        .await?;
    Ok(user.map(|user| (user, id)))
}

async fn end_these(
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

/// Has neither ended nor expired.
pub(super) fn holds(now: Millis) -> Condition {
    Condition::all()
        .add(login::Column::EndedAt.is_null())
        .add(login::Column::ExpiresAt.gt(now))
}

/// Those of these logins that haven't ended, of active accounts.
async fn not_ended(
    db: Database,
    mut ids: Vec<LoginId>,
) -> Result<HashMap<LoginId, (login::Model, user::Model)>> {
    pad(&mut ids);
    let rows = login::Entity::find()
        .find_also_related(user::Entity)
        .filter(login::Column::Id.is_in(ids))
        .filter(login::Column::EndedAt.is_null())
        .filter(user::Column::DeactivatedAt.is_null())
        .all(&db)
        .await?;
    let rows = rows.into_iter();
    Ok(rows
        .filter_map(|(login, user)| Some((login.id, (login, user?))))
        .collect())
}

/// Ends every login of a person but this one, as part of a larger change, and
/// says which these were.
pub(super) async fn end_others(
    tx: &impl ConnectionTrait,
    login: &Login,
    now: Millis,
) -> Result<Vec<LoginId>> {
    let others = open_of(login.user.id).add(login::Column::Id.ne(login.id));
    end(tx, others, now).await
}

/// Ends every login of a person, as part of a larger change, and says which
/// these were.
pub(super) async fn end_all(
    tx: &impl ConnectionTrait,
    user: UserId,
    now: Millis,
) -> Result<Vec<LoginId>> {
    end(tx, open_of(user), now).await
}

fn open_of(user: UserId) -> Condition {
    Condition::all()
        .add(login::Column::UserId.eq(user))
        .add(login::Column::EndedAt.is_null())
}

async fn end(tx: &impl ConnectionTrait, which: Condition, now: Millis) -> Result<Vec<LoginId>> {
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
