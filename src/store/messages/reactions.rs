//! What people put on messages.

use sea_orm::{DbBackend, DbErr};

use super::SightSql;
use crate::protocol::message::Reaction;
use crate::store::piece;

/// A reaction names this many people, the first ones.
const NAMED: i64 = 50;

/// Of a message `m`: who reacted, each emoji where it first came; null where
/// nobody did.
pub(super) fn of_each(backend: DbBackend, sight: SightSql<'_>) -> String {
    let [one, group, any] = ["r", "g", "e"].map(|reaction| sight.shows_reaction(reaction));
    let names = format!(
        "FROM reaction r JOIN \"user\" v ON v.id = r.user_id \
         WHERE r.message_id = m.id AND r.emoji = g.emoji AND {one} \
         ORDER BY r.created_at, r.user_id LIMIT {NAMED}"
    );
    let columns = format!(
        "g.emoji, COUNT(*), ({})",
        piece::sql(backend, "v.username", &names)
    );
    let grouped = format!(
        "FROM reaction g WHERE g.message_id = m.id AND {group} \
         GROUP BY g.emoji ORDER BY MIN(g.created_at), g.emoji"
    );
    format!(
        "CASE WHEN EXISTS (SELECT 1 FROM reaction e WHERE e.message_id = m.id AND {any}) \
         THEN ({}) END",
        piece::sql(backend, &columns, &grouped)
    )
}

/// What [`of_each`] answered.
pub(super) fn read(text: Option<&str>) -> Result<Vec<Reaction>, DbErr> {
    let wrong = |error: serde_json::Error| DbErr::Json(error.to_string());
    // An emoji, how many put it there, and the first of them.
    let rows = text.map(serde_json::from_str::<Vec<(String, u32, String)>>);
    let rows = rows.transpose().map_err(wrong)?.unwrap_or_default();
    let reactions = rows.into_iter().map(|(emoji, count, names)| {
        let names: Vec<(String,)> = serde_json::from_str(&names).map_err(wrong)?;
        Ok(Reaction {
            emoji,
            count,
            usernames: names.into_iter().map(|(name,)| name).collect(),
        })
    });
    reactions.collect()
}
