//! Database queries by subject. [`Store`] is a cheap clone that all layers
//! above share.
//!
//! [`db`] has connections, transactions and statements, and depends on no
//! subject. The most frequent write is [`append`], the batch of the Journal.

mod admin;
pub mod append;
pub mod backup;
mod blocks;
mod cleanup;
mod connections;
mod conversations;
mod db;
mod doctor;
mod epoch;
mod group_counts;
mod group_invitations;
mod ids;
mod import;
mod instance_lock;
mod invites;
mod limits;
mod logins;
mod messages;
mod name_changes;
mod notices;
mod open;
mod presence;
mod presence_audience;
mod profiles;
mod search_terms;
mod user_search;
mod users;

use std::sync::Arc;

use entity::{LoginId, UserId, login, user};

use db::{BatchLoader, Db, StoreTransaction, TtlCache};

pub use admin::{
    AccountRole, AdminListCursor, AdminListQuery, AuditAction, AuditActorFilter, AuditContext,
    AuditCursor, AuditEntry, AuditFilter, AuditLine, AuditTarget, ConversationListRow,
    ConversationOrder, DatabaseSizes, DeletedAccount, NewPasswordReset, ParticipantRecord,
    ReportRecord, UserListOrder, UserListRow,
};
pub use connections::{ConnectionChange, ConnectionRequestOutcome};
pub use conversations::{
    ChangedSeq, ConversationAccess, ConversationDelta, ConversationListCursor, ConversationPage,
    FormerMemberRecord, HistoryWindow, MissedChanges, NewGroup, ResumeConversations, RoomMember,
    RoomRecord, UnreadConversation, VisibleVersion,
};
pub use db::{
    Result, SqliteProbe, StatementMeter, StatementPayer, StoreError, inherit_payer, with_payer,
};
pub use doctor::DoctorFinding;
pub use epoch::DatabaseEpoch;
pub use import::{ImportData, ImportedUser};
pub use instance_lock::ServeLock;
pub use invites::NewInvite;
pub(crate) use limits::MEMBER_EVENTS_MAX;
pub use logins::{ActiveLogin, LIVE_LOGINS_MAX, NewLogin, StartedLogin};
pub use messages::{HistoryAnchor, HistoryReader, HistorySlice, PAGE_BYTES, ReceiptListQuery};
pub use name_changes::{MissedRenames, RenameAudienceCursor, RenamedUser};
pub use notices::parse_notices;
pub use open::FolderLock;
pub use presence::PresenceRecord;
pub use presence_audience::PresenceAudience;
pub use search_terms::SearchTerms;
pub use user_search::{FoundUser, UserSearchCursor, UserSearchResult};
pub use users::{NewUser, ProfileChange};

/// A handle to the database.
#[derive(Clone)]
pub struct Store {
    db: Db,
    ids: Arc<ids::MessageIdBlock>,
    shared_reads: Arc<SharedReads>,
    /// Rows of recent batches. None on PostgreSQL, where the query that locks
    /// the conversations reads these rows anyway.
    conversation_cache: Option<Arc<append::ConversationCache>>,
}

/// Reads that every new socket or request needs, shared by concurrent callers.
#[derive(Default)]
struct SharedReads {
    logins: BatchLoader<LoginId, (login::Model, user::Model)>,
    login_cache: TtlCache<LoginId, (login::Model, user::Model)>,
    waiting: BatchLoader<UserId, Vec<UnreadConversation>>,
    pending: BatchLoader<UserId, i64>,
}

impl Store {
    /// Commits a change of accounts or logins, and drops the cached logins,
    /// even if the outcome of the commit is unknown.
    async fn commit_account_change(&self, tx: StoreTransaction) -> Result<()> {
        let done = tx.commit().await;
        self.shared_reads.login_cache.invalidate_all();
        Ok(done?)
    }

    /// Checks that the database answers.
    ///
    /// # Errors
    /// `Unavailable` if the database doesn't answer.
    pub async fn ping(&self) -> Result<()> {
        self.db.ping().await
    }
}
