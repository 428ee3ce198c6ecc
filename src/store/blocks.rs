//! Blocks.
//!
//! The transaction of a block also ends the connection and the requests of the
//! two users. The blocked user can't detect the block: the connection's end
//! looks like any other, and the blocked user's requests look pending.

use entity::connection::ConnectionRowState;
use entity::{Millis, UserId, block, connection, user};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, ModelTrait, QueryFilter,
    QueryOrder, QuerySelect,
};

use crate::protocol::{ErrorCode, User};
use crate::store::connections::{
    ConnectionChange, cancel_request, lock_user_pair, removed_connection_change, select_pair,
    set_open, set_state,
};
use crate::store::db::{Db, Result, StoreError};

/// The blocks of users.
#[derive(Clone, Copy)]
pub struct BlockRepository<'a> {
    db: &'a Db,
}

impl<'a> BlockRepository<'a> {
    /// Creates a repository on these connections.
    pub(in crate::store) fn new(db: &'a Db) -> Self {
        Self { db }
    }
}

impl BlockRepository<'_> {
    /// Blocks a user. Returns the ended connection or request, as each side
    /// sees it.
    ///
    /// # Errors
    /// `conflict` for the user's own account.
    pub async fn create(
        self,
        me: &user::Model,
        them: &user::Model,
        now: Millis,
    ) -> Result<Option<ConnectionChange>> {
        if me.id == them.id {
            return Err(StoreError::refused(
                ErrorCode::Conflict,
                "You can't block yourself.",
            ));
        }
        let tx = self.db.begin().await?;
        lock_user_pair(&tx, me.id, them.id).await?;
        let row = block::ActiveModel {
            blocker_id: Set(me.id),
            blocked_id: Set(them.id),
            created_at: Set(now),
        };
        block::Entity::insert(row)
            .on_conflict_do_nothing()
            .exec_without_returning(&tx)
            .await?;
        let row = select_pair(me.id, them.id)
            .lock_exclusive()
            .one(&tx)
            .await?;
        let change = match row {
            Some(mut row) => end_connection(&tx, &mut row, me.id, now)
                .await?
                .then(|| removed_connection_change(&row, me, them)),
            None => None,
        };
        tx.commit().await?;
        Ok(change)
    }

    /// Removes a block if there is one. The connection that it ended isn't
    /// restored.
    pub async fn delete(self, me: UserId, them: UserId) -> Result<()> {
        block::Entity::delete_by_id((me, them))
            .exec(self.db.writer())
            .await?;
        Ok(())
    }

    /// Returns a page of the users that a user blocks, by id.
    pub async fn list(self, me: UserId, after: Option<UserId>, limit: u64) -> Result<Vec<User>> {
        let ids: Vec<UserId> = block::Entity::find()
            .select_only()
            .column(block::Column::BlockedId)
            .filter(block::Column::BlockerId.eq(me))
            .filter(block::Column::BlockedId.gt(after.map_or(0, |user| user.0)))
            .order_by_asc(block::Column::BlockedId)
            .limit(limit)
            .into_tuple()
            .all(self.db.reader())
            .await?;
        let users = user::Entity::find()
            .filter(user::Column::Id.is_in(ids))
            .order_by_asc(user::Column::Id)
            .all(self.db.reader())
            .await?;
        Ok(users.iter().map(User::from).collect())
    }
}

/// Ends a connection or request for the blocker; false if it was a suppressed
/// request, which the blocker doesn't see.
async fn end_connection(
    tx: &impl ConnectionTrait,
    row: &mut connection::Model,
    me: UserId,
    now: Millis,
) -> Result<bool> {
    let is_theirs = row.requested_by != me;
    match row.state {
        ConnectionRowState::Suppressed if is_theirs => return Ok(false),
        ConnectionRowState::Requested if is_theirs => {
            set_state(tx, row, ConnectionRowState::Suppressed).await?
        }
        ConnectionRowState::Requested | ConnectionRowState::Suppressed => {
            cancel_request(tx, row, now).await?
        }
        ConnectionRowState::Connected => {
            row.clone().delete(tx).await?;
            set_open(tx, row, false).await?;
        }
    }
    Ok(true)
}
