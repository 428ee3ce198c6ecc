//! A counter of SQLite's work, for tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sea_orm::SqlxError;
use sea_orm::sqlx::sqlite::SqliteConnection;

/// The number of virtual machine steps after which SQLite calls the counter.
const STEPS: i32 = 10;

/// Counts the work of all connections that are opened with it.
#[derive(Debug, Default)]
pub struct SqliteProbe {
    steps: AtomicU64,
    rows: AtomicU64,
}

impl SqliteProbe {
    /// Returns the number of steps of SQLite's virtual machine, in multiples of
    /// ten.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps.load(Ordering::SeqCst)
    }

    /// Returns the number of inserted, updated and deleted rows.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::SeqCst)
    }

    /// Counts the work of a connection from now on.
    pub(super) async fn attach(
        self: &Arc<Self>,
        connection: &mut SqliteConnection,
    ) -> Result<(), SqlxError> {
        let mut handle = connection.lock_handle().await?;
        let probe = Arc::clone(self);
        handle.set_progress_handler(STEPS, move || {
            probe
                .steps
                .fetch_add(u64::from(STEPS.unsigned_abs()), Ordering::SeqCst);
            true
        });
        let probe = Arc::clone(self);
        handle.set_update_hook(move |_| {
            probe.rows.fetch_add(1, Ordering::SeqCst);
        });
        Ok(())
    }
}
