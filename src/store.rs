//! Questions to the database, by subject. [`Store`] is a cheap clone that all
//! layers above share.
//!
//! SQLite has one writing connection, so that writers queue here and not in
//! the database, and a few that can only read; PostgreSQL has one pool. Every
//! write that belongs together is one transaction. The hot one is
//! [`append`]: what the Journal commits.

pub mod append;
mod blocks;
mod connections;
mod conversations;
mod error;
mod ids;
mod import;
mod invites;
mod logins;
mod messages;
mod open;
mod presence;
mod profiles;
mod user_words;
mod users;

use std::sync::Arc;

use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    IsolationLevel, RuntimeErr, SqliteTransactionMode, TransactionOptions, TransactionTrait,
};

pub use connections::{Change, RequestOutcome};
pub use conversations::{
    Access, Leaver, ListCursor, Missed, NewGroup, RoomMember, RoomRecord, Window,
};
pub use error::StoreError;
pub use import::{Newcomer, World};
pub use invites::NewInvite;
pub use logins::{Login, NewLogin};
pub use messages::{Page, PageRequest};
pub use open::FolderLock;
pub use user_words::{Found, FoundCursor};
pub use users::{NewUser, ProfileChange};

/// A handle to the database.
#[derive(Clone)]
pub struct Store {
    writer: DatabaseConnection,
    reader: DatabaseConnection,
    ids: Arc<ids::Blocks>,
}

/// What a store's functions answer.
pub type Result<T> = std::result::Result<T, StoreError>;

impl Store {
    fn backend(&self) -> DbBackend {
        self.writer.get_database_backend()
    }

    /// Begins a transaction that may write. On SQLite it takes the write lock
    /// at once, so that it can't fail half-way for want of it.
    async fn begin(&self) -> Result<DatabaseTransaction> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        begin_whole(&self.writer, options).await
    }

    /// Begins a transaction in which all reads see the same moment.
    async fn snapshot(&self) -> Result<DatabaseTransaction> {
        let options = match self.backend() {
            // A SQLite transaction is a snapshot from its first read on.
            DbBackend::Sqlite => TransactionOptions::default(),
            _ => TransactionOptions {
                isolation_level: Some(IsolationLevel::RepeatableRead),
                access_mode: Some(AccessMode::ReadOnly),
                ..TransactionOptions::default()
            },
        };
        begin_whole(&self.reader, options).await
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// `Unavailable` where it doesn't.
    pub async fn ping(&self) -> Result<()> {
        Ok(self.reader.execute_unprepared("SELECT 1").await.map(drop)?)
    }
}

/// Begins a transaction in a task of its own, which ends also where nobody
/// waits for it any more: a request or a session may be dropped at any moment.
/// sqlx gives a PostgreSQL connection that was dropped amid `BEGIN` back to
/// its pool with the transaction open, and what the next one writes there by
/// itself would never be committed. One that has begun is rolled back.
async fn begin_whole(
    pool: &DatabaseConnection,
    options: TransactionOptions,
) -> Result<DatabaseTransaction> {
    let pool = pool.clone();
    let begun = tokio::spawn(async move { pool.begin_with_options(options).await });
    match begun.await {
        Ok(begun) => Ok(begun?),
        // The runtime is going, and takes its tasks along.
        Err(error) => Err(DbErr::Conn(RuntimeErr::Internal(error.to_string())).into()),
    }
}
