//! What is wrong with the settings, in one line.

use std::path::PathBuf;

/// Why the settings can't be used. Each displays as one line that an operator
/// can act on; none shows the database's URL.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The settings file can't be read.
    #[error("can't read the settings file {}: {cause}", file.display())]
    Unreadable {
        file: PathBuf,
        cause: std::io::Error,
    },
    /// The settings file is no TOML, or sets what can't be set.
    #[error("{}:{line}: {detail}", file.display())]
    Misspelt {
        file: PathBuf,
        line: usize,
        detail: String,
    },
    /// A value is wrong.
    #[error("{name}{}: it must be {right}", value.as_ref().map(|v| format!(" is {v:?}")).unwrap_or_default())]
    Wrong {
        /// The flag and the variable, or the key and the file it is in.
        name: String,
        /// What was said, but for secrets.
        value: Option<String>,
        /// What would have been right.
        right: &'static str,
    },
    /// Half a bus would lose messages between nodes; none is built yet.
    #[error("NATS_URL is set, but running several nodes is not built yet: unset it to run one")]
    NatsNotBuilt,
}

impl SettingsError {
    /// What the process exits with: the same as for a flag that isn't known.
    pub const EXIT_CODE: u8 = 2;
}
