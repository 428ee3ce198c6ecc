//! Reactions to messages.

use sea_orm::{DbBackend, DbErr};

use super::ReaderSql;
use crate::protocol::message::ReactionSummary;
use crate::store::db::json_rows::{self, JsonColumns, json_row};

/// The number of users that a reaction names, in the order of time.
const NAMED_USERS_MAX: i64 = 50;

/// Returns SQL for the reactions to a message `m`, in the order of their first
/// use; null if there are none.
pub(super) fn reactions_sql(backend: DbBackend, reader_sql: ReaderSql<'_>) -> String {
    let [one, group, any] = ["r", "g", "e"].map(|reaction| reader_sql.shows_reaction(reaction));
    let names = format!(
        "FROM reaction r JOIN \"user\" v ON v.id = r.user_id \
         WHERE r.message_id = m.id AND r.emoji = g.emoji AND {one} \
         ORDER BY r.created_at, r.user_id LIMIT {NAMED_USERS_MAX}"
    );
    let columns = ReactionColumns {
        emoji: "g.emoji",
        count: "COUNT(*)",
        names: &format!("({})", json_rows::sql(backend, "v.username", &names)),
    };
    let grouped = format!(
        "FROM reaction g WHERE g.message_id = m.id AND {group} \
         GROUP BY g.emoji ORDER BY MIN(g.created_at), g.emoji"
    );
    format!(
        "CASE WHEN EXISTS (SELECT 1 FROM reaction e WHERE e.message_id = m.id AND {any}) \
         THEN ({}) END",
        json_rows::sql(backend, &columns.list(), &grouped)
    )
}

json_row! {
    struct ReactionRow of ReactionColumns {
        emoji: String,
        count: u32,
        /// The first usernames, as rows in JSON.
        names: String,
    }
}

/// Reads the result of [`reactions_sql`].
pub(super) fn parse_reactions(text: Option<&str>) -> Result<Vec<ReactionSummary>, DbErr> {
    let wrong = |error: serde_json::Error| DbErr::Json(error.to_string());
    let rows = text.map(serde_json::from_str::<Vec<ReactionRow>>);
    let rows = rows.transpose().map_err(wrong)?.unwrap_or_default();
    let reactions = rows.into_iter().map(|row| {
        let names: Vec<(String,)> = serde_json::from_str(&row.names).map_err(wrong)?;
        Ok(ReactionSummary {
            emoji: row.emoji,
            count: row.count,
            usernames: names.into_iter().map(|(name,)| name).collect(),
        })
    });
    reactions.collect()
}
