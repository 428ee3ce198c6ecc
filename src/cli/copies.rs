//! `tidings backup`, `tidings restore` and `tidings restored`.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;
use tempfile::NamedTempFile;

use super::{Failure, of_database};
use crate::app::make_folder;
use crate::config::{DatabaseUrl, Settings};
use crate::store::copies::{self, Contents, Looked};
use crate::store::{FolderLock, Store, StoreError};

#[derive(Args)]
pub(super) struct Restore {
    /// A file that 'tidings backup' made
    file: PathBuf,
    /// Put it in the place of a database that has accounts, which is kept
    /// beside it under another name
    #[arg(long)]
    replace: bool,
}

/// Copies the embedded database into a file.
pub(super) async fn back_up(settings: &Settings, file: &Path) -> Result<(), Failure> {
    let database = embedded(settings, "back it up with 'pg_dump --format=custom'")?;
    if !database.exists() {
        return Err(no_database(database));
    }
    if file.exists() {
        return Err(taken(file));
    }
    let folder = folder_of(file);
    let copy = beside(folder)?;
    let url = &settings.database_url;
    let store = Store::open(url).await.map_err(of_database(url))?;
    let copied = store.copy_into(copy.path()).await;
    store.close().await;
    copied.map_err(of_database(url))?;
    let contents = whole(copy.path(), "the copy is no good").await?;
    put(copy, file)?;
    println!("{} holds {}.", file.display(), told(contents));
    Ok(())
}

/// Notes that the database was restored by other tools.
pub(super) async fn note_restored(settings: &Settings) -> Result<(), Failure> {
    make_folder(&settings.data_dir).map_err(Failure::new)?;
    let _alone = alone(&settings.data_dir)?;
    let url = &settings.database_url;
    let store = Store::open(url).await.map_err(of_database(url))?;
    let done = begin_anew(&store, &settings.data_dir).await;
    store.close().await;
    done.map_err(of_database(url))?;
    println!("Clients read everything anew when they connect.");
    Ok(())
}

async fn begin_anew(store: &Store, folder: &Path) -> Result<(), StoreError> {
    store.migrate().await?;
    // Until this ends, no server starts on it.
    let _lock = store.hold_alone().await?;
    store.leave_nobody_online().await?;
    store.renew_epoch(folder).await.map(drop)
}

impl Restore {
    /// Puts a copy in the embedded database's place.
    pub(super) async fn run(self, settings: &Settings) -> Result<(), Failure> {
        let database = embedded(settings, "restore it with 'pg_restore'")?;
        if !self.file.exists() {
            return Err(Failure::new(format_args!(
                "there is no file {}",
                self.file.display()
            )));
        }
        let log = copies::log_of(&self.file);
        if fs::metadata(&log).is_ok_and(|log| log.len() > 0) {
            return Err(Failure::new(format_args!(
                "{} is no backup but a database in use: {} stands beside it",
                self.file.display(),
                log.display()
            )));
        }
        let unfit = format!("{} can't be restored", self.file.display());
        let contents = whole(&self.file, &unfit).await?;
        make_folder(&settings.data_dir).map_err(Failure::new)?;
        let _alone = alone(&settings.data_dir)?;
        let old = self.old(database).await?;
        let copy = beside(folder_of(database))?;
        fs::copy(&self.file, copy.path()).map_err(|error| failed(&self.file, &error))?;
        let epoch = copies::make_ready(copy.path()).await?;
        if let Some(aside) = &old {
            put_aside(database, aside)?;
        }
        put(copy, database)?;
        epoch.note(&settings.data_dir);
        println!("{} holds {} now.", database.display(), told(contents));
        if let Some(aside) = old {
            println!("What it held before is kept as {}.", aside.display());
        }
        Ok(())
    }

    /// Where what is there now goes; none where there is nothing.
    async fn old(&self, database: &Path) -> Result<Option<PathBuf>, Failure> {
        if fs::metadata(database).is_ok_and(|file| file.len() == 0) {
            fs::remove_file(database).map_err(|error| failed(database, &error))?;
        }
        if !database.exists() {
            return Ok(None);
        }
        let people = people_in(database).await;
        if fs::exists(copies::log_of(database)).unwrap_or(true) && people.is_some() {
            return Err(Failure::new(format_args!(
                "{} is in use: stop whatever works on it",
                database.display()
            )));
        }
        if people != Some(0) && !self.replace {
            let held = people.map_or_else(|| "what can't be read".to_owned(), accounts);
            return Err(Failure::new(format_args!(
                "{} holds {held}: --replace puts it aside",
                database.display()
            )));
        }
        let now = Timestamp::now().strftime(".until-%Y%m%d-%H%M%S");
        Ok(Some(copies::beside(database, &now.to_string())))
    }
}

/// How many accounts a database has; none where it can't be read. Nobody else
/// has it open where what SQLite puts beside it is gone after that.
async fn people_in(database: &Path) -> Option<i64> {
    let url = DatabaseUrl::Sqlite(database.to_owned());
    let store = Store::open(&url).await.ok()?;
    let contents = store.contents().await;
    store.close().await;
    contents.ok().map(|contents| contents.people)
}

/// Moves a database with what stands beside it: its log first, since another
/// database in its place would take that for its own.
fn put_aside(database: &Path, aside: &Path) -> Result<(), Failure> {
    for end in ["-wal", "-shm", ""] {
        let from = copies::beside(database, end);
        if from.exists() {
            fs::rename(&from, copies::beside(aside, end)).map_err(|error| failed(&from, &error))?;
        }
    }
    Ok(())
}

/// Gives a finished copy its name, and has the disk know it. Never in the
/// place of something.
fn put(copy: NamedTempFile, name: &Path) -> Result<(), Failure> {
    copy.as_file()
        .sync_all()
        .map_err(|error| failed(name, &error))?;
    copy.persist_noclobber(name)
        .map_err(|error| match error.error.kind() {
            io::ErrorKind::AlreadyExists => taken(name),
            _ => failed(name, &error.error),
        })?;
    let folder = folder_of(name);
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|error| failed(folder, &error))
}

/// A file of our own, gone with this unless it gets a name.
fn beside(folder: &Path) -> Result<NamedTempFile, Failure> {
    if !folder.is_dir() {
        return Err(Failure::new(format_args!(
            "there is no folder {}",
            folder.display()
        )));
    }
    tempfile::Builder::new()
        .prefix(".tidings-")
        .tempfile_in(folder)
        .map_err(|error| failed(folder, &error))
}

async fn whole(file: &Path, unfit: &str) -> Result<Contents, Failure> {
    match copies::look_at(file).await {
        Ok(Looked::Whole(contents)) => Ok(contents),
        Ok(Looked::Unfit(why)) => Err(Failure::new(format_args!("{unfit}: {why}"))),
        Err(why) => Err(Failure::new(format_args!("{unfit}: {}", why.reason()))),
    }
}

pub(super) fn alone(folder: &Path) -> Result<FolderLock, Failure> {
    let lock = FolderLock::take(folder).map_err(|error| failed(folder, &error))?;
    lock.ok_or_else(|| {
        Failure::new(format_args!(
            "a server works in {}: stop it first",
            folder.display()
        ))
    })
}

/// The embedded database's file. PostgreSQL has tools of its own, which know
/// its roles, its replicas and its versions.
fn embedded<'a>(settings: &'a Settings, instead: &str) -> Result<&'a Path, Failure> {
    match &settings.database_url {
        DatabaseUrl::Sqlite(path) => Ok(path),
        DatabaseUrl::Postgres(_) => Err(Failure::new(format_args!(
            "the database is PostgreSQL: {instead}, see docs/deploy.md"
        ))),
    }
}

fn folder_of(file: &Path) -> &Path {
    let folder = file.parent().unwrap_or(Path::new("."));
    if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    }
}

pub(super) fn no_database(database: &Path) -> Failure {
    Failure::new(format_args!("there is no database {}", database.display()))
}

fn taken(file: &Path) -> Failure {
    Failure::new(format_args!("{} is there already", file.display()))
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format_args!("{}: {error}", path.display()))
}

fn told(contents: Contents) -> String {
    let Contents {
        people,
        conversations,
        messages,
    } = contents;
    format!(
        "{}, {conversations} conversations and {messages} messages",
        accounts(people)
    )
}

fn accounts(people: i64) -> String {
    format!("{people} accounts")
}
