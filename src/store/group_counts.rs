//! In how many groups each user is.
//!
//! A check of the limit reads one row and not the user's groups. Every
//! transaction locks these rows last and in the order of ids, so that no two
//! of them wait for each other.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use entity::{UserId, group_count};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, LockType, OnConflict},
};

use super::{AT_A_TIME, Result};
use crate::protocol::{Code, Problem};

/// The most groups that a user is in.
pub(super) const GROUPS_MAX: i32 = 2_000;

/// Why a user can't come to one more.
pub(super) fn conflict() -> Problem {
    Problem::new(Code::Conflict, "A user is in at most 2,000 groups.")
}

/// In how many groups each of these users is. That stays until the
/// transaction ends; a user without a row is in none.
pub(super) async fn locked(
    tx: &impl ConnectionTrait,
    users: &BTreeSet<UserId>,
) -> Result<HashMap<UserId, i32>> {
    let mut found = HashMap::new();
    let users: Vec<UserId> = users.iter().copied().collect();
    for users in users.chunks(AT_A_TIME) {
        let rows = group_count::Entity::find()
            .filter(group_count::Column::UserId.is_in(users.iter().copied()))
            .order_by_asc(group_count::Column::UserId)
            .lock(LockType::Update)
            .all(tx)
            .await?;
        found.extend(rows.into_iter().map(|row| (row.user_id, row.groups)));
    }
    Ok(found)
}

/// Locks the counts of these users, and checks that each may be in one more
/// group.
///
/// # Errors
/// `conflict`.
pub(super) async fn check(tx: &impl ConnectionTrait, users: &BTreeSet<UserId>) -> Result<()> {
    let counts = locked(tx, users).await?;
    match counts.values().any(|groups| *groups >= GROUPS_MAX) {
        true => Err(conflict().into()),
        false => Ok(()),
    }
}

/// Adds to the counts of users. One row is written for each.
pub(super) async fn add(
    tx: &impl ConnectionTrait,
    changes: impl IntoIterator<Item = (UserId, i32)>,
) -> Result<()> {
    let mut sums = BTreeMap::<UserId, i32>::new();
    for (user, by) in changes {
        *sums.entry(user).or_default() += by;
    }
    sums.retain(|_, by| *by != 0);
    let rows: Vec<_> = sums
        .into_iter()
        .map(|(user, by)| group_count::ActiveModel {
            user_id: Set(user),
            groups: Set(by),
        })
        .collect();
    let groups = Expr::col((group_count::Entity, group_count::Column::Groups));
    let sum = groups.add(Expr::col(("excluded", group_count::Column::Groups)));
    let known = OnConflict::column(group_count::Column::UserId)
        .value(group_count::Column::Groups, sum)
        .to_owned();
    for rows in rows.chunks(AT_A_TIME) {
        group_count::Entity::insert_many(rows.to_vec())
            .on_conflict(known.clone())
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}

/// Counts the groups of all users, where nothing was counted before.
pub(super) async fn count(tx: &impl ConnectionTrait) -> Result<()> {
    let sql = "INSERT INTO group_count (user_id, groups) SELECT p.user_id, COUNT(*) \
               FROM participant p JOIN conversation c ON c.id = p.conversation_id \
               WHERE c.kind = 1 AND p.left_seq IS NULL GROUP BY p.user_id";
    tx.execute_unprepared(sql).await?;
    Ok(())
}
