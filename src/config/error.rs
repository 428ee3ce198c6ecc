//! Errors in the settings, each in one line.

use std::path::PathBuf;

/// The reason why the settings can't be used. Each displays as one line that an
/// operator can act on. None shows the database URL.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The settings file can't be read.
    #[error("can't read the settings file {}: {cause}", file.display())]
    Unreadable {
        file: PathBuf,
        cause: std::io::Error,
    },
    /// The settings file is no valid TOML, or has an unknown key.
    #[error("{}:{line}: {detail}", file.display())]
    Misspelt {
        file: PathBuf,
        line: usize,
        detail: String,
    },
    /// A value is invalid.
    #[error("{name}{}: it must be {right}", value.as_ref().map(|v| format!(" is {v:?}")).unwrap_or_default())]
    Wrong {
        /// The flag and the variable, or the key and its file.
        name: String,
        /// The given value, except for secrets.
        value: Option<String>,
        /// The expected format.
        right: &'static str,
    },
    /// Several nodes aren't supported yet: an incomplete message bus would lose
    /// messages between them.
    #[error("NATS_URL is set, but several nodes are not supported yet: unset it to run one node")]
    NatsNotBuilt,
}
