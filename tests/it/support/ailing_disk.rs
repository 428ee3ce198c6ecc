//! A disk that fails when it is told to, as one does that ends.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use super::binary::finish;

/// What it does to the writes of whoever works in its folder.
pub(crate) struct AilingDisk {
    folder: PathBuf,
}

/// What is wrong with it.
#[derive(Clone, Copy)]
pub(crate) enum Ails {
    /// As a file system that was made read-only after an error: EROFS.
    TakesNoWrites,
    /// What is written is never known to be there: EIO.
    TakesNoSyncs,
}

impl Ails {
    /// The file that says so.
    fn sign(self) -> &'static str {
        match self {
            Self::TakesNoWrites => "takes-no-writes",
            Self::TakesNoSyncs => "takes-no-syncs",
        }
    }
}

impl AilingDisk {
    /// One that is well, for processes that work in `folder`.
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
        finish(compile, "").await.succeeded();
        disk
    }

    /// What stands between such a process and the system.
    pub(crate) fn library(&self) -> PathBuf {
        self.folder.join("ailing_disk.so")
    }

    pub(crate) fn begins_to(&self, ails: Ails) {
        fs::write(self.folder.join(ails.sign()), "").unwrap();
    }

    pub(crate) fn is_mended(&self, ails: Ails) {
        fs::remove_file(self.folder.join(ails.sign())).unwrap();
    }
}
