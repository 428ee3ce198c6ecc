//! Deleting rows that are out of use.

use std::time::Duration;

use entity::Millis;
use sea_orm::{ConnectionTrait, Statement, Value};

use super::{Result, Store};

/// How long the row of a login, a password link or an invitation is kept after
/// its end: a login's address tells a user's network from others meanwhile.
const KEPT_AFTER_END: Duration = Duration::from_secs(30 * 24 * 3600);

/// How long a report of a message is kept.
const REPORTS_KEPT: Duration = Duration::from_secs(90 * 24 * 3600);
const REPORTS: &str = "DELETE FROM report WHERE id IN \
     (SELECT id FROM report WHERE created_at <= $1 LIMIT $2)";

/// The most rows that one statement deletes.
const BATCH: i64 = 500;

/// Pauses of requests and declined invitations have no use after their end.
const PAUSES: [&str; 2] = [
    "DELETE FROM request_pause WHERE (requester_id, recipient_id) IN \
     (SELECT requester_id, recipient_id FROM request_pause WHERE until <= $1 LIMIT $2)",
    "DELETE FROM group_invitation WHERE id IN \
     (SELECT id FROM group_invitation WHERE declined_until <= $1 LIMIT $2)",
];

/// Rows that ended before a moment: each statement seeks them in an index.
const ENDED: [&str; 5] = [
    "DELETE FROM login WHERE id IN (SELECT id FROM login WHERE ended_at < $1 LIMIT $2)",
    "DELETE FROM login WHERE id IN \
     (SELECT id FROM login WHERE ended_at IS NULL AND expires_at < $1 LIMIT $2)",
    "DELETE FROM password_reset WHERE token_hash IN \
     (SELECT token_hash FROM password_reset WHERE expires_at < $1 LIMIT $2)",
    "DELETE FROM invite WHERE id IN (SELECT id FROM invite WHERE expires_at < $1 LIMIT $2)",
    // Nothing says when the last use was, and nothing is left of it.
    "DELETE FROM invite WHERE id IN \
     (SELECT id FROM invite WHERE uses_left <= 0 AND created_at <= $1 LIMIT $2)",
];

impl Store {
    /// Deletes a batch of each kind of row that ended long enough ago; true if
    /// that was all.
    pub async fn delete_ended(&self, now: Millis) -> Result<bool> {
        let before = now.before(KEPT_AFTER_END);
        let statements = ENDED.map(|sql| (sql, before)).into_iter();
        let statements = statements.chain(PAUSES.map(|sql| (sql, now)));
        let statements = statements.chain([(REPORTS, now.before(REPORTS_KEPT))]);
        let mut is_all = true;
        for (sql, until) in statements {
            let values = [Value::from(until), Value::from(BATCH)];
            let statement = Statement::from_sql_and_values(self.backend(), sql, values);
            let done = self.writer.execute_raw(statement).await?;
            is_all &= done.rows_affected() < BATCH.unsigned_abs();
        }
        Ok(is_all)
    }
}
