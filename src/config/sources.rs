//! Where settings are looked for, and in what order.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Overrides, SettingsError};

/// Read if it is there, and no other file is named.
const USUAL_FILE: &str = "./tidings.toml";

/// What was said on the command line and in the environment, which clap has
/// merged, and what the settings file says.
pub(super) struct Sources {
    said: Overrides,
    file: Overrides,
    path: PathBuf,
}

/// One value, and whence.
pub(super) struct Found<'a> {
    key: &'static str,
    text: &'a str,
    file: Option<&'a Path>,
    secret: bool,
}

impl Sources {
    /// Reads the settings file, if there is one.
    pub(super) fn gather(said: Overrides) -> Result<Self, SettingsError> {
        let named = said.config.clone().filter(|path| !is_empty(path));
        let may_lack = named.is_none();
        let path = named.unwrap_or_else(|| USUAL_FILE.into());
        let file = match std::fs::read_to_string(&path) {
            Ok(text) => understand(&text, &path)?,
            Err(cause) if may_lack && cause.kind() == ErrorKind::NotFound => Overrides::default(),
            Err(cause) => return Err(SettingsError::Unreadable { file: path, cause }),
        };
        Ok(Self { said, file, path })
    }

    /// The first of the sources that says something about `key`, which `pick`
    /// reads.
    pub(super) fn text(
        &self,
        key: &'static str,
        pick: fn(&Overrides) -> &Option<String>,
    ) -> Option<Found<'_>> {
        let look = |overrides, file| {
            let text = Option::as_deref(pick(overrides))?.trim();
            (!text.is_empty()).then_some(Found {
                key,
                text,
                file,
                secret: false,
            })
        };
        look(&self.said, None).or_else(|| look(&self.file, Some(&self.path)))
    }

    /// The same for a path, of which any is right.
    pub(super) fn path(&self, pick: fn(&Overrides) -> &Option<PathBuf>) -> Option<&Path> {
        [&self.said, &self.file]
            .into_iter()
            .filter_map(|overrides| pick(overrides).as_deref())
            .find(|path| !is_empty(path))
    }
}

impl<'a> Found<'a> {
    /// Never shows the value, also where it is wrong.
    pub(super) fn secret(self) -> Self {
        Self {
            secret: true,
            ..self
        }
    }

    /// The value as it was said, without the space around it.
    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    /// The value that `read` makes of it. The error of `read` is what would
    /// have been right.
    pub(super) fn parse<T>(
        &self,
        read: impl FnOnce(&str) -> Result<T, &'static str>,
    ) -> Result<T, SettingsError> {
        read(self.text).map_err(|right| SettingsError::Wrong {
            name: self.name(),
            value: (!self.secret).then(|| self.text.to_owned()),
            right,
        })
    }

    /// What an operator calls it. Flag and variable are clap's own, so that
    /// they stand in one place only.
    fn name(&self) -> String {
        if let Some(file) = self.file {
            return format!("{} in {}", self.key, file.display());
        }
        let command = Overrides::augment_args(clap::Command::new(""));
        let argument = command.get_arguments().find(|a| a.get_id() == self.key);
        let flag = argument.and_then(clap::Arg::get_long);
        let variable = argument.and_then(clap::Arg::get_env);
        match (flag, variable) {
            (Some(flag), Some(variable)) => format!("--{flag} ({})", variable.display()),
            _ => self.key.to_owned(),
        }
    }
}

fn understand(text: &str, path: &Path) -> Result<Overrides, SettingsError> {
    toml::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let before = text.bytes().take(start);
        SettingsError::Misspelt {
            file: path.to_owned(),
            line: 1 + before.filter(|byte| *byte == b'\n').count(),
            detail: error.message().replace('\n', "; "),
        }
    })
}

fn is_empty(path: &Path) -> bool {
    path.as_os_str().is_empty()
}
