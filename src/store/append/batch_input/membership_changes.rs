//! The users who join or leave a group in a batch.

use std::collections::{BTreeSet, HashMap};

use entity::UserId;
use sea_orm::ConnectionTrait;

use super::{AppendEntry, group_changes};
use crate::store::db::Result;
use crate::store::group_counts;

/// Returns the number of groups that each of these users was in before the
/// batch, and locks it until the transaction ends.
pub(super) async fn lock_group_counts(
    tx: &impl ConnectionTrait,
    batch: &[AppendEntry],
) -> Result<HashMap<UserId, i32>> {
    let deltas = group_changes(batch).flat_map(|(_, change)| change.group_count_deltas());
    let users: BTreeSet<UserId> = deltas.map(|(user, _)| user).collect();
    group_counts::lock_group_counts(tx, &users).await
}
