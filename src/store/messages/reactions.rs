//! What people put on messages.

use sea_orm::{DbBackend, DbErr};

use crate::protocol::message::Reaction;
use crate::store::piece;

/// A reaction names this many people, the first ones.
const NAMED: i64 = 50;

/// Of a message `m`: who reacted, each emoji where it first came; null where
/// nobody did.
pub(super) fn of_each(backend: DbBackend) -> String {
    let named = format!(
        "FROM (SELECT r.emoji, v.username, COUNT(*) OVER (PARTITION BY r.emoji) AS total, \
         MIN(r.created_at) OVER (PARTITION BY r.emoji) AS began, \
         ROW_NUMBER() OVER (PARTITION BY r.emoji ORDER BY r.created_at, r.user_id) AS place \
         FROM reaction r JOIN \"user\" v ON v.id = r.user_id WHERE r.message_id = m.id) named \
         WHERE place <= {NAMED} ORDER BY began, emoji, place"
    );
    format!(
        "CASE WHEN EXISTS (SELECT 1 FROM reaction e WHERE e.message_id = m.id) THEN ({}) END",
        piece::sql(backend, "emoji, username, total", &named)
    )
}

/// An emoji, one who put it there, and how many did.
type Row = (String, String, i64);

/// What [`of_each`] answered.
pub(super) fn read(text: Option<&str>) -> Result<Vec<Reaction>, DbErr> {
    let rows = text.map(serde_json::from_str::<Vec<Row>>).transpose();
    let rows = rows.map_err(|error| DbErr::Json(error.to_string()))?;
    let mut found: Vec<Reaction> = Vec::new();
    for (emoji, username, total) in rows.into_iter().flatten() {
        match found.last_mut() {
            Some(last) if last.emoji == emoji => last.usernames.push(username),
            _ => found.push(Reaction {
                emoji,
                count: u32::try_from(total).unwrap_or(u32::MAX),
                usernames: vec![username],
            }),
        }
    }
    Ok(found)
}
