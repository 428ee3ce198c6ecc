//! Which history the database has.
//!
//! What clients keep across runs (cursors, ids, tokens) is about one history.
//! A restored database continues an older one, which would give the same
//! versions and ids to other things. So a restore begins a new *epoch*: clients
//! see that it differs from theirs, and ids continue far above those that were
//! given before.
//!
//! `restore` and `restored` begin it. A start begins it, too, if the database
//! is behind what the data folder notes of it.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement};

use super::{Result, Store};

/// The note's name in the data folder.
const NOTE: &str = "epoch";

/// So many ids are skipped: more than were given since any copy was made, and
/// few enough for two million restores.
const SKIPPED_IDS: i64 = 1 << 32;

/// The tables whose ids the database counts up, and that clients or tokens
/// name.
const COUNTED: [&str; 6] = [
    "user",
    "login",
    "connection",
    "conversation",
    "invite",
    "audit",
];

/// Which history it is, and how far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// Random.
    pub name: String,
    /// Rises while the database is in use.
    pub mark: i64,
}

impl Store {
    /// Which history this database has.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn epoch(&self) -> Result<Epoch> {
        let sql = "SELECT epoch, mark FROM epoch WHERE id = 1";
        let find = Statement::from_string(self.backend(), sql);
        of_row(self.reader.query_one_raw(find).await?)
    }

    /// Compares the database with what the data folder notes of it. If it is
    /// behind that, or of another history, a new epoch begins. The folder notes
    /// how it is then.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn check_epoch(&self, folder: &Path) -> Result<Epoch> {
        let found = self.epoch().await?;
        let noted = read_note(folder);
        let is_known = noted
            .as_ref()
            .is_none_or(|noted| noted.name == found.name && noted.mark <= found.mark);
        if is_known {
            return self.note_epoch(folder).await;
        }
        tracing::warn!(
            ?found,
            ?noted,
            "the database was restored: every client reads it anew"
        );
        self.renew_epoch(folder).await
    }

    /// Notes in the data folder how far the database is.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn note_epoch(&self, folder: &Path) -> Result<Epoch> {
        let sql = "UPDATE epoch SET mark = mark + 1 WHERE id = 1 RETURNING epoch, mark";
        let raise = Statement::from_string(self.backend(), sql);
        let now = of_row(self.writer.query_one_raw(raise).await?)?;
        now.note(folder);
        Ok(now)
    }

    /// Begins a new epoch, and notes it in the data folder.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn renew_epoch(&self, folder: &Path) -> Result<Epoch> {
        let now = self.begin_epoch().await?;
        now.note(folder);
        Ok(now)
    }

    /// Begins a new epoch: ids go on far above those that were given.
    ///
    /// # Errors
    /// If the database fails.
    pub(super) async fn begin_epoch(&self) -> Result<Epoch> {
        let random = match self.backend() {
            DbBackend::Sqlite => "lower(hex(randomblob(16)))",
            _ => "replace(CAST(gen_random_uuid() AS TEXT), '-', '')",
        };
        let tx = self.begin().await?;
        let sql = format!(
            "UPDATE epoch SET epoch = {random}, mark = mark + 1 WHERE id = 1 \
             RETURNING epoch, mark"
        );
        let renew = Statement::from_string(self.backend(), sql);
        let now = of_row(tx.query_one_raw(renew).await?)?;
        skip_ids(&tx).await?;
        tx.commit().await?;
        Ok(now)
    }
}

fn of_row(row: Option<QueryResult>) -> Result<Epoch> {
    let row = row.ok_or_else(|| DbErr::RecordNotFound("epoch".to_owned()))?;
    Ok(Epoch {
        name: row.try_get_by_index(0)?,
        mark: row.try_get_by_index(1)?,
    })
}

async fn skip_ids(tx: &impl ConnectionTrait) -> Result<()> {
    let backend = tx.get_database_backend();
    for table in COUNTED {
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

impl Epoch {
    /// Notes it in the data folder. A note that can't be written leaves the one
    /// before it, which is lower: a restore may go unnoticed then, and nothing
    /// else.
    pub fn note(&self, folder: &Path) {
        if let Err(error) = replace_note(folder, self) {
            tracing::warn!(%error, "can't note which history the database has");
        }
    }
}

/// What the folder notes; none if there is no note, or none that can be read.
fn read_note(folder: &Path) -> Option<Epoch> {
    let text = match fs::read_to_string(folder.join(NOTE)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            tracing::warn!(%error, "can't read which history the database had");
            return None;
        }
    };
    let (name, mark) = text.trim().split_once(' ')?;
    Some(Epoch {
        name: name.to_owned(),
        mark: mark.parse().ok()?,
    })
}

fn replace_note(folder: &Path, epoch: &Epoch) -> io::Result<()> {
    let mut file = tempfile::Builder::new()
        .prefix(".epoch-")
        .tempfile_in(folder)?;
    writeln!(file, "{} {}", epoch.name, epoch.mark)?;
    file.as_file().sync_all()?;
    file.persist(folder.join(NOTE))?;
    Ok(())
}
