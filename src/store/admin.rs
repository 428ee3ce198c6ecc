//! Queries and actions of admins: lists, and changes of other users' accounts
//! and conversations. Each action writes its audit log entry in its own
//! transaction, so that neither exists without the other.

mod accounts;
mod conversations;
mod deletion;
mod list_statement;
mod reports;
mod resets;
mod user_list;

pub use accounts::{AccountRepository, AccountRole};
pub use conversations::{
    ConversationListRow, ConversationOrder, ModerationRepository, ParticipantRecord,
};
pub use deletion::DeletedAccount;
pub use reports::{ReportRecord, ReportRepository};
pub use resets::NewPasswordReset;
pub use user_list::{UserListOrder, UserListRow};

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
