//! The epoch of the database's history.
//!
//! Clients keep state across runs (cursors, ids, tokens), which is valid in one
//! history. A restored database continues an older history, and would assign
//! the same versions and ids again. So a restore begins a new *epoch*: clients
//! notice that it differs from theirs, and ids continue far above those that
//! were assigned before.
//!
//! The commands `tidings restore` and `tidings restored` begin an epoch. The
//! server also writes the database's epoch and mark to the *epoch note*, a file
//! in the data folder. If the database is behind this note when the server
//! starts, the server begins an epoch, too.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement};

use super::MaintenanceRepository;
use crate::store::db::Result;

/// The file name of the epoch note in the data folder.
const NOTE_FILE: &str = "epoch";

/// The number of ids to skip: more than were assigned since any backup, and few
/// enough for two million restores.
const SKIPPED_IDS: i64 = 1 << 32;

/// Tables with ids that the database assigns and that clients or tokens refer
/// to.
const COUNTED_TABLES: [&str; 6] = [
    "user",
    "login",
    "connection",
    "conversation",
    "invite",
    "audit",
];

/// An epoch and the progress within it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseEpoch {
    /// A random name.
    pub name: String,
    /// The progress: a counter that rises while the database is in use.
    pub mark: i64,
}

impl MaintenanceRepository<'_> {
    /// Returns the database's epoch.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn load_epoch(self) -> Result<DatabaseEpoch> {
        let sql = "SELECT epoch, mark FROM epoch WHERE id = 1";
        let find = Statement::from_string(self.db.backend(), sql);
        parse_epoch(self.db.reader().query_one_raw(find).await?)
    }

    /// Compares the database with the epoch note in the data folder. If the
    /// database is behind the note or has another epoch, begins a new epoch.
    /// Then updates the note.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn check_epoch(self, folder: &Path) -> Result<DatabaseEpoch> {
        let found = self.load_epoch().await?;
        let noted = read_note(folder);
        let is_known = noted
            .as_ref()
            .is_none_or(|noted| noted.name == found.name && noted.mark <= found.mark);
        if is_known {
            return self.save_epoch_note(folder).await;
        }
        tracing::warn!(
            ?found,
            ?noted,
            "the database was restored: beginning a new epoch, clients reload all data"
        );
        self.renew_epoch(folder).await
    }

    /// Raises the mark and writes it to the epoch note in the data folder.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn save_epoch_note(self, folder: &Path) -> Result<DatabaseEpoch> {
        let sql = "UPDATE epoch SET mark = mark + 1 WHERE id = 1 RETURNING epoch, mark";
        let raise = Statement::from_string(self.db.backend(), sql);
        let now = parse_epoch(self.db.writer().query_one_raw(raise).await?)?;
        now.write_note(folder);
        Ok(now)
    }

    /// Begins a new epoch and writes it to the epoch note in the data folder.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn renew_epoch(self, folder: &Path) -> Result<DatabaseEpoch> {
        let now = self.begin_epoch().await?;
        now.write_note(folder);
        Ok(now)
    }

    /// Begins a new epoch. Ids continue far above those assigned before.
    ///
    /// # Errors
    /// If the database fails.
    pub(super) async fn begin_epoch(self) -> Result<DatabaseEpoch> {
        let random = match self.db.backend() {
            DbBackend::Sqlite => "lower(hex(randomblob(16)))",
            _ => "replace(CAST(gen_random_uuid() AS TEXT), '-', '')",
        };
        let tx = self.db.begin().await?;
        let sql = format!(
            "UPDATE epoch SET epoch = {random}, mark = mark + 1 WHERE id = 1 \
             RETURNING epoch, mark"
        );
        let renew = Statement::from_string(self.db.backend(), sql);
        let now = parse_epoch(tx.query_one_raw(renew).await?)?;
        skip_ids(&tx).await?;
        tx.commit().await?;
        Ok(now)
    }
}

fn parse_epoch(row: Option<QueryResult>) -> Result<DatabaseEpoch> {
    let row = row.ok_or_else(|| DbErr::RecordNotFound("epoch".to_owned()))?;
    Ok(DatabaseEpoch {
        name: row.try_get_by_index(0)?,
        mark: row.try_get_by_index(1)?,
    })
}

async fn skip_ids(tx: &impl ConnectionTrait) -> Result<()> {
    let backend = tx.get_database_backend();
    for table in COUNTED_TABLES {
        let sqls = match backend {
            DbBackend::Sqlite => vec![
                format!("UPDATE sqlite_sequence SET seq = seq + $1 WHERE name = '{table}'"),
                format!(
                    "INSERT INTO sqlite_sequence (name, seq) SELECT '{table}', $1 \
                     WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = '{table}')"
                ),
            ],
            _ => {
                let sequence = format!("pg_get_serial_sequence('\"{table}\"', 'id')");
                vec![format!(
                    "SELECT setval({sequence}, nextval({sequence}) + $1)"
                )]
            }
        };
        for sql in sqls {
            let statement = Statement::from_sql_and_values(backend, sql, [SKIPPED_IDS.into()]);
            tx.execute_raw(statement).await?;
        }
    }
    let sql = "INSERT INTO id_block (name, next) VALUES ('message', 1 + $1) \
               ON CONFLICT (name) DO UPDATE SET next = id_block.next + $1";
    let statement = Statement::from_sql_and_values(backend, sql, [SKIPPED_IDS.into()]);
    tx.execute_raw(statement).await?;
    Ok(())
}

impl DatabaseEpoch {
    /// Writes the epoch note in the data folder. If that fails, the previous
    /// note stays, and its mark is lower. The only effect is that a restore may
    /// go unnoticed.
    pub fn write_note(&self, folder: &Path) {
        if let Err(error) = replace_note(folder, self) {
            tracing::warn!(%error, "can't write the epoch note in the data folder");
        }
    }
}

/// Reads the epoch note in the data folder; none if it is missing or
/// unreadable.
fn read_note(folder: &Path) -> Option<DatabaseEpoch> {
    let text = match fs::read_to_string(folder.join(NOTE_FILE)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            tracing::warn!(%error, "can't read the epoch note in the data folder");
            return None;
        }
    };
    let (name, mark) = text.trim().split_once(' ')?;
    Some(DatabaseEpoch {
        name: name.to_owned(),
        mark: mark.parse().ok()?,
    })
}

fn replace_note(folder: &Path, epoch: &DatabaseEpoch) -> io::Result<()> {
    let mut file = tempfile::Builder::new()
        .prefix(".epoch-")
        .tempfile_in(folder)?;
    writeln!(file, "{} {}", epoch.name, epoch.mark)?;
    file.as_file().sync_all()?;
    file.persist(folder.join(NOTE_FILE))?;
    Ok(())
}
