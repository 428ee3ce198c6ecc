//! Where tests put their hands into the running engine, and benches take a
//! part out of it. With no [`Faults`], which is the default, they cost a look
//! at an `Option`.

use std::sync::Arc;
use std::time::Duration;

use entity::{ConversationId, UserId};

pub use super::room::core::Core;
use crate::store::SqliteProbe;

/// By whose statement it was, and what it took.
pub type DatabaseTime = Arc<dyn Fn(Option<UserId>, Duration) -> Duration + Send + Sync>;

/// What goes wrong, and when.
#[derive(Clone, Default)]
pub struct Faults {
    /// Called in a Room between the commit and the telling; where it panics,
    /// the Room dies there.
    pub before_telling: Option<Arc<dyn Fn(ConversationId) + Send + Sync>>,
    /// Called in the Journal before it begins a transaction.
    pub before_commit: Option<Arc<dyn Fn() + Send + Sync>>,
    /// Called on the thread that hashes a password, before it does.
    pub before_hashing: Option<Arc<dyn Fn() + Send + Sync>>,
    /// Counts what SQLite does.
    pub sqlite_probe: Option<Arc<SqliteProbe>>,
    /// What a statement of a user, or of an address before its login, counts
    /// as, instead of what it took.
    pub database_time: Option<DatabaseTime>,
}

impl Faults {
    pub(super) fn before_telling(&self, conversation: ConversationId) {
        if let Some(fault) = &self.before_telling {
            fault(conversation);
        }
    }

    pub(super) fn before_commit(&self) {
        if let Some(fault) = &self.before_commit {
            fault();
        }
    }

    pub(super) fn database_time(&self, user: Option<UserId>, took: Duration) -> Duration {
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
