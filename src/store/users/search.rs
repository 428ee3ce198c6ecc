//! Search for users by prefixes of words in their username and display name.

use entity::{UserId, user, user_word};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter,
    Statement, Value,
};

use super::UserRepository;
use crate::protocol::User;
use crate::store::db::{Result, limit_value};
use crate::store::search_terms::{
    SearchTerms, WordPosition, WordTable, prefix_conditions, prefix_end, split_words,
};

/// The end of a page of found users.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct UserSearchCursor {
    pub word: String,
    pub user: UserId,
}

/// A found user and the matching word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundUser {
    pub user: User,
    pub cursor: UserSearchCursor,
}

#[derive(FromQueryResult)]
struct FoundUserRow {
    word: String,
    id: UserId,
    username: String,
    display_name: String,
}

/// A page of found users and the cursor of the next one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserSearchResult {
    pub users: Vec<FoundUser>,
    pub next: Option<UserSearchCursor>,
}

/// The number of words that are read per user of a page. Several words of one
/// user, or users who lack the other words, make a page shorter.
const WORDS_READ: u64 = 8;

/// Selects a bounded range of the primary key, in its order. Of several
/// matching words of one user, only the first counts.
const RANGE: &str = "FROM user_word w WHERE (w.word, w.user_id) > ($2, $3) AND w.word < $1 \
                     ORDER BY w.word, w.user_id";

impl UserRepository<'_> {
    /// Returns a page of users. Each search term is a prefix of one of a user's
    /// words; the page is sorted by the word of the longest term. Reads
    /// `WORDS_READ` rows per user of a page. A page may be shorter than `limit`
    /// even if another one follows.
    pub async fn search(
        self,
        wanted: &SearchTerms,
        after: Option<UserSearchCursor>,
        limit: u64,
    ) -> Result<UserSearchResult> {
        let (first, others) = wanted.split_longest();
        // The range begins at the cursor, so that no page reads the rows of
        // earlier pages.
        let (word, user) = wanted.page_start(after.as_ref().map(|at| WordPosition {
            word: &at.word,
            id: at.user.0,
        }));
        let mut values: Vec<Value> = vec![prefix_end(first).into(), word.into(), user.into()];
        let last = self.find_range_end(values.clone(), limit).await?;
        values.extend([limit_value(limit * WORDS_READ), first.into()]);
        let fitting = prefix_conditions(&WordTable::USERS, others, &mut values);
        values.push(limit_value(limit + 1));
        let sql = format!(
            "SELECT r.word, u.id, u.username, u.display_name \
             FROM (SELECT w.word, w.user_id {RANGE} LIMIT $4) r JOIN \"user\" u ON u.id = r.user_id \
             WHERE u.deactivated_at IS NULL AND NOT EXISTS (SELECT 1 FROM user_word f \
             WHERE f.user_id = r.user_id AND f.word >= $5 AND f.word < r.word){fitting} \
             ORDER BY r.word, r.user_id LIMIT ${}",
            values.len()
        );
        let statement = Statement::from_sql_and_values(self.db.backend(), sql, values);
        let rows = FoundUserRow::find_by_statement(statement)
            .all(self.db.reader())
            .await?;
        let mut found: Vec<FoundUser> = rows.into_iter().map(FoundUser::from).collect();
        let length = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = found.len() > length;
        found.truncate(length);
        let next = if has_more {
            found.last().map(|last| last.cursor.clone())
        } else {
            last
        };
        Ok(UserSearchResult { users: found, next })
    }

    /// Returns the end of the range that one page reads; none if fewer rows
    /// remain.
    async fn find_range_end(
        self,
        mut values: Vec<Value>,
        limit: u64,
    ) -> Result<Option<UserSearchCursor>> {
        values.push(limit_value(limit * WORDS_READ - 1));
        let sql = format!("SELECT w.word, w.user_id AS \"user\" {RANGE} LIMIT 1 OFFSET $4");
        let statement = Statement::from_sql_and_values(self.db.backend(), sql, values);
        Ok(UserSearchCursor::find_by_statement(statement)
            .one(self.db.reader())
            .await?)
    }
}

impl From<FoundUserRow> for FoundUser {
    fn from(row: FoundUserRow) -> Self {
        Self {
            cursor: UserSearchCursor {
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

/// Replaces the search terms of a user, in a transaction that has locked their
/// row.
pub(in crate::store) async fn replace_user_words(
    tx: &impl ConnectionTrait,
    user: &user::Model,
) -> Result<()> {
    user_word::Entity::delete_many()
        .filter(user_word::Column::UserId.eq(user.id))
        .exec(tx)
        .await?;
    let mut words = split_words(&user.display_name);
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
