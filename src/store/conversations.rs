//! Conversations: who takes part, what each of them sees, and what a Room
//! starts from.

mod groups;
mod list;
mod missed;
mod resume;
mod room;
mod strangers;
mod views;

use entity::conversation::{self, Kind};
use entity::participant::Role;
use entity::{ConversationId, Millis, UserId, participant};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Statement,
    TryInsertResult,
};

use super::{Result, Store, StoreError, connections};
use crate::protocol::{Code, input::direct_key};
pub use groups::NewGroup;
pub use list::{ConversationPage, ListCursor};
pub use missed::{Leaver, Missed};
pub use resume::{Changed, Round, Standing, Standings};
use room::room;
pub use room::{RoomMember, RoomRecord};
use views::LISTED;
pub(super) use views::UNREAD;
pub use views::Waiting;

/// Which part of a history a person may see: what stands after `first` and up
/// to `last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub conversation: ConversationId,
    pub first: i64,
    pub last: i64,
}

/// How somebody stands to a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Takes part.
    In(Window),
    /// Took part once, and reads up to there.
    Left(Window),
}

impl Access {
    /// What they may read.
    #[must_use]
    pub fn window(self) -> Window {
        match self {
            Self::In(window) | Self::Left(window) => window,
        }
    }
}

impl Store {
    /// The direct conversation of two people, made where there is none; true
    /// where it was made now.
    ///
    /// # Errors
    /// `not_connected` where there is none and they aren't; `conflict` with
    /// oneself.
    pub async fn open_direct(
        &self,
        me: UserId,
        them: UserId,
        now: Millis,
    ) -> Result<(ConversationId, bool)> {
        if me == them {
            return Err(StoreError::refused(
                Code::Conflict,
                "A conversation needs somebody else.",
            ));
        }
        let key = direct_key(me, them);
        if let Some(id) = direct(&self.reader, &key).await? {
            return Ok((id, false));
        }
        let tx = self.begin().await?;
        if !connections::are_connected(&tx, me, them).await? {
            return Err(StoreError::refused(
                Code::NotConnected,
                "You can only message people you are connected with.",
            ));
        }
        let is_new = insert_direct(&tx, me, &key, now).await?;
        let id = direct(&tx, &key).await?.ok_or_else(StoreError::not_found)?;
        if is_new {
            let people = [me, them].map(|user| newcomer(id, user, now));
            participant::Entity::insert_many(people)
                .exec_without_returning(&tx)
                .await?;
        }
        tx.commit().await?;
        Ok((id, is_new))
    }

    /// The direct conversation of two people, where there is one.
    pub async fn direct_between(&self, one: UserId, two: UserId) -> Result<Option<ConversationId>> {
        direct(&self.reader, &direct_key(one, two)).await
    }

    /// How a person stands to a conversation; none where they never took
    /// part, or where there is no such conversation.
    pub async fn access(&self, me: UserId, id: ConversationId) -> Result<Option<Access>> {
        let row = participant::Entity::find_by_id((id, me))
            .one(&self.reader)
            .await?;
        Ok(row.map(|row| {
            let window = Window {
                conversation: id,
                first: row.joined_seq,
                last: row.left_seq.unwrap_or(i64::MAX - 1),
            };
            match row.left_seq {
                None => Access::In(window),
                Some(_) => Access::Left(window),
            }
        }))
    }

    /// The first conversation in a person's list after this one, in the order
    /// of ids: what happens there meanwhile doesn't change that.
    pub async fn conversation_after(
        &self,
        me: UserId,
        after: ConversationId,
    ) -> Result<Option<ConversationId>> {
        let sql = format!(
            "SELECT c.id FROM participant p JOIN conversation c ON c.id = p.conversation_id \
             WHERE p.user_id = $1 AND p.conversation_id > $2 AND {LISTED} \
             ORDER BY p.conversation_id LIMIT 1"
        );
        let values = [me.into(), after.into()];
        let statement = Statement::from_sql_and_values(self.backend(), sql, values);
        let row = self.reader.query_one_raw(statement).await?;
        Ok(row.map(|row| row.try_get_by_index(0)).transpose()?)
    }
}

async fn direct(db: &impl ConnectionTrait, key: &str) -> Result<Option<ConversationId>> {
    let row = conversation::Entity::find()
        .filter(conversation::Column::DirectKey.eq(key))
        .one(db)
        .await?;
    Ok(row.map(|row| row.id))
}

/// True where there was none for that key.
async fn insert_direct(
    tx: &impl ConnectionTrait,
    me: UserId,
    key: &str,
    now: Millis,
) -> Result<bool> {
    let row = conversation::ActiveModel {
        kind: Set(Kind::Direct),
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

fn newcomer(id: ConversationId, user: UserId, now: Millis) -> participant::ActiveModel {
    participant::ActiveModel {
        conversation_id: Set(id),
        user_id: Set(user),
        role: Set(Role::Member),
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
