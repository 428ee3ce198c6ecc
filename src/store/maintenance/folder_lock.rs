//! The lock that keeps a second server from using a data folder.

use std::fs::{File, TryLockError};
use std::path::Path;

/// Reserves a data folder for one server. The lock ends with this value or with
/// the process.
#[derive(Debug)]
pub struct FolderLock {
    file: File,
}

impl FolderLock {
    /// Tries to lock `folder`; none if another process holds the lock.
    ///
    /// # Errors
    /// The error of the system.
    pub fn try_acquire(folder: &Path) -> std::io::Result<Option<Self>> {
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(folder.join("tidings.lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl Drop for FolderLock {
    /// Releases the lock. Closing the file isn't enough: the lock belongs to
    /// the open file, which a forked child shares until it executes its own
    /// program.
    fn drop(&mut self) {
        if let Err(error) = self.file.unlock() {
            tracing::warn!(%error, "can't release the lock of the data folder");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lock_ends_despite_child_with_file() {
        let folder = tempfile::tempdir().unwrap();
        let lock = FolderLock::try_acquire(folder.path()).unwrap().unwrap();
        assert!(FolderLock::try_acquire(folder.path()).unwrap().is_none());
        let of_a_child = lock.file.try_clone().unwrap();
        drop(lock);
        assert!(FolderLock::try_acquire(folder.path()).unwrap().is_some());
        drop(of_a_child);
    }
}
