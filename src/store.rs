//! Questions to the database, by subject. [`Store`] is a cheap clone that all
//! layers above share.
//!
//! SQLite has one writing connection, so that writers queue here and not in
//! the database, and a few that can only read; PostgreSQL has one pool. Every
//! write that belongs together is one transaction. The hot one is
//! [`append`]: what the Journal commits.

pub mod append;
mod connections;
mod conversations;
mod error;
mod ids;
mod logins;
mod messages;
mod open;
mod presence;
mod users;

use std::sync::Arc;

use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend,
    IsolationLevel, SqliteTransactionMode, TransactionOptions, TransactionTrait,
};

pub use connections::{Change, RequestOutcome};
pub use conversations::{
    Access, Leaver, ListCursor, Missed, NewGroup, RoomMember, RoomRecord, Window,
};
pub use error::StoreError;
pub use logins::{Login, NewLogin};
pub use messages::{Page, PageRequest};
pub use open::FolderLock;
pub use users::NewUser;

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
        Ok(self.writer.begin_with_options(options).await?)
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
        Ok(self.reader.begin_with_options(options).await?)
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// `Unavailable` where it doesn't.
    pub async fn ping(&self) -> Result<()> {
        Ok(self.reader.execute_unprepared("SELECT 1").await.map(drop)?)
    }
}
