//! A disk whose writes or syncs can be made to fail, as on broken hardware.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use super::binary::run_to_end;

/// A disk for processes that work in `folder`. A test can make writes or syncs
/// of the database fail.
pub(crate) struct FaultyDisk {
    folder: PathBuf,
}

/// A kind of disk failure.
#[derive(Clone, Copy)]
pub(crate) enum DiskFault {
    /// Writes fail with EROFS, as on a file system remounted read-only after an
    /// error.
    RejectsWrites,
    /// Syncs fail with EIO: it stays unknown whether written data is on disk.
    RejectsSyncs,
}

impl DiskFault {
    /// Returns the name of the file whose existence turns this failure on.
    fn flag_file(self) -> &'static str {
        match self {
            Self::RejectsWrites => "takes-no-writes",
            Self::RejectsSyncs => "takes-no-syncs",
        }
    }
}

impl FaultyDisk {
    /// Builds a disk without failures for processes that work in `folder`.
    pub(crate) async fn under(folder: &Path) -> Self {
        let disk = Self {
            folder: folder.to_owned(),
        };
        let source = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/it/support/ailing_disk.c"
        );
        let mut compile = Command::new("cc");
        compile
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        compile
            .args(["-shared", "-fPIC", "-o"])
            .arg(disk.library())
            .arg(source);
        run_to_end(compile, "").await.expect_success();
        disk
    }

    /// Returns the library to preload: it replaces the process's write and sync
    /// calls.
    pub(crate) fn library(&self) -> PathBuf {
        self.folder.join("ailing_disk.so")
    }

    pub(crate) fn inject(&self, ails: DiskFault) {
        fs::write(self.folder.join(ails.flag_file()), "").unwrap();
    }

    pub(crate) fn clear(&self, ails: DiskFault) {
        fs::remove_file(self.folder.join(ails.flag_file())).unwrap();
    }
}
