//! What admins ask: lists of everything, and acts on others' accounts and
//! conversations. Each act is written to the audit log in its own transaction,
//! so that neither is there without the other.

mod accounts;
mod audit;
mod conversations;
mod deletion;
mod people;
mod reports;
mod resets;
mod sizes;

pub use accounts::Standing;
pub(super) use audit::note;
pub use audit::{Act, AuditFilter, AuditLine, AuditPlace, Called, Deed, Entry, Target};
pub use conversations::{ConversationLine, ConversationOrder, Part};
pub use deletion::Deleted;
pub use people::{PeopleOrder, PersonLine};
pub use reports::ReportView;
pub use resets::NewReset;
pub use sizes::Sizes;

use entity::{ConversationId, UserId};
use sea_orm::DbBackend;

use super::{Result, Store, StoreError, count};

/// Where a page of a list ended: what it is ordered by, and the id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub key: String,
    pub id: i64,
}

impl Place {
    /// The key, where it is a number.
    fn number(&self) -> i64 {
        self.key.parse().unwrap_or(i64::MAX)
    }
}

/// What a page of a list is asked with.
#[derive(Clone, Debug)]
pub struct Listing<O> {
    pub order: O,
    /// Where the page before ended.
    pub after: Option<Place>,
    pub limit: u64,
}

impl From<UserId> for Target {
    fn from(id: UserId) -> Self {
        Self::User(id)
    }
}

impl From<ConversationId> for Target {
    fn from(id: ConversationId) -> Self {
        Self::Conversation(id)
    }
}

/// Ends a page's statement with its limit, which is the last value. PostgreSQL
/// seeks each half of a `UNION ALL` only where that has an end of its own.
fn limited(backend: DbBackend, sql: &str, values: usize) -> String {
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
