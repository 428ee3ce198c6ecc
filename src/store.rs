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
mod cleanup;
mod connections;
mod conversations;
pub mod copies;
mod database;
mod doctor;
mod epoch;
mod error;
mod gather;
mod group_counts;
mod group_invitations;
mod ids;
mod import;
mod invites;
mod logins;
mod messages;
mod names;
mod notices;
mod open;
mod piece;
mod postgres;
mod presence;
mod profiles;
mod recent;
mod sqlite;
mod statement_time;
mod user_words;
mod users;
mod words;

use std::sync::Arc;

use entity::{LoginId, UserId, login, user};
use sea_orm::{AccessMode, ConnectionTrait, DbBackend, IsolationLevel, TransactionOptions, Value};

use database::{Database, Transaction};
use gather::Gather;
use recent::Recent;
use sqlite::Begin;

pub use admin::{
    Act, AuditFilter, AuditLine, AuditPlace, Called, ConversationLine, ConversationOrder, Deed,
    Deleted, Entry, Listing, NewReset, Part, PeopleOrder, PersonLine, Place, ReportView, Sizes,
    Standing as HouseStanding, Target,
};
pub use alone::ServeLock;
pub use audience::Acquaintances;
pub use connections::{Change, RequestOutcome};
pub use conversations::{
    Access, Changed, ConversationPage, Leaver, ListCursor, Missed, NewGroup, RoomMember,
    RoomRecord, Round, Standing, Standings, Waiting, Window,
};
pub use doctor::Finding;
pub use epoch::Epoch;
pub use error::StoreError;
pub use import::{Newcomer, World};
pub use invites::NewInvite;
pub use logins::{LIVE_MAX, Login, NewLogin, StartedLogin};
pub use messages::{PAGE_BYTES, Page, PageRequest, ReceiptsRequest, View};
pub use names::{KnownByPlace, MissedNames, Renamed};
pub use notices::notices_of;
pub use open::FolderLock;
pub use presence::Status;
pub use sqlite::SqliteProbe;
pub use statement_time::{StatementMeter, StatementPayer, keep_payer, paid_by};
pub use user_words::{Found, FoundCursor, FoundPage};
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
    writer: Database,
    reader: Database,
    ids: Arc<ids::Blocks>,
    asked: Arc<Asked>,
    /// Of the batches, where nothing has to be locked before they are written:
    /// PostgreSQL locks with the look.
    memory: Option<Arc<append::Memory>>,
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

    /// Begins a transaction that may write.
    async fn begin(&self) -> Result<Transaction> {
        Ok(match &self.writer {
            Database::Sqlite(writer) => Transaction::Sqlite(writer.begin(Begin::ToWrite).await?),
            Database::Postgres(pool) => {
                Transaction::Postgres(pool.begin_whole(TransactionOptions::default()).await?)
            }
        })
    }

    /// Commits a change of accounts or logins. What was read of them before is
    /// forgotten, also where nobody knows whether it was committed.
    async fn commit_of_people(&self, tx: Transaction) -> Result<()> {
        let done = tx.commit().await;
        self.asked.recent_logins.forget();
        Ok(done?)
    }

    /// Begins a transaction in which all reads see the same moment.
    async fn snapshot(&self) -> Result<Transaction> {
        let options = TransactionOptions {
            isolation_level: Some(IsolationLevel::RepeatableRead),
            access_mode: Some(AccessMode::ReadOnly),
            ..TransactionOptions::default()
        };
        Ok(match &self.reader {
            Database::Sqlite(reader) => Transaction::Sqlite(reader.begin(Begin::ToRead).await?),
            Database::Postgres(pool) => Transaction::Postgres(pool.begin_whole(options).await?),
        })
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// `Unavailable` where it doesn't.
    pub async fn ping(&self) -> Result<()> {
        Ok(self.reader.execute_unprepared("SELECT 1").await.map(drop)?)
    }
}

/// A number of rows, as a statement takes it.
fn count(limit: u64) -> Value {
    i64::try_from(limit).unwrap_or(i64::MAX).into()
}
