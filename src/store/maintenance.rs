//! Work of operators on the whole database: schema, locks, checks, backups,
//! epochs, imports and the deletion of expired rows.

pub mod backup;
mod cleanup;
mod doctor;
mod epoch;
mod folder_lock;
mod import;
mod instance_lock;
mod schema;
mod sizes;

use crate::store::db::Db;

pub use doctor::DoctorFinding;
pub use epoch::DatabaseEpoch;
pub use folder_lock::FolderLock;
pub use import::{ImportData, ImportedUser};
pub use instance_lock::ServeLock;
pub use sizes::DatabaseSizes;

/// The whole database, as operators maintain it.
#[derive(Clone, Copy)]
pub struct MaintenanceRepository<'a> {
    db: &'a Db,
}

impl<'a> MaintenanceRepository<'a> {
    /// Creates a repository on these connections.
    pub(in crate::store) fn new(db: &'a Db) -> Self {
        Self { db }
    }
}
