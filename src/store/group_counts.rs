//! The number of groups of each user.
//!
//! A check of the limit reads one row and not the user's groups. Every
//! transaction locks these rows last and in the order of ids, which prevents
//! deadlocks.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use entity::conversation::ConversationKind;
use entity::{UserId, group_count};
use sea_orm::{
    ActiveEnum,
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, LockType, OnConflict},
};

use crate::protocol::{ErrorCode, Problem};
use crate::store::db::{ROWS_PER_STATEMENT, Result};

/// The maximum number of groups that a user can be in.
pub(super) const GROUPS_MAX: i32 = 2_000;

/// Returns the error for a user who can't join a group, because they are in too
/// many.
pub(super) fn too_many_groups() -> Problem {
    Problem::new(ErrorCode::Conflict, "A user is in at most 2,000 groups.")
}

/// Returns the number of groups of each user and locks it until the transaction
/// ends. A user without a row is in none.
pub(super) async fn lock_group_counts(
    tx: &impl ConnectionTrait,
    users: &BTreeSet<UserId>,
) -> Result<HashMap<UserId, i32>> {
    let mut found = HashMap::new();
    let users: Vec<UserId> = users.iter().copied().collect();
    for users in users.chunks(ROWS_PER_STATEMENT) {
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

/// Locks the counts of these users and checks that each may join one more
/// group.
///
/// # Errors
/// `conflict`.
pub(super) async fn check_group_limit(
    tx: &impl ConnectionTrait,
    users: &BTreeSet<UserId>,
) -> Result<()> {
    let counts = lock_group_counts(tx, users).await?;
    if counts.values().any(|groups| *groups >= GROUPS_MAX) {
        Err(too_many_groups().into())
    } else {
        Ok(())
    }
}

/// Adds the sum of each user's changes to the user's count, in one row.
pub(super) async fn add_group_counts(
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
    for rows in rows.chunks(ROWS_PER_STATEMENT) {
        group_count::Entity::insert_many(rows.to_vec())
            .on_conflict(known.clone())
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}

/// Counts the groups of all users after an import.
pub(super) async fn recount_groups(tx: &impl ConnectionTrait) -> Result<()> {
    let group = ConversationKind::Group.to_value();
    let sql = format!(
        "INSERT INTO group_count (user_id, groups) SELECT p.user_id, COUNT(*) \
         FROM participant p JOIN conversation c ON c.id = p.conversation_id \
         WHERE c.kind = {group} AND p.left_seq IS NULL GROUP BY p.user_id"
    );
    tx.execute_unprepared(&sql).await?;
    Ok(())
}
