//! The commands, each a thin layer over the application or the store.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command prints results to stdout and errors to stderr"
)]

mod backup;
mod demo;
mod doctor;
mod secret;
mod serve;
mod users;

use std::future::Future;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{DatabaseUrl, SettingOverrides, Settings};
use crate::store::{Store, StoreError};
use crate::telemetry;
use backup::RestoreArgs;
use secret::SecretCommand;
use users::UserCommand;

/// A self-hosted, real-time messaging engine.
///
/// Without a command, it serves. Every setting comes from a flag, else from the
/// environment, else from a TOML file.
#[derive(Parser)]
#[command(version, about, max_term_width = 100)]
pub struct CommandLine {
    #[command(subcommand)]
    command: Option<CliCommand>,

    #[command(flatten)]
    settings: SettingOverrides,
}

#[derive(Subcommand)]
enum CliCommand {
    /// Run the server until SIGTERM or SIGINT (the default)
    Serve,
    /// Migrate the database to the schema of this version
    ///
    /// The server migrates a SQLite database at each start.
    Migrate,
    /// Fill an empty database with demo data
    ///
    /// It has users, groups and some weeks of history. The command prints how
    /// to log in.
    Demo,
    /// Copy the SQLite database to a file; a server may be running
    ///
    /// The copy is a consistent snapshot. It is verified before it gets its
    /// name.
    Backup {
        /// The new file; it must not exist yet
        file: PathBuf,
    },
    /// Replace the SQLite database with a backup; stop the server first
    Restore(RestoreArgs),
    /// Record that another tool restored the database; stop the server first
    ///
    /// Run it after 'pg_restore'. Clients then load all data again, because
    /// their cursors may be ahead of the restored database.
    Restored,
    /// Check the database for inconsistencies; a server may be running
    ///
    /// Prints a line for each problem, and exits with code 1 if there is any.
    /// It changes nothing.
    Doctor,
    /// Manage user accounts
    #[command(subcommand)]
    User(UserCommand),
    /// Manage the key that signs tokens
    #[command(subcommand)]
    Secret(SecretCommand),
}

/// The failure of a command: one line for the operator, and the exit code.
#[derive(Debug, thiserror::Error)]
#[error("{line}")]
struct CliError {
    line: String,
    code: u8,
}

/// The exit code for invalid arguments; clap uses the same.
const USAGE_EXIT_CODE: u8 = 2;

impl CliError {
    /// Returns the error of a valid command that failed.
    fn new(line: impl std::fmt::Display) -> Self {
        Self {
            line: line.to_string(),
            code: 1,
        }
    }

    /// Returns the error of an invalid argument or setting.
    fn usage(line: impl std::fmt::Display) -> Self {
        Self {
            line: line.to_string(),
            code: USAGE_EXIT_CODE,
        }
    }
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Refused(problem) => Self::new(problem.detail),
            failed => Self::new(failed.reason()),
        }
    }
}

/// Returns a function that converts store errors; it names the database if the
/// database failed.
fn database_error(url: &DatabaseUrl) -> impl Fn(StoreError) -> CliError {
    move |error| match error {
        StoreError::Refused(problem) => CliError::new(problem.detail),
        failed => CliError::new(format_args!(
            "the database {url} can't be used: {}",
            failed.reason()
        )),
    }
}

impl CommandLine {
    /// Runs the command and returns its exit code.
    #[must_use]
    pub fn run(self) -> ExitCode {
        match self.run_command() {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => {
                eprintln!("tidings: {failure}");
                ExitCode::from(failure.code)
            }
        }
    }

    fn run_command(self) -> Result<(), CliError> {
        let settings = Settings::resolve(self.settings).map_err(CliError::usage)?;
        telemetry::init(&settings).map_err(CliError::usage)?;
        // Actors run on arbiters, which need an actix system.
        let system = actix_web::rt::System::new();
        match self.command.unwrap_or(CliCommand::Serve) {
            CliCommand::Serve => system.block_on(serve::serve(settings)),
            CliCommand::Migrate => system.block_on(with_store(&settings, |_| async { Ok(()) })),
            CliCommand::Demo => system.block_on(with_store(&settings, async |store| {
                demo::fill_database(&settings, &store).await
            })),
            CliCommand::Backup { file } => system.block_on(backup::back_up(&settings, &file)),
            CliCommand::Restore(restore) => system.block_on(restore.run(&settings)),
            CliCommand::Restored => system.block_on(backup::note_restored(&settings)),
            CliCommand::Doctor => system.block_on(doctor::examine(&settings)),
            CliCommand::Secret(command) => command.run(&settings),
            CliCommand::User(command) => {
                system.block_on(with_store(&settings, |store| command.run(store)))
            }
        }
    }
}

/// Migrates the database and runs `work` on it. It takes no lock, so a server
/// may be running.
async fn with_store<F, Done>(settings: &Settings, work: F) -> Result<(), CliError>
where
    F: FnOnce(Store) -> Done,
    Done: Future<Output = Result<(), CliError>>,
{
    crate::app::create_data_folder(&settings.data_dir).map_err(CliError::new)?;
    let url = &settings.database_url;
    let store = Store::open(url).await.map_err(database_error(url))?;
    store
        .maintenance()
        .migrate()
        .await
        .map_err(database_error(url))?;
    let done = work(store.clone()).await;
    store.close().await;
    done
}
