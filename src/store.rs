//! Questions to the database, by subject. [`Store`] is a cheap clone that all
//! layers above share.
//!
//! SQLite has one writing connection, so that writers queue here and not in
//! the database, and a few that can only read; PostgreSQL has one pool. Every
//! write that belongs together is one transaction. The hot one is
//! [`append`]: what the Journal commits.

mod admin;
mod alone;
pub mod append;
mod audience;
mod blocks;
mod connections;
mod conversations;
pub mod copies;
mod doctor;
mod error;
mod gather;
mod ids;
mod import;
mod invites;
mod logins;
mod messages;
mod open;
mod piece;
mod presence;
mod profiles;
mod recent;
mod user_words;
mod users;
mod words;

use std::sync::Arc;

use entity::{LoginId, UserId, login, user};
use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    IsolationLevel, RuntimeErr, SqliteTransactionMode, TransactionOptions, TransactionTrait, Value,
};

use gather::Gather;
use recent::Recent;

pub use admin::{
    Act, AuditFilter, AuditLine, AuditPlace, Called, ConversationLine, ConversationOrder, Deed,
    Deleted, Entry, Listing, NewReset, Part, PeopleOrder, PersonLine, Place, Sizes,
    Standing as HouseStanding, Target,
};
pub use alone::ServeLock;
pub use audience::Acquaintance;
pub use connections::{Change, RequestOutcome};
pub use conversations::{
    Access, Changed, Leaver, ListCursor, Missed, NewGroup, RoomMember, RoomRecord, Round, Standing,
    Waiting, Window,
};
pub use doctor::Finding;
pub use error::StoreError;
pub use import::{Newcomer, World};
pub use invites::NewInvite;
pub use logins::{Login, NewLogin};
pub use messages::{Page, PageRequest, ReceiptsRequest, View};
pub use open::FolderLock;
pub use presence::Status;
pub use user_words::{Found, FoundCursor};
pub use users::{NewUser, ProfileChange};
pub use words::Wanted;

/// In conversations of more people nobody is told of each of them: not how far
/// their marks are, nor their names, nor who is here.
pub(crate) const TELLS_EACH_UP_TO: i32 = 100;
/// As many rows, or people, as their bind parameters allow in one statement on
/// both databases, with room to spare.
const AT_A_TIME: usize = 500;

/// A handle to the database.
#[derive(Clone)]
pub struct Store {
    writer: DatabaseConnection,
    reader: DatabaseConnection,
    ids: Arc<ids::Blocks>,
    asked: Arc<Asked>,
}

/// What everybody asks who opens a socket, or makes a request.
#[derive(Default)]
struct Asked {
    logins: Gather<LoginId, (login::Model, user::Model)>,
    recent_logins: Recent<LoginId, (login::Model, user::Model)>,
    waiting: Gather<UserId, Vec<Waiting>>,
    pending: Gather<UserId, i64>,
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

    /// Commits a change of accounts or logins. What was read of them before is
    /// forgotten, also where nobody knows whether it was committed.
    async fn commit_of_people(&self, tx: DatabaseTransaction) -> Result<()> {
        let done = tx.commit().await;
        self.asked.recent_logins.forget();
        Ok(done?)
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

/// A number of rows, as a statement takes it.
fn count(limit: u64) -> Value {
    i64::try_from(limit).unwrap_or(i64::MAX).into()
}
