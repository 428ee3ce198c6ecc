//! Deletion of expired rows.

use std::time::Duration;

use entity::Millis;
use sea_orm::{ConnectionTrait, Statement, Value};

use super::MaintenanceRepository;
use crate::store::db::Result;

/// The time that a login, password link or invitation is kept after its end.
/// Until then a login's address counts as a known network of its user.
const KEPT_AFTER_END: Duration = Duration::from_secs(30 * 24 * 3600);

/// The time that a report is kept.
const REPORTS_KEPT: Duration = Duration::from_secs(90 * 24 * 3600);
const REPORTS: &str = "DELETE FROM report WHERE id IN \
     (SELECT id FROM report WHERE created_at <= $1 LIMIT $2)";

/// The maximum number of rows that one statement deletes.
const BATCH: i64 = 500;

/// Statements that delete request pauses and declined invitations at their end.
const PAUSES: [&str; 2] = [
    "DELETE FROM request_pause WHERE (requester_id, recipient_id) IN \
     (SELECT requester_id, recipient_id FROM request_pause WHERE until <= $1 LIMIT $2)",
    "DELETE FROM group_invitation WHERE id IN \
     (SELECT id FROM group_invitation WHERE declined_until <= $1 LIMIT $2)",
];

/// Statements that delete rows that ended before a time. Each uses an index.
const ENDED: [&str; 5] = [
    "DELETE FROM login WHERE id IN (SELECT id FROM login WHERE ended_at < $1 LIMIT $2)",
    "DELETE FROM login WHERE id IN \
     (SELECT id FROM login WHERE ended_at IS NULL AND expires_at < $1 LIMIT $2)",
    "DELETE FROM password_reset WHERE token_hash IN \
     (SELECT token_hash FROM password_reset WHERE expires_at < $1 LIMIT $2)",
    "DELETE FROM invite WHERE id IN (SELECT id FROM invite WHERE expires_at < $1 LIMIT $2)",
    // An invitation's last use isn't recorded, so the time since its creation
    // counts.
    "DELETE FROM invite WHERE id IN \
     (SELECT id FROM invite WHERE uses_left <= 0 AND created_at <= $1 LIMIT $2)",
];

impl MaintenanceRepository<'_> {
    /// Deletes a batch of each kind of expired row; true if no more are left.
    pub async fn delete_ended_rows(self, now: Millis) -> Result<bool> {
        let before = now.before(KEPT_AFTER_END);
        let statements = ENDED.map(|sql| (sql, before)).into_iter();
        let statements = statements.chain(PAUSES.map(|sql| (sql, now)));
        let statements = statements.chain([(REPORTS, now.before(REPORTS_KEPT))]);
        let mut is_all = true;
        for (sql, until) in statements {
            let values = [Value::from(until), Value::from(BATCH)];
            let statement = Statement::from_sql_and_values(self.db.backend(), sql, values);
            let done = self.db.writer().execute_raw(statement).await?;
            is_all &= done.rows_affected() < BATCH.unsigned_abs();
        }
        Ok(is_all)
    }
}
