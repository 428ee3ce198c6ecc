//! Conversations: membership, the view of each member, and the records that
//! Rooms load.

mod groups;
mod list;
mod missed_changes;
mod resume;
mod room;
mod strangers;
mod views;

use entity::conversation::{self, ConversationKind};
use entity::participant::MemberRole;
use entity::{ConversationId, Millis, UserId, participant};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Statement,
    TryInsertResult,
};

use crate::protocol::{ErrorCode, input::direct_key};
use crate::store::connections;
use crate::store::db::{Db, Result, StoreError};
use crate::store::messages::HistoryWindow;
pub use groups::{GroupRepository, NewGroup};
pub use list::{ConversationListCursor, ConversationPage};
pub use missed_changes::{FormerMemberRecord, MissedChanges};
pub use resume::{
    ChangedSeq, ConversationDelta, ReplayRepository, ResumeConversations, VisibleVersion,
};
pub use room::{RoomMember, RoomRecord, RoomRepository};
use views::LISTED;

/// A user's access to a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConversationAccess {
    /// A current member.
    Member(HistoryWindow),
    /// A former member, who can read up to the end of their membership.
    FormerMember(HistoryWindow),
}

impl ConversationAccess {
    /// Returns the visible part of the history.
    #[must_use]
    pub fn window(self) -> HistoryWindow {
        match self {
            Self::Member(window) | Self::FormerMember(window) => window,
        }
    }
}

/// The conversations of users, as their members see them.
#[derive(Clone, Copy)]
pub struct ConversationRepository<'a> {
    db: &'a Db,
}

impl<'a> ConversationRepository<'a> {
    /// Creates a repository on these connections.
    pub(in crate::store) fn new(db: &'a Db) -> Self {
        Self { db }
    }
}

impl ConversationRepository<'_> {
    /// Returns the direct conversation of two users, creating it if needed;
    /// true if it was created.
    ///
    /// # Errors
    /// `not_connected` if there is none and they aren't connected; `conflict`
    /// for the user's own account.
    pub async fn open_direct(
        self,
        me: UserId,
        them: UserId,
        now: Millis,
    ) -> Result<(ConversationId, bool)> {
        if me == them {
            return Err(StoreError::refused(
                ErrorCode::Conflict,
                "A conversation needs another user.",
            ));
        }
        let key = direct_key(me, them);
        if let Some(id) = find_direct_id(self.db.reader(), &key).await? {
            return Ok((id, false));
        }
        let tx = self.db.begin().await?;
        if !connections::are_connected(&tx, me, them).await? {
            return Err(StoreError::refused(
                ErrorCode::NotConnected,
                "You can only message people you are connected with.",
            ));
        }
        let is_new = insert_direct(&tx, me, &key, now).await?;
        let id = find_direct_id(&tx, &key)
            .await?
            .ok_or_else(StoreError::not_found)?;
        if is_new {
            let people = [me, them].map(|user| new_participant(id, user, now));
            participant::Entity::insert_many(people)
                .exec_without_returning(&tx)
                .await?;
        }
        tx.commit().await?;
        Ok((id, is_new))
    }

    /// Returns the direct conversation of two users, if it exists.
    pub async fn find_direct(self, one: UserId, two: UserId) -> Result<Option<ConversationId>> {
        find_direct_id(self.db.reader(), &direct_key(one, two)).await
    }

    /// Returns a user's access to a conversation; none if they were never a
    /// member or it doesn't exist.
    pub async fn load_access(
        self,
        me: UserId,
        id: ConversationId,
    ) -> Result<Option<ConversationAccess>> {
        let row = participant::Entity::find_by_id((id, me))
            .one(self.db.reader())
            .await?;
        Ok(row.map(|row| {
            let window = HistoryWindow {
                conversation: id,
                after: row.joined_seq,
                last: row.left_seq.unwrap_or(i64::MAX - 1),
            };
            match row.left_seq {
                None => ConversationAccess::Member(window),
                Some(_) => ConversationAccess::FormerMember(window),
            }
        }))
    }

    /// Returns the conversation after this one in a user's list, in the order
    /// of ids, which new messages don't change.
    pub async fn find_next(
        self,
        me: UserId,
        after: ConversationId,
    ) -> Result<Option<ConversationId>> {
        let sql = format!(
            "SELECT c.id AS id FROM participant p JOIN conversation c ON c.id = p.conversation_id \
             WHERE p.user_id = $1 AND p.conversation_id > $2 AND {LISTED} \
             ORDER BY p.conversation_id LIMIT 1"
        );
        let values = [me.into(), after.into()];
        let statement = Statement::from_sql_and_values(self.db.backend(), sql, values);
        let row = self.db.reader().query_one_raw(statement).await?;
        Ok(row.map(|row| row.try_get_by("id")).transpose()?)
    }
}

async fn find_direct_id(db: &impl ConnectionTrait, key: &str) -> Result<Option<ConversationId>> {
    let row = conversation::Entity::find()
        .filter(conversation::Column::DirectKey.eq(key))
        .one(db)
        .await?;
    Ok(row.map(|row| row.id))
}

/// Inserts a direct conversation, unless the two users have one already.
/// Returns whether it was inserted.
async fn insert_direct(
    tx: &impl ConnectionTrait,
    me: UserId,
    key: &str,
    now: Millis,
) -> Result<bool> {
    let row = conversation::ActiveModel {
        kind: Set(ConversationKind::Direct),
        title: Set(None),
        direct_key: Set(Some(key.to_owned())),
        open: Set(true),
        opened_by: Set(me),
        last_seq: Set(0),
        last_ord: Set(0),
        version: Set(0),
        members_version: Set(0),
        participant_count: Set(2),
        delivered_low: Set(0),
        read_low: Set(0),
        last_message_id: Set(None),
        last_message_at: Set(None),
        created_at: Set(now),
        ..Default::default()
    };
    let done = conversation::Entity::insert(row)
        .on_conflict_do_nothing_on([conversation::Column::DirectKey])
        .exec_without_returning(tx)
        .await?;
    Ok(matches!(done, TryInsertResult::Inserted(1..)))
}

fn new_participant(id: ConversationId, user: UserId, now: Millis) -> participant::ActiveModel {
    participant::ActiveModel {
        conversation_id: Set(id),
        user_id: Set(user),
        role: Set(MemberRole::Member),
        joined_seq: Set(0),
        joined_at: Set(now),
        left_seq: Set(None),
        left_version: Set(None),
        left_title: Set(None),
        delivered_seq: Set(0),
        read_seq: Set(0),
        read_ord: Set(0),
        unread_deleted: Set(0),
        version: Set(0),
        muted_until: Set(None),
        archived: Set(false),
        pinned: Set(false),
    }
}
