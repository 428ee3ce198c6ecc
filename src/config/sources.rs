//! Sources of settings and their precedence.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::Args;

use super::{SettingOverrides, SettingsError};

/// The settings file to read if the operator names no other one. It may be
/// missing.
const DEFAULT_FILE: &str = "./tidings.toml";

/// The settings of the command line and the environment, which clap has merged,
/// and of the settings file.
pub(super) struct SettingSources {
    command_line: SettingOverrides,
    file: SettingOverrides,
    path: PathBuf,
}

/// One value and its source.
pub(super) struct SettingValue<'a> {
    key: &'static str,
    text: &'a str,
    file: Option<&'a Path>,
    is_secret: bool,
}

impl SettingSources {
    /// Reads the settings file, if there is one.
    pub(super) fn load(said: SettingOverrides) -> Result<Self, SettingsError> {
        let named = said.config.clone().filter(|path| !is_empty(path));
        let may_lack = named.is_none();
        let path = named.unwrap_or_else(|| DEFAULT_FILE.into());
        let file = match std::fs::read_to_string(&path) {
            Ok(text) => parse_file(&text, &path)?,
            Err(cause) if may_lack && cause.kind() == ErrorKind::NotFound => {
                SettingOverrides::default()
            }
            Err(cause) => return Err(SettingsError::Unreadable { file: path, cause }),
        };
        Ok(Self {
            command_line: said,
            file,
            path,
        })
    }

    /// Returns the value of `key` from the first source that sets it. `pick`
    /// reads the value from a source.
    pub(super) fn text(
        &self,
        key: &'static str,
        pick: fn(&SettingOverrides) -> &Option<String>,
    ) -> Option<SettingValue<'_>> {
        let look = |overrides, file| {
            let text = Option::as_deref(pick(overrides))?.trim();
            (!text.is_empty()).then_some(SettingValue {
                key,
                text,
                file,
                is_secret: false,
            })
        };
        look(&self.command_line, None).or_else(|| look(&self.file, Some(&self.path)))
    }

    /// Returns the path from the first source that sets it. Any path is valid.
    pub(super) fn path(&self, pick: fn(&SettingOverrides) -> &Option<PathBuf>) -> Option<&Path> {
        [&self.command_line, &self.file]
            .into_iter()
            .filter_map(|overrides| pick(overrides).as_deref())
            .find(|path| !is_empty(path))
    }
}

impl<'a> SettingValue<'a> {
    /// Hides the value, even in the error for an invalid one.
    pub(super) fn hide_value(self) -> Self {
        Self {
            is_secret: true,
            ..self
        }
    }

    /// Returns the given value without surrounding white space.
    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    /// Parses the value with `read`, whose error is the expected format.
    pub(super) fn parse<T>(
        &self,
        read: impl FnOnce(&str) -> Result<T, &'static str>,
    ) -> Result<T, SettingsError> {
        read(self.text).map_err(|right| SettingsError::Wrong {
            name: self.name(),
            value: (!self.is_secret).then(|| self.text.to_owned()),
            right,
        })
    }

    /// Returns the setting's name for operators. Flag and variable come from
    /// clap, so that they are defined only once.
    fn name(&self) -> String {
        if let Some(file) = self.file {
            return format!("{} in {}", self.key, file.display());
        }
        let command = SettingOverrides::augment_args(clap::Command::new(""));
        let argument = command.get_arguments().find(|a| a.get_id() == self.key);
        let flag = argument.and_then(clap::Arg::get_long);
        let variable = argument.and_then(clap::Arg::get_env);
        match (flag, variable) {
            (Some(flag), Some(variable)) => format!("--{flag} ({})", variable.display()),
            _ => self.key.to_owned(),
        }
    }
}

fn parse_file(text: &str, path: &Path) -> Result<SettingOverrides, SettingsError> {
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
