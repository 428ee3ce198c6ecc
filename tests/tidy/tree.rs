//! What there is to look at.

use std::io::{self, ErrorKind};
use std::path::Path;

use crate::code::code_only;

/// A file of the repository.
pub(crate) struct File {
    /// From the repository's root, with slashes.
    pub(crate) path: String,
    /// As it is.
    pub(crate) text: String,
    /// Of a Rust file, the same without what stands in comments and literals.
    pub(crate) code: String,
}

impl File {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let mut file = Self {
            path: path.to_owned(),
            text: text.to_owned(),
            code: String::new(),
        };
        if file.is_rust() {
            file.code = code_only(text);
        }
        file
    }

    pub(crate) fn is_rust(&self) -> bool {
        Path::new(&self.path).extension().is_some_and(|e| e == "rs")
    }

    /// Whether it is part of what runs, not of what tests it.
    pub(crate) fn is_ours(&self) -> bool {
        ["src/", "entity/", "migration/"]
            .iter()
            .any(|folder| self.path.starts_with(folder))
    }
}

/// Every text file of the repository; nothing that is made by building or
/// running.
pub(crate) fn tree() -> io::Result<Vec<File>> {
    let mut files = Vec::new();
    gather(Path::new(env!("CARGO_MANIFEST_DIR")), "", &mut files)?;
    Ok(files)
}

fn gather(folder: &Path, prefix: &str, files: &mut Vec<File>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let kind = entry.file_type()?;
        // Of a second working tree, `.git` is a file.
        if is_made(&path) {
            continue;
        }
        if kind.is_dir() {
            gather(&entry.path(), &format!("{path}/"), files)?;
        } else if kind.is_file() {
            match std::fs::read_to_string(entry.path()) {
                Ok(text) => files.push(File::new(&path, &text)),
                // Not text: an image, a font. Or gone meanwhile: another test's.
                Err(error)
                    if matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

fn is_made(path: &str) -> bool {
    matches!(path, ".git" | "target" | "data")
}
