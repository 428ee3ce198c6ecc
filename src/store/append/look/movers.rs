//! The users who join or leave a group by a batch.

use std::collections::{BTreeSet, HashMap};

use entity::UserId;
use sea_orm::ConnectionTrait;

use super::{Append, What};
use crate::store::append::MemberMove;
use crate::store::{Result, group_counts};

/// In how many groups each of them is, before the batch. That stays until the
/// transaction ends.
pub(super) async fn locked(
    tx: &impl ConnectionTrait,
    batch: &[Append],
) -> Result<HashMap<UserId, i32>> {
    let changes = batch.iter().filter_map(|append| match &append.what {
        What::Change(change) => Some(change),
        _ => None,
    });
    let moves = changes.flat_map(|change| &change.moves);
    let users = moves.filter_map(MemberMove::counts).map(|(user, _)| user);
    group_counts::locked(tx, &users.collect::<BTreeSet<_>>()).await
}
