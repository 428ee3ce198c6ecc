//! The commands: each is a thin layer over the application or the store.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command answers on stdout, and says on stderr why it can't"
)]

mod demo;
mod serve;
mod users;

use std::future::Future;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{Overrides, Settings};
use crate::store::{Store, StoreError};
use crate::telemetry;
use users::UserCommand;

/// A self-hosted, real-time messaging engine.
///
/// Without a command it serves. Every setting can also come from the
/// environment, then from a TOML file.
#[derive(Parser)]
#[command(version, about, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    settings: Overrides,
}

#[derive(Subcommand)]
enum Command {
    /// Serve until told to stop (the default)
    Serve,
    /// Bring the database's schema up to date
    ///
    /// SQLite is brought up to date whenever the server starts.
    Migrate,
    /// Fill an empty database with a small world to look at
    ///
    /// People, groups and some weeks of history. It prints how to log in.
    Demo,
    /// Look after people's accounts
    #[command(subcommand)]
    User(UserCommand),
}

/// Why a command failed: one line for whoever gave it, and the exit code.
#[derive(Debug, thiserror::Error)]
#[error("{line}")]
struct Failure {
    line: String,
    code: u8,
}

/// Something is wrong with what was asked, as clap has it.
const USAGE: u8 = 2;

impl Failure {
    /// What was asked can't be done.
    fn new(line: impl std::fmt::Display) -> Self {
        Self {
            line: line.to_string(),
            code: 1,
        }
    }

    /// What was asked is wrong in itself.
    fn usage(line: impl std::fmt::Display) -> Self {
        Self {
            line: line.to_string(),
            code: USAGE,
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Refused(problem) => Self::new(problem.detail),
            failed => Self::new(failed),
        }
    }
}

impl Cli {
    /// Does what the command line says.
    #[must_use]
    pub fn run(self) -> ExitCode {
        match self.command() {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => {
                eprintln!("tidings: {failure}");
                ExitCode::from(failure.code)
            }
        }
    }

    fn command(self) -> Result<(), Failure> {
        let settings = Settings::resolve(self.settings).map_err(Failure::usage)?;
        telemetry::init(&settings).map_err(Failure::usage)?;
        // Arbiters, and so all actors, need a system around them.
        let system = actix_web::rt::System::new();
        match self.command.unwrap_or(Command::Serve) {
            Command::Serve => system.block_on(serve::serve(settings)),
            Command::Migrate => system.block_on(with_store(&settings, |_| async { Ok(()) })),
            Command::Demo => system.block_on(with_store(&settings, async |store| {
                demo::fill(&settings, &store).await
            })),
            Command::User(command) => {
                system.block_on(with_store(&settings, |store| command.run(store)))
            }
        }
    }
}

/// Does something with the database, brought up to date first. Also while a
/// server runs: it takes no lock.
async fn with_store<F, Done>(settings: &Settings, work: F) -> Result<(), Failure>
where
    F: FnOnce(Store) -> Done,
    Done: Future<Output = Result<(), Failure>>,
{
    crate::app::make_folder(&settings.data_dir).map_err(Failure::new)?;
    let store = Store::open(&settings.database_url).await?;
    store.migrate().await?;
    let done = work(store.clone()).await;
    store.close().await;
    done
}
