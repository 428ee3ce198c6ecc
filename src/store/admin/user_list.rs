//! The list of all users in pages. Each order is a range of an index, so that
//! the last page of a million users costs as much as the first.

use entity::{Millis, UserId};
use sea_orm::FromQueryResult;

use super::accounts::AccountRepository;
use super::list_statement::ListStatement;
use super::{AdminListCursor, AdminListQuery};
use crate::store::db::Result;
use crate::store::search_terms::{SearchTerms, WordTable, prefix_conditions};

/// Selection and order of a list of users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserListOrder {
    /// All, by username.
    Name,
    /// All, newest account first.
    Newest,
    /// Users who were ever online: those online now by account id, then the
    /// others by last seen, latest first.
    LastSeen,
    /// Users online now, by account id.
    Online(SearchTerms),
    /// Admins, by username.
    Admins(SearchTerms),
    /// Deactivated users, by username.
    Deactivated(SearchTerms),
    /// Users with words that have these prefixes, in the order of the word that
    /// matches the longest prefix.
    Search(SearchTerms),
}

/// A user in a list.
#[derive(Clone, Debug, FromQueryResult)]
pub struct UserListRow {
    pub id: UserId,
    pub username: String,
    pub display_name: String,
    pub is_admin: bool,
    pub deactivated_at: Option<Millis>,
    pub deleted_at: Option<Millis>,
    pub created_at: Millis,
    pub is_online: Option<bool>,
    pub last_seen: Option<Millis>,
    /// The value that the list is ordered by.
    pub key: String,
}

const COLUMNS: &str = "u.id, u.username, u.display_name, u.is_admin, u.deactivated_at, \
                       u.deleted_at, u.created_at, s.is_online, s.last_seen";
const USER_TABLES: &str = "\"user\" u LEFT JOIN user_status s ON s.user_id = u.id";
/// Starts from the status table: a user without a row in it was never online.
const SEEN_USER_TABLES: &str = "user_status s JOIN \"user\" u ON u.id = s.user_id";

impl AccountRepository<'_> {
    /// Returns a page of users.
    pub async fn list(self, listing: &AdminListQuery<UserListOrder>) -> Result<Vec<UserListRow>> {
        if listing.order != UserListOrder::LastSeen {
            return self
                .query_users(listing.list_statement(), listing.limit)
                .await;
        }
        // Online users have no last-seen time, so their cursors have an empty
        // key.
        let after = listing.after.as_ref();
        let mut found = match after.filter(|place| !place.key.is_empty()) {
            Some(_) => Vec::new(),
            None => {
                let here = list_online(&SearchTerms::default(), after);
                self.query_users(here, listing.limit).await?
            }
        };
        let left = listing.limit.saturating_sub(found.len() as u64);
        if left > 0 {
            let gone = list_offline(after.filter(|place| !place.key.is_empty()));
            found.extend(self.query_users(gone, left).await?);
        }
        Ok(found)
    }

    async fn query_users(self, list: ListStatement, limit: u64) -> Result<Vec<UserListRow>> {
        let statement = list.with_limit(self.db.backend(), limit);
        Ok(UserListRow::find_by_statement(statement)
            .all(self.db.reader())
            .await?)
    }
}

impl AdminListQuery<UserListOrder> {
    fn list_statement(&self) -> ListStatement {
        let after = self.after.as_ref();
        match &self.order {
            UserListOrder::Name => list_by_name("", &SearchTerms::default(), after),
            UserListOrder::Admins(wanted) => list_by_name("u.is_admin AND ", wanted, after),
            UserListOrder::Deactivated(wanted) => {
                list_by_name("u.deactivated_at IS NOT NULL AND ", wanted, after)
            }
            UserListOrder::Newest => ListStatement::new(
                format!("SELECT {COLUMNS}, '' AS key FROM {USER_TABLES} WHERE u.id < $1"),
                "u.id DESC",
                vec![after.map_or(i64::MAX, |it| it.id).into()],
            ),
            UserListOrder::Online(wanted) => list_online(wanted, after),
            UserListOrder::LastSeen => list_offline(after),
            UserListOrder::Search(wanted) => {
                let tables = "JOIN \"user\" u ON u.id = w.user_id \
                              LEFT JOIN user_status s ON s.user_id = u.id";
                ListStatement::search(COLUMNS, tables, &WordTable::USERS, wanted, after)
            }
        }
    }
}

fn list_by_name(
    which: &str,
    wanted: &SearchTerms,
    after: Option<&AdminListCursor>,
) -> ListStatement {
    let mut values = vec![after.map_or(String::new(), |it| it.key.clone()).into()];
    let fitting = prefix_conditions(&WordTable::USERS, wanted.all(), &mut values);
    let select = format!(
        "SELECT {COLUMNS}, u.username_key AS key FROM {USER_TABLES} \
         WHERE {which}u.username_key > $1{fitting}"
    );
    ListStatement::new(select, "u.username_key", values)
}

fn list_online(wanted: &SearchTerms, after: Option<&AdminListCursor>) -> ListStatement {
    let mut values = vec![after.map_or(0, |it| it.id).into()];
    let fitting = prefix_conditions(&WordTable::USERS, wanted.all(), &mut values);
    let select = format!(
        "SELECT {COLUMNS}, '' AS key FROM {SEEN_USER_TABLES} \
         WHERE s.is_online AND s.user_id > $1{fitting}"
    );
    ListStatement::new(select, "s.user_id", values)
}

/// Users who were online when a server process died share one last-seen time,
/// so the query continues by time and id. SQLite uses the index for both
/// conditions only in two statements.
fn list_offline(after: Option<&AdminListCursor>) -> ListStatement {
    let some = "SELECT s.user_id AS id, u.username, u.display_name, u.is_admin, \
                u.deactivated_at, u.deleted_at, u.created_at, s.is_online, s.last_seen, \
                CAST(s.last_seen AS TEXT) AS key";
    let some = format!("{some} FROM {SEEN_USER_TABLES} WHERE NOT s.is_online");
    let parts = [
        format!("{some} AND s.last_seen = $1 AND s.user_id < $2"),
        format!("{some} AND s.last_seen < $1"),
    ];
    let values = vec![
        after.map_or(i64::MAX, AdminListCursor::numeric_key).into(),
        after.map_or(i64::MAX, |it| it.id).into(),
    ];
    ListStatement::union_all(parts, "last_seen DESC, id DESC", values)
}
