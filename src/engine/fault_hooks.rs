//! Hooks through which tests inject faults into the running engine. A hook that
//! isn't set costs a check of an `Option`.

use std::sync::Arc;
use std::time::Duration;

use entity::{ConversationId, UserId};

use crate::store::SqliteProbe;

/// Maps the user of a statement and its time to the time that is charged.
pub type DatabaseTimeHook = Arc<dyn Fn(Option<UserId>, Duration) -> Duration + Send + Sync>;

/// Faults to inject, and when.
#[derive(Clone, Default)]
pub struct FaultHooks {
    /// Called in a Room between the commit and the fan-out; if it panics, the
    /// Room dies there.
    pub before_fan_out: Option<Arc<dyn Fn(ConversationId) + Send + Sync>>,
    /// Called in the Journal before it begins a transaction.
    pub before_commit: Option<Arc<dyn Fn() + Send + Sync>>,
    /// Called on the thread that hashes a password, before it does.
    pub before_hashing: Option<Arc<dyn Fn() + Send + Sync>>,
    /// Counts SQLite's operations.
    pub sqlite_probe: Option<Arc<SqliteProbe>>,
    /// Replaces the time that is charged for a statement of a user, or of an
    /// address before login.
    pub database_time: Option<DatabaseTimeHook>,
}

impl FaultHooks {
    pub(crate) fn before_fan_out(&self, conversation: ConversationId) {
        if let Some(fault) = &self.before_fan_out {
            fault(conversation);
        }
    }

    pub(crate) fn before_commit(&self) {
        if let Some(fault) = &self.before_commit {
            fault();
        }
    }

    pub(crate) fn database_time(&self, user: Option<UserId>, took: Duration) -> Duration {
        match &self.database_time {
            Some(fault) => fault(user, took),
            None => took,
        }
    }

    pub(crate) fn before_hashing(&self) {
        if let Some(fault) = &self.before_hashing {
            fault();
        }
    }
}
