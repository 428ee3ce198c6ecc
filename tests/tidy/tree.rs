//! The files of the repository that the rules examine.

use std::io::{self, ErrorKind};
use std::path::Path;

use crate::code::strip_comments;

/// A file of the repository.
pub(crate) struct SourceFile {
    /// Relative to the repository's root, with slashes.
    pub(crate) path: String,
    /// The unchanged content.
    pub(crate) text: String,
    /// For a Rust file, `text` with comments and literals blanked out.
    pub(crate) code: String,
}

impl SourceFile {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let mut file = Self {
            path: path.to_owned(),
            text: text.to_owned(),
            code: String::new(),
        };
        if file.is_rust() {
            file.code = strip_comments(text);
        }
        file
    }

    pub(crate) fn is_rust(&self) -> bool {
        Path::new(&self.path).extension().is_some_and(|e| e == "rs")
    }

    /// Whether the file belongs to the server rather than to its tests.
    pub(crate) fn is_own_code(&self) -> bool {
        ["src/", "entity/", "migration/"]
            .iter()
            .any(|folder| self.path.starts_with(folder))
    }
}

/// Returns every text file of the repository except the output of builds and
/// runs.
pub(crate) fn read_tree() -> io::Result<Vec<SourceFile>> {
    let mut files = Vec::new();
    collect_files(Path::new(env!("CARGO_MANIFEST_DIR")), "", &mut files)?;
    Ok(files)
}

fn collect_files(folder: &Path, prefix: &str, files: &mut Vec<SourceFile>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let kind = entry.file_type()?;
        // Applies to files, too: in a second worktree, `.git` is a file.
        if is_generated(&path) {
            continue;
        }
        if kind.is_dir() {
            collect_files(&entry.path(), &format!("{path}/"), files)?;
        } else if kind.is_file() {
            match std::fs::read_to_string(entry.path()) {
                Ok(text) => files.push(SourceFile::new(&path, &text)),
                // An image or font isn't text. A file may also disappear while
                // another test runs.
                Err(error)
                    if matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

fn is_generated(path: &str) -> bool {
    matches!(path, ".git" | "target" | "data")
}
