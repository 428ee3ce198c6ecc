//! `tidings secret`: the key that signs tokens.

use clap::Subcommand;
use entity::Millis;

use super::{CliError, backup};
use crate::app::create_data_folder;
use crate::auth::Secret;
use crate::config::Settings;

#[derive(Subcommand)]
pub(super) enum SecretCommand {
    /// Replace the key that signs tokens; stop the server first
    ///
    /// Tokens of the old key stay valid for one more token lifetime, unless
    /// they expire before. Rotating again within that time invalidates them.
    Rotate,
}

impl SecretCommand {
    pub(super) fn run(&self, settings: &Settings) -> Result<(), CliError> {
        let folder = &settings.data_dir;
        create_data_folder(folder).map_err(CliError::new)?;
        let _lock = backup::lock_folder(folder)?;
        match self {
            Self::Rotate => {
                let failed =
                    |error| CliError::new(format_args!("the secret can't be replaced: {error}"));
                Secret::rotate(folder, Millis::now()).map_err(failed)?;
                println!("The server signs tokens with a new key after its next start.");
                Ok(())
            }
        }
    }
}
