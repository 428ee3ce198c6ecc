//! `tidings secret`: the key that signs tokens.

use clap::Subcommand;
use entity::Millis;

use super::{Failure, copies};
use crate::app::make_folder;
use crate::auth::Secret;
use crate::config::Settings;

#[derive(Subcommand)]
pub(super) enum SecretCommand {
    /// Put a new key in the place of the one that signs tokens, while no
    /// server runs
    ///
    /// Tokens of the old key hold for one more token lifetime, unless they
    /// expire before. Rotating again within that time ends them.
    Rotate,
}

impl SecretCommand {
    pub(super) fn run(&self, settings: &Settings) -> Result<(), Failure> {
        let folder = &settings.data_dir;
        make_folder(folder).map_err(Failure::new)?;
        let _lock = copies::alone(folder)?;
        match self {
            Self::Rotate => {
                let failed =
                    |error| Failure::new(format_args!("the secret can't be replaced: {error}"));
                Secret::rotate(folder, Millis::now()).map_err(failed)?;
                println!("The next start signs tokens with a new key.");
                Ok(())
            }
        }
    }
}
