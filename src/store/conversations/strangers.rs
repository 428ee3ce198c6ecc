//! Users who never wrote to another user, who may add that user only to a few
//! groups a day.

use std::collections::BTreeSet;

use entity::UserId;
use sea_orm::{ConnectionTrait, Statement, Value};

use crate::protocol::input::direct_key;
use crate::store::conversations::ConversationRepository;
use crate::store::db::sql::values_list;
use crate::store::db::{ROWS_PER_STATEMENT, Result};

/// The number of newest messages of a direct conversation that are checked.
const NEWEST: i64 = 200;

impl ConversationRepository<'_> {
    /// Returns those of `people` who wrote none of the newest messages of their
    /// direct conversation with `me`.
    pub async fn list_strangers(self, me: UserId, people: &[UserId]) -> Result<Vec<UserId>> {
        let mut wrote = BTreeSet::<UserId>::new();
        for people in people.chunks(ROWS_PER_STATEMENT) {
            let backend = self.db.reader().get_database_backend();
            let sql = format!(
                "SELECT v.column1 AS writer FROM {} v CROSS JOIN conversation c \
                 WHERE c.direct_key = v.column2 AND EXISTS (SELECT 1 FROM message m \
                 WHERE m.conversation_id = c.id AND m.seq > c.last_seq - {NEWEST} \
                 AND m.sender_id = v.column1)",
                values_list(backend, people.len(), 2)
            );
            let pairs = people
                .iter()
                .flat_map(|them| [Value::from(*them), Value::from(direct_key(me, *them))]);
            let statement = Statement::from_sql_and_values(backend, sql, pairs);
            for row in self.db.reader().query_all_raw(statement).await? {
                wrote.insert(row.try_get_by("writer")?);
            }
        }
        let strangers = people.iter().filter(|them| !wrote.contains(them));
        Ok(strangers.copied().collect())
    }
}
