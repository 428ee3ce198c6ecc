//! What people put on messages.

use std::collections::HashMap;

use entity::MessageId;
use sea_orm::{ConnectionTrait, FromQueryResult, Statement, Value};

use crate::protocol::message::Reaction;
use crate::store::Result;
use crate::store::append::sql::places;

/// A reaction names this many people, the first ones.
const NAMED: i64 = 50;

#[derive(FromQueryResult)]
struct Row {
    message_id: MessageId,
    emoji: String,
    username: String,
    total: i64,
}

/// The reactions to these messages, each emoji where it first came.
pub(super) async fn of(
    db: &impl ConnectionTrait,
    ids: &[MessageId],
) -> Result<HashMap<MessageId, Vec<Reaction>>> {
    let mut found: HashMap<MessageId, Vec<Reaction>> = HashMap::new();
    if ids.is_empty() {
        return Ok(found);
    }
    let sql = format!(
        "SELECT message_id, emoji, username, total FROM ( \
         SELECT r.message_id, r.emoji, u.username, \
         COUNT(*) OVER (PARTITION BY r.message_id, r.emoji) AS total, \
         MIN(r.created_at) OVER (PARTITION BY r.message_id, r.emoji) AS began, \
         ROW_NUMBER() OVER (PARTITION BY r.message_id, r.emoji \
         ORDER BY r.created_at, r.user_id) AS place \
         FROM reaction r JOIN \"user\" u ON u.id = r.user_id WHERE r.message_id IN ({})) named \
         WHERE place <= {NAMED} ORDER BY message_id, began, emoji, place",
        places(ids.len())
    );
    let values = ids.iter().map(|id| Value::from(*id));
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    for row in Row::find_by_statement(statement).all(db).await? {
        let reactions = found.entry(row.message_id).or_default();
        match reactions.last_mut() {
            Some(last) if last.emoji == row.emoji => last.usernames.push(row.username),
            _ => reactions.push(Reaction {
                emoji: row.emoji,
                count: u32::try_from(row.total).unwrap_or(u32::MAX),
                usernames: vec![row.username],
            }),
        }
    }
    Ok(found)
}
