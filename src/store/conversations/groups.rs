//! Groups: making them, and paging through who is in them.

use std::collections::BTreeSet;

use entity::conversation::{self, Kind};
use entity::message::{Furthest, Kind as MessageKind};
use entity::participant::Role;
use entity::{ConversationId, MessageId, Millis, UserId, message, participant, user};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};

use super::{Store, newcomer};
use crate::protocol::conversation::Member;
use crate::protocol::{Code, GroupTitle, User};
use crate::store::{AT_A_TIME, Result, StoreError, append, connections, group_counts, words};

/// What a group starts with.
pub struct NewGroup {
    pub title: GroupTitle,
    /// Those invited, without who makes it.
    pub people: BTreeSet<UserId>,
    /// The system message that opens its history.
    pub text: String,
    pub event: String,
}

impl Store {
    /// Makes a group.
    ///
    /// # Errors
    /// `not_connected` where somebody invited isn't connected with who
    /// invites; `conflict` if one of them is in too many groups.
    pub async fn create_group(
        &self,
        me: UserId,
        new: NewGroup,
        now: Millis,
    ) -> Result<ConversationId> {
        let ids = self.ids.messages(&self.writer, 1).await?;
        let message_id = MessageId(ids.first().copied().unwrap_or_default());
        let tx = self.begin().await?;
        if !connections::all_connected(&tx, me, &new.people).await? {
            return Err(StoreError::refused(
                Code::NotConnected,
                "You can only invite people you are connected with.",
            ));
        }
        let everybody = new.people.iter().copied().chain([me]).collect();
        group_counts::check(&tx, &everybody).await?;
        let people = everybody.len();
        let row = group(me, &new.title, people, (message_id, now));
        let id = row.insert(&tx).await?.id;
        words::replace(&tx, id, new.title.as_str()).await?;
        let owner = participant::ActiveModel {
            role: Set(Role::Owner),
            ..newcomer(id, me, now)
        };
        let others = new.people.iter().map(|user| newcomer(id, *user, now));
        let rows: Vec<_> = [owner].into_iter().chain(others).map(at_first).collect();
        for rows in rows.chunks(AT_A_TIME) {
            participant::Entity::insert_many(rows.to_vec())
                .exec_without_returning(&tx)
                .await?;
        }
        group_counts::add(&tx, everybody.into_iter().map(|user| (user, 1))).await?;
        opening(me, new, (id, message_id), now).insert(&tx).await?;
        // All were there, so all have read it.
        append::read_by_all(&tx, id, 1, now).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// A page of those in a conversation, by the order of their ids, from
    /// after `after` on.
    pub async fn members(
        &self,
        id: ConversationId,
        after: Option<UserId>,
        limit: u64,
    ) -> Result<Vec<Member>> {
        let rows = participant::Entity::find()
            .find_also_related(user::Entity)
            .filter(participant::Column::ConversationId.eq(id))
            .filter(participant::Column::LeftSeq.is_null())
            .filter(participant::Column::UserId.gt(after.unwrap_or(UserId(0))))
            .order_by_asc(participant::Column::UserId)
            .limit(limit)
            .all(&self.reader)
            .await?;
        let members = rows.into_iter().filter_map(|(row, user)| {
            Some(Member {
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

fn group(
    me: UserId,
    title: &GroupTitle,
    people: usize,
    (first, now): (MessageId, Millis),
) -> conversation::ActiveModel {
    conversation::ActiveModel {
        kind: Set(Kind::Group),
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

/// All were there when it began: their marks start at its first message.
fn at_first(row: participant::ActiveModel) -> participant::ActiveModel {
    participant::ActiveModel {
        delivered_seq: Set(1),
        read_seq: Set(1),
        version: Set(1),
        ..row
    }
}

/// The system message that opens a history.
fn opening(
    me: UserId,
    new: NewGroup,
    (conversation_id, id): (ConversationId, MessageId),
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
        furthest: Set(match new.people.is_empty() {
            true => Furthest::Sent,
            false => Furthest::Read,
        }),
        created_at: Set(now),
        edited_at: Set(None),
        deleted_at: Set(None),
    }
}
