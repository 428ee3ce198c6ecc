//! Limits of storage: each account's text per day, and all new data while the
//! disk has little space. A day's text is counted in memory: a restart begins
//! the day again.

mod disk;
mod quota;

use std::sync::Arc;

use entity::{Millis, UserId};

use disk::DiskSpace;
pub use disk::DiskState;
use quota::DailyTextQuota;

use super::Engine;
use crate::config::{DatabaseUrl, Settings};
use crate::protocol::Problem;
use crate::store::append::AppendEntry;

/// Decides whether new data may be stored.
pub(super) struct StorageGuard {
    text: DailyTextQuota,
    disk: DiskSpace,
}

impl StorageGuard {
    pub(super) fn new(settings: &Settings) -> Self {
        let disk = match &settings.database_url {
            DatabaseUrl::Sqlite(path) => {
                let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
                let folder = folder.unwrap_or_else(|| ".".as_ref());
                DiskSpace::of(folder, settings.disk_reserve)
            }
            // The database may be on another machine.
            DatabaseUrl::Postgres(_) => DiskSpace::of(&settings.data_dir, 0),
        };
        Self {
            text: DailyTextQuota::new(settings.text_per_day),
            disk,
        }
    }

    /// Checks an append that its Room accepted, before it goes to the Journal.
    /// A refused message still goes there, since it may be a retry of a stored
    /// one.
    pub(super) fn judge_append(&self, append: &mut AppendEntry) {
        let Some(bytes) = append.added_text() else {
            return;
        };
        if append.verdict.is_ok() {
            append.verdict = self.reserve_text(append.actor.id, bytes);
        }
    }

    fn reserve_text(&self, user: UserId, bytes: usize) -> Result<(), Problem> {
        self.disk.check_space()?;
        self.text.take(user, bytes, Millis::now())
    }
}

impl Engine {
    /// Counts text that a user stores without a Room, such as a group's title,
    /// with the text of their messages.
    ///
    /// # Errors
    /// `unavailable` while the disk has little space; `rate_limited` if the
    /// text exceeds the daily limit.
    pub fn reserve_text(&self, user: UserId, bytes: usize) -> Result<(), Problem> {
        self.inner.storage.reserve_text(user, bytes)
    }

    /// Counts text that is stored for a user regardless of the limit, such as a
    /// login.
    pub fn count_text(&self, user: UserId, bytes: usize) {
        self.inner.storage.text.count(user, bytes, Millis::now());
    }

    /// Checks that the disk has space for a new account.
    ///
    /// # Errors
    /// `unavailable` if the disk has too little space.
    pub fn check_space(&self) -> Result<(), Problem> {
        self.inner.storage.disk.check_space()
    }

    /// Returns the state of the disk.
    #[must_use]
    pub fn disk_state(&self) -> DiskState {
        self.inner.storage.disk.state()
    }
}

/// Checks the disk periodically until the engine stops.
pub(super) fn watch_disk(engine: &Engine) {
    let every = engine.inner.settings.timings.disk_check_every;
    let weak = Arc::downgrade(&engine.inner);
    engine.inner.background.repeat(every, move || {
        let inner = weak.upgrade();
        async move {
            let Some(inner) = inner else {
                return false;
            };
            // A file system may take long to answer.
            let look = move || inner.storage.disk.refresh();
            if tokio::task::spawn_blocking(look).await.is_err() {
                tracing::error!("the check of the disk's free space panicked");
            }
            true
        }
    });
}
