//! How much may be stored: text of each account by day, and anything new at all
//! while the disk has little space. What a day's text was is kept in memory: a
//! restart begins the day again.

mod disk;
mod quota;

use std::sync::Arc;

use entity::{Millis, UserId};

use disk::DiskSpace;
pub use disk::DiskState;
use quota::DailyText;

use super::Engine;
use crate::config::{DatabaseUrl, Settings};
use crate::protocol::Problem;
use crate::store::append::{Append, How, What};

/// Says whether something new may be stored.
pub(super) struct StorageGuard {
    text: DailyText,
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
            // The database's disk may be another machine's.
            DatabaseUrl::Postgres(_) => DiskSpace::of(&settings.data_dir, 0),
        };
        Self {
            text: DailyText::new(settings.text_per_day),
            disk,
        }
    }

    /// Judges what a Room judged well, before it goes to the Journal. A refused
    /// post still goes there, since it may be a retry of one that is stored.
    pub(super) fn judge(&self, append: &mut Append) {
        let Some(bytes) = new_text(&append.what) else {
            return;
        };
        if append.verdict.is_ok() {
            append.verdict = self.store_text(append.actor.id, bytes);
        }
    }

    fn store_text(&self, user: UserId, bytes: usize) -> Result<(), Problem> {
        self.disk.has_space()?;
        self.text.take(user, bytes, Millis::now())
    }
}

/// The bytes of text that something adds; none if it adds no text. Leaving,
/// withdrawals, marks and reactions go on whatever the disk has.
fn new_text(what: &What) -> Option<usize> {
    match what {
        What::Post(post) => Some(post.text.as_str().len()),
        What::Touch(touch) => match &touch.how {
            How::Edit(text) => Some(text.as_str().len()),
            How::Withdraw | How::React { .. } => None,
        },
        What::Change(change) if change.title.is_some() || change.needs_connection.is_some() => {
            Some(change.text.len() + change.event.len())
        }
        // What is looked for adds nothing.
        What::FindSent(_) | What::Change(_) | What::Settings(_) | What::Mark(_) => None,
    }
}

impl Engine {
    /// Whether a user may store so much text that goes past the Rooms, such as a
    /// group's title: it counts with what they write.
    ///
    /// # Errors
    /// `unavailable` while the disk has little space; `rate_limited` if it is
    /// more than a day allows.
    pub fn store_text(&self, user: UserId, bytes: usize) -> Result<(), Problem> {
        self.inner.storage.store_text(user, bytes)
    }

    /// Counts what is stored for a user whatever their day allows, such as a
    /// login.
    pub fn count_text(&self, user: UserId, bytes: usize) {
        self.inner.storage.text.count(user, bytes, Millis::now());
    }

    /// Whether the disk has space for a new account.
    ///
    /// # Errors
    /// `unavailable` if it hasn't.
    pub fn has_space(&self) -> Result<(), Problem> {
        self.inner.storage.disk.has_space()
    }

    /// What the disk has.
    #[must_use]
    pub fn disk(&self) -> DiskState {
        self.inner.storage.disk.state()
    }
}

/// Looks at the disk from now on, as long as there is an engine.
pub(super) fn watch(engine: &Engine) {
    let every = engine.inner.settings.timings.disk_check_every;
    let weak = Arc::downgrade(&engine.inner);
    engine.inner.background.repeat(every, move || {
        let inner = weak.upgrade();
        async move {
            let Some(inner) = inner else {
                return false;
            };
            // A file system may take long to answer.
            let look = move || inner.storage.disk.look();
            if tokio::task::spawn_blocking(look).await.is_err() {
                tracing::error!("looking at the disk's space panicked");
            }
            true
        }
    });
}
