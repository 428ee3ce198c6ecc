//! Queries of blocks that other subjects need. The module
//! `blocks` adds and removes them.

use std::collections::HashSet;

use entity::{UserId, block};
use sea_orm::{ConnectionTrait, DbBackend, EntityTrait, QueryResult};

use crate::store::db::{Result, json_rows};

/// Returns whether `blocker` blocks `blocked`.
pub(super) async fn is_blocked_by(
    tx: &impl ConnectionTrait,
    blocker: UserId,
    blocked: UserId,
) -> Result<bool> {
    let row = block::Entity::find_by_id((blocker, blocked))
        .one(tx)
        .await?;
    Ok(row.is_some())
}

/// Returns the blocker if one of the two blocks the other.
pub(super) async fn find_block(
    db: &impl ConnectionTrait,
    one: UserId,
    two: UserId,
) -> Result<Option<UserId>> {
    for (blocker, blocked) in [(one, two), (two, one)] {
        if is_blocked_by(db, blocker, blocked).await? {
            return Ok(Some(blocker));
        }
    }
    Ok(None)
}

/// Pairs of users between which there is a block.
#[derive(Default)]
pub(super) struct BlockedPairs(HashSet<(UserId, UserId)>);

impl BlockedPairs {
    /// Returns SQL for a JSON column with the blocked pairs between the users
    /// of two tables. Both tables have a `user_id`. The query reads all blocks
    /// of the users in `ones`.
    pub(super) fn sql(backend: DbBackend, ones: &str, others: &str) -> String {
        let half = |mine: &str, theirs: &str| {
            format!(
                "SELECT b.blocker_id, b.blocked_id FROM (SELECT DISTINCT user_id FROM {ones}) v \
                 CROSS JOIN block b WHERE b.{mine} = v.user_id \
                 AND b.{theirs} IN (SELECT user_id FROM {others})"
            )
        };
        let rest = format!(
            "FROM ({} UNION {}) known",
            half("blocker_id", "blocked_id"),
            half("blocked_id", "blocker_id")
        );
        json_rows::sql(backend, "blocker_id, blocked_id", &rest)
    }

    /// Reads the pairs from a JSON column.
    pub(super) fn parse_column(row: &QueryResult, column: &str) -> Result<Self> {
        let pairs: Vec<(UserId, UserId)> = json_rows::parse_column(row, column)?;
        Ok(Self(pairs.into_iter().collect()))
    }

    /// Returns whether one of these two blocks the other.
    pub(super) fn contains(&self, one: UserId, two: UserId) -> bool {
        self.0.contains(&(one, two)) || self.0.contains(&(two, one))
    }
}
