//! The free space of the database's file system.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::protocol::{ErrorCode, Problem};

/// Seconds until a client should try again: an operator has to free space.
const RETRY_SECONDS: u32 = 60;

/// The free space and the reserve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskState {
    /// Bytes that this process may still write.
    pub free: u64,
    /// With fewer free bytes, the server refuses new messages and accounts. 0
    /// is no limit.
    pub reserve: u64,
}

impl DiskState {
    /// Returns whether too little space is free, so that the server refuses new
    /// messages and accounts.
    #[must_use]
    pub fn is_low(&self) -> bool {
        self.free < self.reserve
    }
}

pub(super) struct DiskSpace {
    folder: PathBuf,
    reserve: u64,
    free: AtomicU64,
    /// The last logged state: the log has one line for each change.
    was_low: AtomicBool,
}

impl DiskSpace {
    /// Returns the space of the disk that holds `folder`.
    pub(super) fn of(folder: &Path, reserve: u64) -> Self {
        let disk = Self {
            folder: folder.to_owned(),
            reserve,
            free: AtomicU64::new(u64::MAX),
            was_low: AtomicBool::new(false),
        };
        disk.refresh();
        disk
    }

    /// Reads the free space. If the system doesn't answer, the last value
    /// stays.
    pub(super) fn refresh(&self) {
        match rustix::fs::statvfs(&self.folder) {
            Ok(found) => {
                let free = found.f_bavail.saturating_mul(found.f_frsize);
                self.free.store(free, Ordering::Relaxed);
                self.log_change();
            }
            Err(error) => tracing::debug!(%error, "can't read the disk's free space"),
        }
    }

    pub(super) fn state(&self) -> DiskState {
        DiskState {
            free: self.free.load(Ordering::Relaxed),
            reserve: self.reserve,
        }
    }

    pub(super) fn check_space(&self) -> Result<(), Problem> {
        if !self.state().is_low() {
            return Ok(());
        }
        Err(Problem {
            retry_after: Some(RETRY_SECONDS),
            ..Problem::new(
                ErrorCode::Unavailable,
                "The server's disk is nearly full: it stores nothing new at present.",
            )
        })
    }

    fn log_change(&self) {
        let DiskState { free, reserve } = self.state();
        let is_low = free < reserve;
        match (self.was_low.swap(is_low, Ordering::Relaxed), is_low) {
            (false, true) => tracing::warn!(
                free,
                reserve,
                "the disk is nearly full: refusing new messages and accounts until it has space \
                 again (--disk-reserve)"
            ),
            (true, false) => tracing::info!(free, reserve, "the disk has space again"),
            _ => {}
        }
    }
}
