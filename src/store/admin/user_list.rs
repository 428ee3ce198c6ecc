//! The list of all users in pages. Each order is a range of an index, so that
//! the last page of a million users costs as much as the first.

use entity::{Millis, UserId};
use sea_orm::{FromQueryResult, Statement, Value};

use super::{AdminListCursor, AdminListQuery};
use crate::store::Store;
use crate::store::db::{Result, limit_value};
use crate::store::search_terms::{self, SearchTerms};

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

impl Store {
    /// Returns a page of users.
    pub async fn list_users(
        &self,
        listing: &AdminListQuery<UserListOrder>,
    ) -> Result<Vec<UserListRow>> {
        if listing.order != UserListOrder::LastSeen {
            return self.query_users(listing.statement(), listing.limit).await;
        }
        // Online users have no last-seen time, so their cursors have an empty
        // key.
        let after = listing.after.as_ref();
        let mut found = match after.filter(|place| !place.key.is_empty()) {
            Some(_) => Vec::new(),
            None => {
                let here = online_sql(&SearchTerms::default(), after);
                self.query_users(here, listing.limit).await?
            }
        };
        let left = listing.limit.saturating_sub(found.len() as u64);
        if left > 0 {
            let gone = offline_sql(after.filter(|place| !place.key.is_empty()));
            found.extend(self.query_users(gone, left).await?);
        }
        Ok(found)
    }

    async fn query_users(
        &self,
        (sql, mut values): (String, Vec<Value>),
        limit: u64,
    ) -> Result<Vec<UserListRow>> {
        values.push(limit_value(limit));
        let sql = super::with_limit(self.db.backend(), &sql, values.len());
        let statement = Statement::from_sql_and_values(self.db.backend(), sql, values);
        Ok(UserListRow::find_by_statement(statement)
            .all(self.db.reader())
            .await?)
    }
}

type SqlWithValues = (String, Vec<Value>);

impl AdminListQuery<UserListOrder> {
    fn statement(&self) -> SqlWithValues {
        let after = self.after.as_ref();
        match &self.order {
            UserListOrder::Name => by_name_sql("", &SearchTerms::default(), after),
            UserListOrder::Admins(wanted) => by_name_sql("u.is_admin AND ", wanted, after),
            UserListOrder::Deactivated(wanted) => {
                by_name_sql("u.deactivated_at IS NOT NULL AND ", wanted, after)
            }
            UserListOrder::Newest => (
                format!(
                    "SELECT {COLUMNS}, '' AS key FROM {USER_TABLES} WHERE u.id < $1 ORDER BY u.id DESC"
                ),
                vec![after.map_or(i64::MAX, |it| it.id).into()],
            ),
            UserListOrder::Online(wanted) => online_sql(wanted, after),
            UserListOrder::LastSeen => offline_sql(after),
            UserListOrder::Search(wanted) => search_sql(wanted, after),
        }
    }
}

/// The table of users' search terms, and its join condition.
const WORD_TABLE: (&str, &str) = ("user_word", "f.user_id = u.id");

fn by_name_sql(
    which: &str,
    wanted: &SearchTerms,
    after: Option<&AdminListCursor>,
) -> SqlWithValues {
    let mut values = vec![after.map_or(String::new(), |it| it.key.clone()).into()];
    let fitting = search_terms::prefix_conditions(WORD_TABLE, wanted.all(), &mut values);
    let sql = format!(
        "SELECT {COLUMNS}, u.username_key AS key FROM {USER_TABLES} WHERE {which}u.username_key > $1{fitting} \
         ORDER BY u.username_key"
    );
    (sql, values)
}

fn online_sql(wanted: &SearchTerms, after: Option<&AdminListCursor>) -> SqlWithValues {
    let mut values = vec![after.map_or(0, |it| it.id).into()];
    let fitting = search_terms::prefix_conditions(WORD_TABLE, wanted.all(), &mut values);
    let sql = format!(
        "SELECT {COLUMNS}, '' AS key FROM {SEEN_USER_TABLES} \
         WHERE s.is_online AND s.user_id > $1{fitting} ORDER BY s.user_id"
    );
    (sql, values)
}

/// Users who were online when a server process died share one last-seen time,
/// so the query continues by time and id. SQLite uses the index for both
/// conditions only in two statements.
fn offline_sql(after: Option<&AdminListCursor>) -> SqlWithValues {
    let some = "SELECT s.user_id AS id, u.username, u.display_name, u.is_admin, \
                u.deactivated_at, u.deleted_at, u.created_at, s.is_online, s.last_seen, \
                CAST(s.last_seen AS TEXT) AS key";
    let some = format!("{some} FROM {SEEN_USER_TABLES} WHERE NOT s.is_online");
    let sql = format!(
        "{some} AND s.last_seen = $1 AND s.user_id < $2 UNION ALL {some} AND s.last_seen < $1 \
         ORDER BY last_seen DESC, id DESC"
    );
    let values = vec![
        after.map_or(i64::MAX, AdminListCursor::numeric_key).into(),
        after.map_or(i64::MAX, |it| it.id).into(),
    ];
    (sql, values)
}

/// Of several matching words of a user, only the first counts.
fn search_sql(wanted: &SearchTerms, after: Option<&AdminListCursor>) -> SqlWithValues {
    let (first, others) = wanted.split_longest();
    // Ignore a forged cursor that points before the prefix.
    let after = after.filter(|at| at.key.as_str() >= first);
    let (key, id) = after.map_or((first.to_owned(), 0), |at| (at.key.clone(), at.id));
    let mut values = vec![
        first.into(),
        search_terms::prefix_end(first).into(),
        key.into(),
        id.into(),
    ];
    let fitting = search_terms::prefix_conditions(WORD_TABLE, others, &mut values);
    let sql = format!(
        "SELECT {COLUMNS}, w.word AS key FROM user_word w JOIN \"user\" u ON u.id = w.user_id \
         LEFT JOIN user_status s ON s.user_id = u.id \
         WHERE (w.word, w.user_id) > ($3, $4) AND w.word < $2 \
         AND NOT EXISTS (SELECT 1 FROM user_word f WHERE f.user_id = w.user_id \
         AND f.word >= $1 AND f.word < w.word){fitting} ORDER BY w.word, w.user_id"
    );
    (sql, values)
}
