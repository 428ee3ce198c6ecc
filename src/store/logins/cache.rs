//! The reads of logins that concurrent requests share, and their cached
//! results.

use std::collections::HashMap;

use entity::{LoginId, login, user};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use tokio::time::Instant;

use crate::store::db::sql::pad_to_power_of_two;
use crate::store::db::{BatchLoader, Database, Db, Result, StoreTransaction, TtlCache};

/// A login and its user.
pub(super) type LoginWithUser = (login::Model, user::Model);

/// The logins of recent requests. Every new socket and request needs its login.
#[derive(Default)]
pub(in crate::store) struct LoginCache {
    loader: BatchLoader<LoginId, LoginWithUser>,
    entries: TtlCache<LoginId, LoginWithUser>,
}

impl LoginCache {
    /// Returns a login that hasn't ended, of an active account. Concurrent
    /// callers share one read.
    pub(super) async fn load(&self, db: &Db, id: LoginId) -> Result<Option<LoginWithUser>> {
        let since = match self.entries.get(&id, Instant::now()) {
            Ok(found) => return Ok(Some(found)),
            Err(since) => since,
        };
        let db = db.reader().clone();
        let read = move |ids| load_live_logins(db.clone(), ids);
        let found = self.loader.load(id, read).await?;
        if let Some(found) = &found {
            self.entries.insert(since, id, found.clone());
        }
        Ok(found)
    }

    /// Drops one login.
    pub(super) fn invalidate(&self, id: LoginId) {
        self.entries.invalidate(&id);
    }

    /// Drops all logins.
    pub(in crate::store) fn invalidate_all(&self) {
        self.entries.invalidate_all();
    }

    /// Commits a change of accounts or logins, and drops all logins, even if
    /// the outcome of the commit is unknown.
    pub(in crate::store) async fn commit_change(&self, tx: StoreTransaction) -> Result<()> {
        let done = tx.commit().await;
        self.invalidate_all();
        Ok(done?)
    }
}

/// Returns those of these logins that haven't ended, of active accounts.
async fn load_live_logins(
    db: Database,
    mut ids: Vec<LoginId>,
) -> Result<HashMap<LoginId, LoginWithUser>> {
    pad_to_power_of_two(&mut ids);
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
