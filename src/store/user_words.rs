//! Finds users by the beginnings of words of their username and display name.

use entity::{UserId, user, user_word};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter,
    Statement, Value,
};

use super::words::{self, Wanted};
use super::{Result, Store, count};
use crate::protocol::User;

/// Where a page of people ended.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct FoundCursor {
    pub word: String,
    pub user: UserId,
}

/// Somebody who was found, and by which word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub user: User,
    pub at: FoundCursor,
}

#[derive(FromQueryResult)]
struct FoundRow {
    word: String,
    id: UserId,
    username: String,
    display_name: String,
}

/// A page of users, and where the next one goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundPage {
    pub found: Vec<Found>,
    pub next: Option<FoundCursor>,
}

/// Words read for each user of a page, at most: more words of one user, or users
/// whom the other words don't fit, make a page shorter.
const WORDS_READ: u64 = 8;

/// A range of the key, in its order, of bounded length. Of several words of one
/// user that fit, the first in that order counts.
const RANGE: &str = "FROM user_word w WHERE (w.word, w.user_id) > ($2, $3) AND w.word < $1 \
                     ORDER BY w.word, w.user_id";

impl Store {
    /// A page of the users of whom words begin with all that is wanted, by the
    /// word that the longest of them fits. Reads `WORDS_READ` rows for each user
    /// of a page; a page may be shorter than `limit` though another one follows.
    pub async fn find_users(
        &self,
        wanted: &Wanted,
        after: Option<FoundCursor>,
        limit: u64,
    ) -> Result<FoundPage> {
        let (first, others) = wanted.split();
        // The range begins at the cursor, so that no page reads what the pages
        // before it have read. A cursor before the range has no effect.
        let after = after.filter(|at| &*at.word >= first);
        let (word, user) = after.map_or((first.to_owned(), 0), |at| (at.word, at.user.0));
        let mut values: Vec<Value> = vec![words::end_of(first).into(), word.into(), user.into()];
        let last = self.last_read(values.clone(), limit).await?;
        values.extend([count(limit * WORDS_READ), first.into()]);
        let fitting = words::conditions(("user_word", "f.user_id = u.id"), others, &mut values);
        values.push(count(limit + 1));
        let sql = format!(
            "SELECT r.word, u.id, u.username, u.display_name \
             FROM (SELECT w.word, w.user_id {RANGE} LIMIT $4) r JOIN \"user\" u ON u.id = r.user_id \
             WHERE u.deactivated_at IS NULL AND NOT EXISTS (SELECT 1 FROM user_word f \
             WHERE f.user_id = r.user_id AND f.word >= $5 AND f.word < r.word){fitting} \
             ORDER BY r.word, r.user_id LIMIT ${}",
            values.len()
        );
        let statement = Statement::from_sql_and_values(self.backend(), sql, values);
        let rows = FoundRow::find_by_statement(statement)
            .all(&self.reader)
            .await?;
        let mut found: Vec<Found> = rows.into_iter().map(Found::from).collect();
        let length = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = found.len() > length;
        found.truncate(length);
        let next = match has_more {
            true => found.last().map(|last| last.at.clone()),
            false => last,
        };
        Ok(FoundPage { found, next })
    }

    /// Where the range of a page ends, if it is longer than one page reads.
    async fn last_read(&self, mut values: Vec<Value>, limit: u64) -> Result<Option<FoundCursor>> {
        values.push(count(limit * WORDS_READ - 1));
        let sql = format!("SELECT w.word, w.user_id AS \"user\" {RANGE} LIMIT 1 OFFSET $4");
        let statement = Statement::from_sql_and_values(self.backend(), sql, values);
        Ok(FoundCursor::find_by_statement(statement)
            .one(&self.reader)
            .await?)
    }
}

impl From<FoundRow> for Found {
    fn from(row: FoundRow) -> Self {
        Self {
            at: FoundCursor {
                word: row.word,
                user: row.id,
            },
            user: User {
                id: row.id,
                username: row.username,
                display_name: row.display_name,
            },
        }
    }
}

/// Notes the words of a person, in place of those they had, as part of a
/// larger change that holds their row.
pub(super) async fn replace(tx: &impl ConnectionTrait, user: &user::Model) -> Result<()> {
    user_word::Entity::delete_many()
        .filter(user_word::Column::UserId.eq(user.id))
        .exec(tx)
        .await?;
    let mut words = words::words(&user.display_name);
    words.insert(user.username_key.clone());
    let rows = words.into_iter().map(|word| user_word::ActiveModel {
        word: Set(word),
        user_id: Set(user.id),
    });
    user_word::Entity::insert_many(rows)
        .exec_without_returning(tx)
        .await?;
    Ok(())
}
