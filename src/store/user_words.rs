//! Finding people by a prefix of their username, or of a word of what they
//! are shown as.

use entity::{UserId, user, user_word};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter,
    Statement, Value,
};

use super::{Result, Store, count, words};
use crate::protocol::User;

/// Where a page of people ended.
#[derive(Clone, Debug, PartialEq, Eq)]
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
struct Row {
    word: String,
    id: UserId,
    username: String,
    display_name: String,
}

/// A range of the key, in its order. Of several words of one person that fit,
/// the first in that order stands for them.
const FIND: &str = r#"
SELECT w.word, u.id, u.username, u.display_name
FROM user_word w JOIN "user" u ON u.id = w.user_id
WHERE (w.word, w.user_id) > ($3, $4) AND w.word < $2
AND u.deactivated_at IS NULL
AND NOT EXISTS (SELECT 1 FROM user_word f WHERE f.user_id = w.user_id AND f.word >= $1 AND f.word < w.word)
ORDER BY w.word, w.user_id LIMIT $5
"#;

impl Store {
    /// A page of the people of whom a word begins with `prefix`, by that word.
    pub async fn find_users(
        &self,
        prefix: &str,
        after: Option<FoundCursor>,
        limit: u64,
    ) -> Result<Vec<Found>> {
        let first = prefix.to_lowercase();
        // Words are ordered by their bytes, and no sign comes after this one.
        let end = format!("{first}\u{10FFFF}");
        // The range begins at the cursor, so that no page reads what stood on
        // those before it; one from elsewhere can't reach back past the prefix.
        let after = after.filter(|at| at.word >= first);
        let (word, user) = after.map_or((first.clone(), 0), |at| (at.word, at.user.0));
        let values: [Value; 5] = [
            first.into(),
            end.into(),
            word.into(),
            user.into(),
            count(limit),
        ];
        let statement = Statement::from_sql_and_values(self.backend(), FIND, values);
        let rows = Row::find_by_statement(statement).all(&self.reader).await?;
        Ok(rows.into_iter().map(Found::from).collect())
    }
}

impl From<Row> for Found {
    fn from(row: Row) -> Self {
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
