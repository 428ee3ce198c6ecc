//! Queries and actions of admins: lists, and changes of other users' accounts
//! and conversations. Each action writes its audit log entry in its own
//! transaction, so that neither exists without the other.

mod accounts;
mod audit;
mod conversations;
mod deletion;
mod reports;
mod resets;
mod sizes;
mod user_list;

pub use accounts::AccountRole;
pub(super) use audit::insert_audit;
pub use audit::{
    AuditAction, AuditActorFilter, AuditContext, AuditCursor, AuditEntry, AuditFilter, AuditLine,
    AuditTarget,
};
pub use conversations::{ConversationListRow, ConversationOrder, ParticipantRecord};
pub use deletion::DeletedAccount;
pub use reports::ReportRecord;
pub use resets::NewPasswordReset;
pub use sizes::DatabaseSizes;
pub use user_list::{UserListOrder, UserListRow};

use entity::{ConversationId, UserId};
use sea_orm::DbBackend;

/// The last row of a page: the value that the list is ordered by, and the id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminListCursor {
    pub key: String,
    pub id: i64,
}

impl AdminListCursor {
    /// Parses the key of a list in descending order of a number. An invalid key
    /// becomes the highest number, so the list starts anew.
    fn numeric_key(&self) -> i64 {
        self.key.parse().unwrap_or(i64::MAX)
    }
}

/// The query for a page of a list.
#[derive(Clone, Debug)]
pub struct AdminListQuery<O> {
    pub order: O,
    /// The last row of the previous page; none for the first page.
    pub after: Option<AdminListCursor>,
    pub limit: u64,
}

impl From<UserId> for AuditTarget {
    fn from(id: UserId) -> Self {
        Self::User(id)
    }
}

impl From<ConversationId> for AuditTarget {
    fn from(id: ConversationId) -> Self {
        Self::Conversation(id)
    }
}

/// Appends the limit, which is the last bind value. On PostgreSQL each part of
/// a `UNION ALL` has an order and a limit of its own. Without them PostgreSQL
/// doesn't use the index for that part.
fn with_limit(backend: DbBackend, sql: &str, values: usize) -> String {
    let limit = format!("LIMIT ${values}");
    if backend != DbBackend::Sqlite
        && let Some((first, rest)) = sql.split_once(" UNION ALL ")
        && let Some((second, order)) = rest.rsplit_once(" ORDER BY ")
    {
        let end = format!("ORDER BY {order} {limit}");
        return format!("({first} {end}) UNION ALL ({second} {end}) {end}");
    }
    format!("{sql} {limit}")
}
