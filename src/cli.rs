//! The commands: each is a thin layer over the application or the store.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command answers on stdout, and says on stderr why it can't"
)]

mod copies;
mod demo;
mod doctor;
mod secret;
mod serve;
mod users;

use std::future::Future;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{DatabaseUrl, Overrides, Settings};
use crate::store::{Store, StoreError};
use crate::telemetry;
use copies::Restore;
use secret::SecretCommand;
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
    /// Copy the embedded database to a file, also while a server runs
    ///
    /// The copy is of one moment, and looked through before it gets its name.
    Backup {
        /// Where to: a file that isn't there yet
        file: PathBuf,
    },
    /// Put a backup in the embedded database's place, while no server runs
    Restore(Restore),
    /// Note that the database was restored by other tools, while no server runs
    ///
    /// Run it after 'pg_restore'. Clients then read everything anew, instead of
    /// continuing with what was lost.
    Restored,
    /// Look whether all is well with the database, also while a server runs
    ///
    /// A line for each thing that is wrong, and exit code 1; nothing is
    /// changed.
    Doctor,
    /// Look after people's accounts
    #[command(subcommand)]
    User(UserCommand),
    /// Look after the key that signs tokens
    #[command(subcommand)]
    Secret(SecretCommand),
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
            failed => Self::new(failed.reason()),
        }
    }
}

/// A failure of that database, which it names.
fn of_database(url: &DatabaseUrl) -> impl Fn(StoreError) -> Failure {
    move |error| match error {
        StoreError::Refused(problem) => Failure::new(problem.detail),
        failed => Failure::new(format_args!(
            "the database {url} can't be used: {}",
            failed.reason()
        )),
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
            Command::Backup { file } => system.block_on(copies::back_up(&settings, &file)),
            Command::Restore(restore) => system.block_on(restore.run(&settings)),
            Command::Restored => system.block_on(copies::note_restored(&settings)),
            Command::Doctor => system.block_on(doctor::examine(&settings)),
            Command::Secret(command) => command.run(&settings),
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
    let url = &settings.database_url;
    let store = Store::open(url).await.map_err(of_database(url))?;
    store.migrate().await.map_err(of_database(url))?;
    let done = work(store.clone()).await;
    store.close().await;
    done
}
