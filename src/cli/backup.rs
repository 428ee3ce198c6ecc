//! `tidings backup`, `tidings restore` and `tidings restored`.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;
use tempfile::NamedTempFile;

use super::{CliError, database_error};
use crate::app::create_data_folder;
use crate::config::{DatabaseUrl, Settings};
use crate::store::backup::{self, DatabaseContents, FileInspection};
use crate::store::{FolderLock, Store, StoreError};

#[derive(Args)]
pub(super) struct RestoreArgs {
    /// A file that 'tidings backup' created
    file: PathBuf,
    /// Replace a database that has accounts; the old one is kept beside it
    /// under another name
    #[arg(long)]
    replace: bool,
}

/// Copies the SQLite database into a file and verifies the copy.
pub(super) async fn back_up(settings: &Settings, file: &Path) -> Result<(), CliError> {
    let database = sqlite_path(settings, "back it up with 'pg_dump --format=custom'")?;
    if !database.exists() {
        return Err(missing_database(database));
    }
    if file.exists() {
        return Err(file_exists(file));
    }
    let folder = parent_folder(file);
    let copy = create_copy_file(folder)?;
    let url = &settings.database_url;
    let store = Store::open(url).await.map_err(database_error(url))?;
    let copied = store.maintenance().back_up_to(copy.path()).await;
    store.close().await;
    copied.map_err(database_error(url))?;
    let contents = check_copy(copy.path(), "the backup can't be used").await?;
    persist_copy(copy, file)?;
    println!("{} holds {}.", file.display(), describe_contents(contents));
    Ok(())
}

/// Begins a new epoch after another tool restored the database.
pub(super) async fn note_restored(settings: &Settings) -> Result<(), CliError> {
    create_data_folder(&settings.data_dir).map_err(CliError::new)?;
    let _lock = lock_folder(&settings.data_dir)?;
    let url = &settings.database_url;
    let store = Store::open(url).await.map_err(database_error(url))?;
    let done = renew_epoch(&store, &settings.data_dir).await;
    store.close().await;
    done.map_err(database_error(url))?;
    println!("Clients load all data again when they connect.");
    Ok(())
}

async fn renew_epoch(store: &Store, folder: &Path) -> Result<(), StoreError> {
    store.maintenance().migrate().await?;
    // While this lock is held, no server can start on the database.
    let _lock = store.maintenance().acquire_serve_lock().await?;
    store.presence().settle_online_users().await?;
    store.maintenance().renew_epoch(folder).await.map(drop)
}

impl RestoreArgs {
    /// Replaces the SQLite database with a copy of the backup.
    pub(super) async fn run(self, settings: &Settings) -> Result<(), CliError> {
        let database = sqlite_path(settings, "restore it with 'pg_restore'")?;
        if !self.file.exists() {
            return Err(CliError::new(format_args!(
                "{} doesn't exist",
                self.file.display()
            )));
        }
        let log = backup::wal_path(&self.file);
        if fs::metadata(&log).is_ok_and(|log| log.len() > 0) {
            return Err(CliError::new(format_args!(
                "{} is not a backup but a database in use: {} exists",
                self.file.display(),
                log.display()
            )));
        }
        let unfit = format!("{} can't be restored", self.file.display());
        let contents = check_copy(&self.file, &unfit).await?;
        create_data_folder(&settings.data_dir).map_err(CliError::new)?;
        let _lock = lock_folder(&settings.data_dir)?;
        let old = self.find_aside_path(database).await?;
        let copy = create_copy_file(parent_folder(database))?;
        fs::copy(&self.file, copy.path()).map_err(|error| io_failure(&self.file, &error))?;
        let epoch = backup::prepare_restore(copy.path()).await?;
        if let Some(aside) = &old {
            put_aside(database, aside)?;
        }
        persist_copy(copy, database)?;
        epoch.write_note(&settings.data_dir);
        println!(
            "{} holds {} now.",
            database.display(),
            describe_contents(contents)
        );
        if let Some(aside) = old {
            println!("The previous database is kept as {}.", aside.display());
        }
        Ok(())
    }

    /// Returns the path to move the current database to, or `None` if there is
    /// no database. Removes an empty file.
    async fn find_aside_path(&self, database: &Path) -> Result<Option<PathBuf>, CliError> {
        if fs::metadata(database).is_ok_and(|file| file.len() == 0) {
            fs::remove_file(database).map_err(|error| io_failure(database, &error))?;
        }
        if !database.exists() {
            return Ok(None);
        }
        let people = count_accounts(database).await;
        if fs::exists(backup::wal_path(database)).unwrap_or(true) && people.is_some() {
            return Err(CliError::new(format_args!(
                "{} is in use: stop the process that uses it",
                database.display()
            )));
        }
        if people != Some(0) && !self.replace {
            let held = people.map_or_else(|| "data that can't be read".to_owned(), format_accounts);
            return Err(CliError::new(format_args!(
                "{} holds {held}: use --replace to move it to another name",
                database.display()
            )));
        }
        let now = Timestamp::now().strftime(".until-%Y%m%d-%H%M%S");
        Ok(Some(backup::sibling_path(database, &now.to_string())))
    }
}

/// Returns the number of accounts, or `None` if the database can't be read.
/// SQLite removes the WAL when its last connection closes. If the WAL remains
/// after this call, another process has the database open.
async fn count_accounts(database: &Path) -> Option<i64> {
    let url = DatabaseUrl::Sqlite(database.to_owned());
    let store = Store::open(&url).await.ok()?;
    let contents = store.maintenance().count_contents().await;
    store.close().await;
    contents.ok().map(|contents| contents.people)
}

/// Moves a database with its WAL and shared-memory file. Those go first: a new
/// database at this path would take a leftover WAL for its own.
fn put_aside(database: &Path, aside: &Path) -> Result<(), CliError> {
    for end in ["-wal", "-shm", ""] {
        let from = backup::sibling_path(database, end);
        if from.exists() {
            fs::rename(&from, backup::sibling_path(aside, end))
                .map_err(|error| io_failure(&from, &error))?;
        }
    }
    Ok(())
}

/// Gives a finished copy its name, and syncs the file and its folder. Fails if
/// the name is taken.
fn persist_copy(copy: NamedTempFile, name: &Path) -> Result<(), CliError> {
    copy.as_file()
        .sync_all()
        .map_err(|error| io_failure(name, &error))?;
    copy.persist_noclobber(name)
        .map_err(|error| match error.error.kind() {
            io::ErrorKind::AlreadyExists => file_exists(name),
            _ => io_failure(name, &error.error),
        })?;
    let folder = parent_folder(name);
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|error| io_failure(folder, &error))
}

/// Creates a temporary file, which is removed on drop unless it gets a name.
fn create_copy_file(folder: &Path) -> Result<NamedTempFile, CliError> {
    if !folder.is_dir() {
        return Err(CliError::new(format_args!(
            "the folder {} doesn't exist",
            folder.display()
        )));
    }
    tempfile::Builder::new()
        .prefix(".tidings-")
        .tempfile_in(folder)
        .map_err(|error| io_failure(folder, &error))
}

async fn check_copy(file: &Path, unfit: &str) -> Result<DatabaseContents, CliError> {
    match backup::inspect_file(file).await {
        Ok(FileInspection::Valid(contents)) => Ok(contents),
        Ok(FileInspection::Invalid(why)) => Err(CliError::new(format_args!("{unfit}: {why}"))),
        Err(why) => Err(CliError::new(format_args!("{unfit}: {}", why.reason()))),
    }
}

pub(super) fn lock_folder(folder: &Path) -> Result<FolderLock, CliError> {
    let lock = FolderLock::try_acquire(folder).map_err(|error| io_failure(folder, &error))?;
    lock.ok_or_else(|| {
        CliError::new(format_args!(
            "a server uses {}: stop it first",
            folder.display()
        ))
    })
}

/// Returns the path of the SQLite database. PostgreSQL has its own tools, which
/// know its roles, replicas and versions.
fn sqlite_path<'a>(settings: &'a Settings, instead: &str) -> Result<&'a Path, CliError> {
    match &settings.database_url {
        DatabaseUrl::Sqlite(path) => Ok(path),
        DatabaseUrl::Postgres(_) => Err(CliError::new(format_args!(
            "the database is PostgreSQL: {instead}, see docs/deploy.md"
        ))),
    }
}

fn parent_folder(file: &Path) -> &Path {
    let folder = file.parent().unwrap_or(Path::new("."));
    if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    }
}

pub(super) fn missing_database(database: &Path) -> CliError {
    CliError::new(format_args!(
        "the database {} doesn't exist",
        database.display()
    ))
}

fn file_exists(file: &Path) -> CliError {
    CliError::new(format_args!("{} already exists", file.display()))
}

fn io_failure(path: &Path, error: &io::Error) -> CliError {
    CliError::new(format_args!("{}: {error}", path.display()))
}

fn describe_contents(contents: DatabaseContents) -> String {
    let DatabaseContents {
        people,
        conversations,
        messages,
    } = contents;
    format!(
        "{}, {conversations} conversations and {messages} messages",
        format_accounts(people)
    )
}

fn format_accounts(people: i64) -> String {
    format!("{people} accounts")
}
