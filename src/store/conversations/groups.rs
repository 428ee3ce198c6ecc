//! Creating groups, and listing their members.

use std::collections::BTreeSet;

use entity::conversation::{self, ConversationKind};
use entity::message::{MessageKind, StatusCeiling};
use entity::participant::MemberRole;
use entity::{ConversationId, MessageId, Millis, UserId, message, participant, user};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};

use super::new_participant;
use crate::protocol::conversation::GroupMember;
use crate::protocol::{ErrorCode, GroupTitle, User};
use crate::store::db::{Db, ROWS_PER_STATEMENT, Result, StoreError};
use crate::store::ids::MessageIdBlock;
use crate::store::{append, connections, group_counts, search_terms};

/// The initial content of a group.
pub struct NewGroup {
    pub title: GroupTitle,
    /// The invited users, without the creator.
    pub people: BTreeSet<UserId>,
    /// The text of the first system message.
    pub text: String,
    pub event: String,
}

/// The groups and their members.
#[derive(Clone, Copy)]
pub struct GroupRepository<'a> {
    db: &'a Db,
    ids: &'a MessageIdBlock,
}

impl<'a> GroupRepository<'a> {
    /// Creates a repository on these connections. New messages take their ids
    /// from the block.
    pub(in crate::store) fn new(db: &'a Db, ids: &'a MessageIdBlock) -> Self {
        Self { db, ids }
    }
}

impl GroupRepository<'_> {
    /// Creates a group.
    ///
    /// # Errors
    /// `not_connected` if the creator isn't connected with all invited users;
    /// `conflict` if one of them is in too many groups.
    pub async fn create(self, me: UserId, new: NewGroup, now: Millis) -> Result<ConversationId> {
        let ids = self.ids.take_message_ids(self.db.writer(), 1).await?;
        let message_id = MessageId(ids.first().copied().unwrap_or_default());
        let tx = self.db.begin().await?;
        if !connections::all_connected(&tx, me, &new.people).await? {
            return Err(StoreError::refused(
                ErrorCode::NotConnected,
                "You can only invite people you are connected with.",
            ));
        }
        let everybody = new.people.iter().copied().chain([me]).collect();
        group_counts::check_group_limit(&tx, &everybody).await?;
        let people = everybody.len();
        let row = group_row(me, &new.title, people, message_id, now);
        let id = row.insert(&tx).await?.id;
        search_terms::replace_title_words(&tx, id, new.title.as_str()).await?;
        let owner = participant::ActiveModel {
            role: Set(MemberRole::Owner),
            ..new_participant(id, me, now)
        };
        let others = new
            .people
            .iter()
            .map(|user| new_participant(id, *user, now));
        let rows: Vec<_> = [owner]
            .into_iter()
            .chain(others)
            .map(with_initial_markers)
            .collect();
        for rows in rows.chunks(ROWS_PER_STATEMENT) {
            participant::Entity::insert_many(rows.to_vec())
                .exec_without_returning(&tx)
                .await?;
        }
        group_counts::add_group_counts(&tx, everybody.into_iter().map(|user| (user, 1))).await?;
        opening_message(me, new, id, message_id, now)
            .insert(&tx)
            .await?;
        // All members have read the first message.
        append::mark_read_by_all(&tx, id, 1, now).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Returns a page of a conversation's members by id, after `after`.
    pub async fn list_members(
        self,
        id: ConversationId,
        after: Option<UserId>,
        limit: u64,
    ) -> Result<Vec<GroupMember>> {
        let rows = participant::Entity::find()
            .find_also_related(user::Entity)
            .filter(participant::Column::ConversationId.eq(id))
            .filter(participant::Column::LeftSeq.is_null())
            .filter(participant::Column::UserId.gt(after.unwrap_or(UserId(0))))
            .order_by_asc(participant::Column::UserId)
            .limit(limit)
            .all(self.db.reader())
            .await?;
        let members = rows.into_iter().filter_map(|(row, user)| {
            Some(GroupMember {
                user: User::from(&user?),
                role: row.role,
                joined_at: row.joined_at,
                delivered_seq: row.delivered_seq,
                read_seq: row.read_seq,
            })
        });
        Ok(members.collect())
    }
}

fn group_row(
    me: UserId,
    title: &GroupTitle,
    people: usize,
    first: MessageId,
    now: Millis,
) -> conversation::ActiveModel {
    conversation::ActiveModel {
        kind: Set(ConversationKind::Group),
        title: Set(Some(title.as_str().to_owned())),
        direct_key: Set(None),
        open: Set(true),
        opened_by: Set(me),
        last_seq: Set(1),
        last_ord: Set(0),
        version: Set(1),
        members_version: Set(0),
        participant_count: Set(i32::try_from(people).unwrap_or(i32::MAX)),
        delivered_low: Set(1),
        read_low: Set(1),
        last_message_id: Set(Some(first)),
        last_message_at: Set(Some(now)),
        created_at: Set(now),
        ..Default::default()
    }
}

/// Sets the markers to the first message.
fn with_initial_markers(row: participant::ActiveModel) -> participant::ActiveModel {
    participant::ActiveModel {
        delivered_seq: Set(1),
        read_seq: Set(1),
        version: Set(1),
        ..row
    }
}

/// Returns the first system message of a history.
fn opening_message(
    me: UserId,
    new: NewGroup,
    conversation_id: ConversationId,
    id: MessageId,
    now: Millis,
) -> message::ActiveModel {
    message::ActiveModel {
        id: Set(id),
        conversation_id: Set(conversation_id),
        seq: Set(1),
        ord: Set(0),
        version: Set(1),
        posted_version: Set(1),
        text_version: Set(0),
        sender_id: Set(me),
        client_id: Set(None),
        kind: Set(MessageKind::System),
        text: Set(new.text),
        event: Set(Some(new.event)),
        reply_to: Set(None),
        furthest: Set(if new.people.is_empty() {
            StatusCeiling::Sent
        } else {
            StatusCeiling::Read
        }),
        created_at: Set(now),
        edited_at: Set(None),
        deleted_at: Set(None),
    }
}
