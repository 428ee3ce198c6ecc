//! The space that the database's file system has left.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::protocol::{Code, Problem};

/// When to try again, in seconds: an operator has to make room.
const RETRY: u32 = 60;

/// What there is, and what is kept free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskState {
    /// Bytes that this process may still write.
    pub free: u64,
    /// Bytes below which nothing new is stored; 0 if that never happens.
    pub reserve: u64,
}

impl DiskState {
    /// Whether it has so little that nothing new is stored.
    #[must_use]
    pub fn is_low(&self) -> bool {
        self.free < self.reserve
    }
}

pub(super) struct DiskSpace {
    folder: PathBuf,
    reserve: u64,
    free: AtomicU64,
    /// What the log said last: it has one line for each change.
    was_low: AtomicBool,
}

impl DiskSpace {
    /// The disk that holds `folder`, as it is now.
    pub(super) fn of(folder: &Path, reserve: u64) -> Self {
        let disk = Self {
            folder: folder.to_owned(),
            reserve,
            free: AtomicU64::new(u64::MAX),
            was_low: AtomicBool::new(false),
        };
        disk.look();
        disk
    }

    /// Asks the system. If it doesn't say, what was there last still counts.
    pub(super) fn look(&self) {
        match rustix::fs::statvfs(&self.folder) {
            Ok(found) => {
                let free = found.f_bavail.saturating_mul(found.f_frsize);
                self.free.store(free, Ordering::Relaxed);
                self.note();
            }
            Err(error) => tracing::debug!(%error, "can't ask for the disk's free space"),
        }
    }

    pub(super) fn state(&self) -> DiskState {
        DiskState {
            free: self.free.load(Ordering::Relaxed),
            reserve: self.reserve,
        }
    }

    pub(super) fn has_space(&self) -> Result<(), Problem> {
        if !self.state().is_low() {
            return Ok(());
        }
        Err(Problem {
            retry_after: Some(RETRY),
            ..Problem::new(
                Code::Unavailable,
                "The server's disk is nearly full: nothing new is stored for now.",
            )
        })
    }

    fn note(&self) {
        let DiskState { free, reserve } = self.state();
        let is_low = free < reserve;
        match (self.was_low.swap(is_low, Ordering::Relaxed), is_low) {
            (false, true) => tracing::warn!(
                free,
                reserve,
                "the disk is nearly full: new messages and accounts are refused until it has \
                 space again (--disk-reserve)"
            ),
            (true, false) => tracing::info!(free, reserve, "the disk has space again"),
            _ => {}
        }
    }
}
