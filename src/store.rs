//! Database queries by subject. [`Store`] is a cheap clone that all layers
//! above share. It has a repository for each subject, which borrows its
//! connections and caches.
//!
//! [`db`] has connections, transactions and statements, and depends on no
//! subject. The most frequent write is [`append`], the batch of the Journal.

mod admin;
pub mod append;
mod audit;
mod blocked_pairs;
mod blocks;
mod connections;
mod conversations;
mod db;
mod group_counts;
mod group_invitations;
mod ids;
mod invites;
mod limits;
mod logins;
mod maintenance;
mod messages;
mod name_changes;
mod presence;
mod search_terms;
mod unread;
mod users;

use std::sync::Arc;

use sea_orm::DbBackend;

use crate::config::DatabaseUrl;
use append::ConversationCache;
use connections::PendingCountLoader;
use db::Db;
use ids::MessageIdBlock;
use logins::LoginCache;
use unread::UnreadLoader;

pub use admin::{
    AccountRepository, AccountRole, AdminListCursor, AdminListQuery, ConversationListRow,
    ConversationOrder, DeletedAccount, ModerationRepository, NewPasswordReset, ParticipantRecord,
    ReportRecord, ReportRepository, UserListOrder, UserListRow,
};
pub use append::JournalRepository;
pub use audit::{
    AuditAction, AuditActorFilter, AuditContext, AuditCursor, AuditEntry, AuditFilter, AuditLine,
    AuditRepository, AuditTarget,
};
pub use blocks::BlockRepository;
pub use connections::{ConnectionChange, ConnectionRepository, ConnectionRequestOutcome};
pub use conversations::{
    ChangedSeq, ConversationAccess, ConversationDelta, ConversationListCursor, ConversationPage,
    ConversationRepository, FormerMemberRecord, GroupRepository, MissedChanges, NewGroup,
    ReplayRepository, ResumeConversations, RoomMember, RoomRecord, RoomRepository, VisibleVersion,
};
pub use db::{
    Result, SqliteProbe, StatementMeter, StatementPayer, StoreError, inherit_payer, with_payer,
};
pub use group_invitations::GroupInvitationRepository;
pub use invites::{InviteRepository, NewInvite};
pub(crate) use limits::MEMBER_EVENTS_MAX;
pub use logins::{ActiveLogin, LIVE_LOGINS_MAX, LoginRepository, NewLogin, StartedLogin};
pub use maintenance::{
    DatabaseEpoch, DatabaseSizes, DoctorFinding, FolderLock, ImportData, ImportedUser,
    MaintenanceRepository, ServeLock, backup,
};
pub use messages::{
    HistoryAnchor, HistoryReader, HistoryRepository, HistorySlice, HistoryWindow, PAGE_BYTES,
    ReceiptListQuery,
};
pub use name_changes::{MissedRenames, NameChangeRepository, RenameAudienceCursor, RenamedUser};
pub use presence::{PresenceAudience, PresenceRecord, PresenceRepository};
pub use search_terms::SearchTerms;
pub use unread::{UnreadConversation, UnreadRepository};
pub use users::{
    FoundUser, NewUser, ProfileChange, UserRepository, UserSearchCursor, UserSearchResult,
    parse_notices,
};

/// A handle to the database. Clones share its connections and caches.
#[derive(Clone)]
pub struct Store {
    db: Db,
    ids: Arc<MessageIdBlock>,
    shared_reads: Arc<SharedReads>,
    /// Rows of recent batches. None on PostgreSQL, where the query that locks
    /// the conversations reads these rows anyway.
    conversation_cache: Option<Arc<ConversationCache>>,
}

/// Reads that every new socket or request needs, shared by concurrent callers.
#[derive(Default)]
struct SharedReads {
    logins: LoginCache,
    unread: UnreadLoader,
    pending_counts: PendingCountLoader,
}

impl Store {
    /// Opens the database, creating the SQLite file if needed.
    ///
    /// # Errors
    /// `Unavailable` if it can't be reached.
    pub async fn open(url: &DatabaseUrl) -> Result<Self> {
        Self::open_probed(url, None).await
    }

    /// Opens the database, with a probe that counts SQLite's work.
    ///
    /// # Errors
    /// Those of [`Store::open`].
    pub async fn open_probed(url: &DatabaseUrl, probe: Option<Arc<SqliteProbe>>) -> Result<Self> {
        let db = Db::open(url, probe).await?;
        let cache = (db.backend() == DbBackend::Sqlite).then(Arc::default);
        Ok(Self::new(db, cache))
    }

    /// Opens the database read-only. The file needs no write permission.
    ///
    /// # Errors
    /// `Unavailable` if it doesn't exist or can't be reached.
    pub async fn open_read_only(url: &DatabaseUrl) -> Result<Self> {
        let DatabaseUrl::Sqlite(path) = url else {
            return Self::open(url).await;
        };
        // Create no files beside a database that isn't in use. If it is in
        // use, recent writes are in its write-ahead log.
        let immutable = !backup::wal_path(path).exists();
        let db = Db::open_sqlite_read_only(path, immutable).await?;
        Ok(Self::new(db, None))
    }

    fn new(db: Db, conversation_cache: Option<Arc<ConversationCache>>) -> Self {
        Self {
            db,
            ids: Arc::default(),
            shared_reads: Arc::default(),
            conversation_cache,
        }
    }

    /// Checks that the database answers.
    ///
    /// # Errors
    /// `Unavailable` if the database doesn't answer.
    pub async fn ping(&self) -> Result<()> {
        self.db.ping().await
    }

    /// Waits for running statements, then closes every connection.
    pub async fn close(self) {
        self.db.close().await;
    }
}

/// The repositories, one for each subject. They borrow the store.
impl Store {
    /// Returns the accounts of users.
    #[must_use]
    pub fn users(&self) -> UserRepository<'_> {
        UserRepository::new(&self.db, &self.shared_reads.logins)
    }

    /// Returns the logins of users.
    #[must_use]
    pub fn logins(&self) -> LoginRepository<'_> {
        LoginRepository::new(&self.db, &self.shared_reads.logins)
    }

    /// Returns the changed names of users.
    #[must_use]
    pub fn name_changes(&self) -> NameChangeRepository<'_> {
        NameChangeRepository::new(&self.db, &self.shared_reads.logins)
    }

    /// Returns the connections and requests of users.
    #[must_use]
    pub fn connections(&self) -> ConnectionRepository<'_> {
        ConnectionRepository::new(&self.db, &self.shared_reads.pending_counts)
    }

    /// Returns the blocks of users.
    #[must_use]
    pub fn blocks(&self) -> BlockRepository<'_> {
        BlockRepository::new(&self.db)
    }

    /// Returns the stored presence of users.
    #[must_use]
    pub fn presence(&self) -> PresenceRepository<'_> {
        PresenceRepository::new(&self.db)
    }

    /// Returns the conversations of users.
    #[must_use]
    pub fn conversations(&self) -> ConversationRepository<'_> {
        ConversationRepository::new(&self.db)
    }

    /// Returns the groups and their members.
    #[must_use]
    pub fn groups(&self) -> GroupRepository<'_> {
        GroupRepository::new(&self.db, &self.ids)
    }

    /// Returns the invitations to rejoin a group.
    #[must_use]
    pub fn group_invitations(&self) -> GroupInvitationRepository<'_> {
        GroupInvitationRepository::new(&self.db)
    }

    /// Returns the records that Rooms load.
    #[must_use]
    pub fn rooms(&self) -> RoomRepository<'_> {
        RoomRepository::new(&self.db)
    }

    /// Returns the histories of conversations.
    #[must_use]
    pub fn history(&self) -> HistoryRepository<'_> {
        HistoryRepository::new(&self.db)
    }

    /// Returns the unread counts of users.
    #[must_use]
    pub fn unread(&self) -> UnreadRepository<'_> {
        UnreadRepository::new(&self.db, &self.shared_reads.unread)
    }

    /// Returns the changes that a resuming client missed.
    #[must_use]
    pub fn replay(&self) -> ReplayRepository<'_> {
        ReplayRepository::new(&self.db)
    }

    /// Returns the writes of the Journal.
    #[must_use]
    pub fn journal(&self) -> JournalRepository<'_> {
        JournalRepository::new(&self.db, &self.ids, self.conversation_cache.as_deref())
    }

    /// Returns the invitations to register.
    #[must_use]
    pub fn invites(&self) -> InviteRepository<'_> {
        InviteRepository::new(&self.db)
    }

    /// Returns the accounts, as admins list and change them.
    #[must_use]
    pub fn accounts(&self) -> AccountRepository<'_> {
        AccountRepository::new(&self.db, &self.shared_reads.logins)
    }

    /// Returns the conversations, as admins list and change them.
    #[must_use]
    pub fn moderation(&self) -> ModerationRepository<'_> {
        ModerationRepository::new(&self.db, &self.ids)
    }

    /// Returns the reported messages.
    #[must_use]
    pub fn reports(&self) -> ReportRepository<'_> {
        ReportRepository::new(&self.db)
    }

    /// Returns the audit log.
    #[must_use]
    pub fn audit(&self) -> AuditRepository<'_> {
        AuditRepository::new(&self.db)
    }

    /// Returns the whole database, as operators maintain it.
    #[must_use]
    pub fn maintenance(&self) -> MaintenanceRepository<'_> {
        MaintenanceRepository::new(&self.db)
    }
}
