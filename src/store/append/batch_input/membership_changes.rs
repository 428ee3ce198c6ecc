//! The users who join or leave a group in a batch.

use std::collections::{BTreeSet, HashMap};

use entity::UserId;
use sea_orm::ConnectionTrait;

use super::{AppendEntry, AppendOperation};
use crate::store::append::MemberChange;
use crate::store::db::Result;
use crate::store::group_counts;

/// Returns the number of groups that each of these users was in before the
/// batch, and locks it until the transaction ends.
pub(super) async fn lock_group_counts(
    tx: &impl ConnectionTrait,
    batch: &[AppendEntry],
) -> Result<HashMap<UserId, i32>> {
    let changes = batch.iter().filter_map(|append| match &append.operation {
        AppendOperation::Change(change) => Some(change),
        _ => None,
    });
    let moves = changes.flat_map(|change| &change.member_changes);
    let users = moves
        .filter_map(MemberChange::group_count_delta)
        .map(|(user, _)| user);
    group_counts::lock_group_counts(tx, &users.collect::<BTreeSet<_>>()).await
}
