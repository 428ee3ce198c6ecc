//! Who wants nothing from whom.
//!
//! A block ends what the two were to each other, in the same transaction, and
//! the one who is blocked can't tell: an end looks like any other, and what
//! they ask looks as if it waited.

use std::collections::HashSet;

use entity::connection::State;
use entity::{Millis, UserId, block, connection, user};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, ModelTrait,
    QueryFilter, QueryOrder, QueryResult, QuerySelect,
};

use super::connections::{gone, hold_pair, pair, set_open, set_state, withdraw};
use super::{Change, Result, Store, StoreError, piece};
use crate::protocol::{Code, User};

impl Store {
    /// Blocks somebody; where that ended something between the two, it is
    /// answered as each of them now sees it.
    ///
    /// # Errors
    /// `conflict` for oneself.
    pub async fn block(
        &self,
        me: &user::Model,
        them: &user::Model,
        now: Millis,
    ) -> Result<Option<Change>> {
        if me.id == them.id {
            return Err(StoreError::refused(
                Code::Conflict,
                "You can't block yourself.",
            ));
        }
        let tx = self.begin().await?;
        hold_pair(&tx, me.id, them.id).await?;
        let row = block::ActiveModel {
            blocker_id: Set(me.id),
            blocked_id: Set(them.id),
            created_at: Set(now),
        };
        block::Entity::insert(row)
            .on_conflict_do_nothing()
            .exec_without_returning(&tx)
            .await?;
        let row = pair(me.id, them.id).lock_exclusive().one(&tx).await?;
        let change = match row {
            Some(mut row) => end(&tx, &mut row, (me.id, now))
                .await?
                .then(|| gone(&row, me, them)),
            None => None,
        };
        tx.commit().await?;
        Ok(change)
    }

    /// Lifts a block, where there is one. What it ended stays ended.
    pub async fn unblock(&self, me: UserId, them: UserId) -> Result<()> {
        block::Entity::delete_by_id((me, them))
            .exec(&self.writer)
            .await?;
        Ok(())
    }

    /// A page of those whom a person blocks, in the order of their ids.
    pub async fn blocked(
        &self,
        me: UserId,
        after: Option<UserId>,
        limit: u64,
    ) -> Result<Vec<User>> {
        let ids: Vec<UserId> = block::Entity::find()
            .select_only()
            .column(block::Column::BlockedId)
            .filter(block::Column::BlockerId.eq(me))
            .filter(block::Column::BlockedId.gt(after.map_or(0, |user| user.0)))
            .order_by_asc(block::Column::BlockedId)
            .limit(limit)
            .into_tuple()
            .all(&self.reader)
            .await?;
        let users = user::Entity::find()
            .filter(user::Column::Id.is_in(ids))
            .order_by_asc(user::Column::Id)
            .all(&self.reader)
            .await?;
        Ok(users.iter().map(User::from).collect())
    }

    /// Whether one of the two blocks the other.
    pub(super) async fn block_between(
        db: &impl ConnectionTrait,
        one: UserId,
        two: UserId,
    ) -> Result<Option<UserId>> {
        for (blocker, blocked) in [(one, two), (two, one)] {
            if blocks(db, blocker, blocked).await? {
                return Ok(Some(blocker));
            }
        }
        Ok(None)
    }
}

/// Whether the one blocks the other.
pub(super) async fn blocks(
    tx: &impl ConnectionTrait,
    blocker: UserId,
    blocked: UserId,
) -> Result<bool> {
    let row = block::Entity::find_by_id((blocker, blocked))
        .one(tx)
        .await?;
    Ok(row.is_some())
}

/// Those of whom one blocks the other, whichever does.
#[derive(Default)]
pub(super) struct Pairs(HashSet<(UserId, UserId)>);

impl Pairs {
    /// A statement that answers, in one piece, those of all pairs of one of the
    /// first and one of the second, both tables with a `user_id`. What the
    /// first have to do with blocks is looked through.
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
        piece::sql(backend, "blocker_id, blocked_id", &rest)
    }

    /// Those in one of several pieces.
    pub(super) fn at(row: &QueryResult, place: usize) -> Result<Self> {
        let pairs: Vec<(UserId, UserId)> = piece::at(row, place)?;
        Ok(Self(pairs.into_iter().collect()))
    }

    /// Whether these two are such.
    pub(super) fn has(&self, one: UserId, two: UserId) -> bool {
        self.0.contains(&(one, two)) || self.0.contains(&(two, one))
    }
}

/// Ends what `row` says, for the one who blocks; false where that was nothing
/// they knew of.
async fn end(
    tx: &impl ConnectionTrait,
    row: &mut connection::Model,
    (me, now): (UserId, Millis),
) -> Result<bool> {
    let is_theirs = row.requested_by != me;
    match row.state {
        State::Swallowed if is_theirs => return Ok(false),
        State::Requested if is_theirs => set_state(tx, row, State::Swallowed).await?,
        State::Requested | State::Swallowed => withdraw(tx, row, now).await?,
        State::Connected => {
            row.clone().delete(tx).await?;
            set_open(tx, row, false).await?;
        }
    }
    Ok(true)
}
