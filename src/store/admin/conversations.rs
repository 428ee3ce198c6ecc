//! Admin views of conversations: lists, participants, and actions on them.
//!
//! No Room checks these changes. The caller has the Room announce them, like a
//! change of another process (see `Engine::apply_external_change`).

use std::sync::Arc;

use entity::conversation::{self, ConversationKind};
use entity::participant::MemberRole;
use entity::{ConversationId, MessageId, Millis, UserId, message, participant, user};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder,
    QuerySelect, Value,
};
use serde_json::json;

use super::AdminListQuery;
use super::list_statement::ListStatement;
use crate::protocol::message::encode_system_event;
use crate::protocol::{ConversationAction, ErrorCode, MessageAction, User};
use crate::store::append::{AppendEntry, AppendOutcome, BatchStamp, ConversationChange, append_in};
use crate::store::audit::{AuditAction, AuditContext, AuditEntry, insert_audit};
use crate::store::db::{Db, Result, StoreError};
use crate::store::ids::MessageIdBlock;
use crate::store::search_terms::{SearchTerms, WordTable};

/// Selection and order of a list of conversations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConversationOrder {
    /// Conversations with messages, latest activity first.
    Activity,
    /// All, largest first.
    Size,
    /// All, newest first.
    Newest,
    /// Conversations of a user, newest first.
    OfUser(UserId),
    /// Groups whose title has words with these prefixes, in the order of the
    /// word that matches the longest prefix.
    TitleSearch(SearchTerms),
}

/// A conversation in a list.
#[derive(Clone, Debug, FromQueryResult)]
pub struct ConversationListRow {
    pub id: ConversationId,
    pub kind: ConversationKind,
    pub title: Option<String>,
    pub direct_key: Option<String>,
    pub open: bool,
    pub participant_count: i32,
    pub last_seq: i64,
    pub last_message_at: Option<Millis>,
    pub created_at: Millis,
    /// The value that the list is ordered by.
    pub key: String,
}

/// A participant of a conversation, current or former.
#[derive(Clone, Debug)]
pub struct ParticipantRecord {
    pub user: User,
    pub role: MemberRole,
    pub joined_at: Millis,
    pub has_left: bool,
    pub delivered_seq: i64,
    pub read_seq: i64,
}

const COLUMNS: &str = "c.id, c.kind, c.title, c.direct_key, c.open, c.participant_count, \
                       c.last_seq, c.last_message_at, c.created_at";

/// The conversations, as admins list and change them.
#[derive(Clone, Copy)]
pub struct ModerationRepository<'a> {
    db: &'a Db,
    ids: &'a MessageIdBlock,
}

impl<'a> ModerationRepository<'a> {
    /// Creates a repository on these connections. New messages take their ids
    /// from the block.
    pub(in crate::store) fn new(db: &'a Db, ids: &'a MessageIdBlock) -> Self {
        Self { db, ids }
    }
}

impl ModerationRepository<'_> {
    /// Returns a page of conversations.
    pub async fn list_conversations(
        self,
        listing: &AdminListQuery<ConversationOrder>,
    ) -> Result<Vec<ConversationListRow>> {
        let list = listing.list_statement();
        let statement = list.with_limit(self.db.backend(), listing.limit);
        Ok(ConversationListRow::find_by_statement(statement)
            .all(self.db.reader())
            .await?)
    }

    /// Returns the row of a conversation.
    pub async fn load_conversation(
        self,
        id: ConversationId,
    ) -> Result<Option<conversation::Model>> {
        Ok(conversation::Entity::find_by_id(id)
            .one(self.db.reader())
            .await?)
    }

    /// Returns a page of a conversation's current and former participants, by
    /// user id.
    pub async fn list_participants(
        self,
        id: ConversationId,
        after: Option<UserId>,
        limit: u64,
    ) -> Result<Vec<ParticipantRecord>> {
        let rows = participant::Entity::find()
            .find_also_related(user::Entity)
            .filter(participant::Column::ConversationId.eq(id))
            .filter(participant::Column::UserId.gt(after.unwrap_or(UserId(0))))
            .order_by_asc(participant::Column::UserId)
            .limit(limit)
            .all(self.db.reader())
            .await?;
        let parts = rows.into_iter().filter_map(|(row, user)| {
            Some(ParticipantRecord {
                user: User::from(&user?),
                role: row.role,
                joined_at: row.joined_at,
                has_left: row.left_seq.is_some(),
                delivered_seq: row.delivered_seq,
                read_seq: row.read_seq,
            })
        });
        Ok(parts.collect())
    }

    /// Deletes a message of any sender.
    ///
    /// # Errors
    /// `not_found`; `forbidden` for a system message.
    pub async fn delete_message(
        self,
        id: ConversationId,
        message: MessageId,
        context: &AuditContext,
    ) -> Result<()> {
        let tx = self.db.begin().await?;
        let row = lock_conversation(&tx, id).await?;
        let delete = ConversationAction::Act {
            message,
            action: MessageAction::Delete,
        };
        // This actor is no member of the conversation, so no join or leave
        // limits which messages are visible.
        let actor = User {
            id: UserId(0),
            username: String::new(),
            display_name: String::new(),
        };
        let append = admin_append(&row, actor, delete);
        let stamp = BatchStamp {
            ids: Vec::new(),
            now: context.at,
        };
        let outcome = take_outcome(append_in(&tx, &[append], stamp).await?)?;
        // The message was deleted before: don't record the deletion again.
        if !outcome.is_written() {
            return Ok(());
        }
        let seq = find_message_seq(&tx, id, message)
            .await?
            .unwrap_or_default();
        let detail = format!("message {seq} (id {message})");
        let entry = AuditEntry::new(AuditAction::DeleteMessage, id).with_detail(detail);
        insert_audit(&tx, context, entry).await?;
        Ok(tx.commit().await?)
    }

    /// Closes a group: all members leave, and no messages can be sent. Former
    /// members can still read what they could read before.
    ///
    /// # Errors
    /// `not_found`; `conflict` for a direct conversation, and for a closed
    /// group.
    pub async fn close_group(
        self,
        id: ConversationId,
        by: User,
        context: &AuditContext,
    ) -> Result<()> {
        let ids = self.ids.take_message_ids(self.db.writer(), 1).await?;
        let tx = self.db.begin().await?;
        let row = lock_conversation(&tx, id).await?;
        if row.kind == ConversationKind::Direct {
            return Err(StoreError::refused(
                ErrorCode::Conflict,
                "This is a direct conversation: it can't be closed.",
            ));
        }
        if !row.open {
            return Err(StoreError::refused(
                ErrorCode::Conflict,
                "This group is already closed.",
            ));
        }
        let people: Vec<UserId> = participant::Entity::find()
            .select_only()
            .column(participant::Column::UserId)
            .filter(participant::Column::ConversationId.eq(id))
            .filter(participant::Column::LeftSeq.is_null())
            .order_by_asc(participant::Column::UserId)
            .into_tuple()
            .all(&tx)
            .await?;
        let count = people.len();
        let change = ConversationChange {
            left: people,
            closes: true,
            event: encode_system_event("closed", &json!({})),
            text: "An admin of the server closed the group".to_owned(),
            ..ConversationChange::default()
        };
        let close = ConversationAction::ChangeGroup(Arc::new(change));
        let append = admin_append(&row, by, close);
        let now = context.at;
        let outcomes = append_in(&tx, &[append], BatchStamp { ids, now }).await?;
        take_outcome(outcomes)?;
        let entry =
            AuditEntry::new(AuditAction::CloseGroup, id).with_detail(format!("{count} members"));
        insert_audit(&tx, context, entry).await?;
        Ok(tx.commit().await?)
    }

    /// Returns the `seq` of a message.
    pub async fn load_message_seq(
        self,
        id: ConversationId,
        message: MessageId,
    ) -> Result<Option<i64>> {
        find_message_seq(self.db.reader(), id, message).await
    }
}

async fn find_message_seq(
    db: &impl ConnectionTrait,
    id: ConversationId,
    message: MessageId,
) -> Result<Option<i64>> {
    Ok(message::Entity::find_by_id(message)
        .select_only()
        .column(message::Column::Seq)
        .filter(message::Column::ConversationId.eq(id))
        .into_tuple()
        .one(db)
        .await?)
}

impl AdminListQuery<ConversationOrder> {
    fn list_statement(&self) -> ListStatement {
        let after = self.after.as_ref();
        let id = after.map_or(i64::MAX, |it| it.id);
        let number = |max: i64| {
            let key = after.map_or(max, |it| it.numeric_key().min(max));
            vec![key.into(), id.into()]
        };
        match &self.order {
            ConversationOrder::Activity => by_number("last_message_at", number(i64::MAX)),
            ConversationOrder::Size => by_number("participant_count", number(i64::from(i32::MAX))),
            ConversationOrder::Newest => ListStatement::new(
                format!("SELECT {COLUMNS}, '' AS key FROM conversation c WHERE c.id < $1"),
                "c.id DESC",
                vec![id.into()],
            ),
            ConversationOrder::OfUser(user) => ListStatement::new(
                format!(
                    "SELECT {COLUMNS}, '' AS key FROM participant p \
                     JOIN conversation c ON c.id = p.conversation_id \
                     WHERE p.user_id = $1 AND p.conversation_id < $2"
                ),
                "p.conversation_id DESC",
                vec![(*user).into(), id.into()],
            ),
            ConversationOrder::TitleSearch(wanted) => ListStatement::search(
                COLUMNS,
                "JOIN conversation c ON c.id = w.conversation_id",
                &WordTable::TITLES,
                wanted,
                after,
            ),
        }
    }
}

/// Returns a query for the rows after the cursor: first those with the same
/// number and a lower id, then those with a lower number. SQLite uses the index
/// for both conditions only in two statements. A comparison of pairs wouldn't
/// use the index for the row's own id, and would scan all rows with the same
/// number.
fn by_number(column: &str, values: Vec<Value>) -> ListStatement {
    let some = format!("SELECT {COLUMNS}, CAST(c.{column} AS TEXT) AS key FROM conversation c");
    let parts = [
        format!("{some} WHERE c.{column} = $1 AND c.id < $2"),
        format!("{some} WHERE c.{column} < $1"),
    ];
    ListStatement::union_all(parts, format!("{column} DESC, id DESC"), values)
}

async fn lock_conversation(
    tx: &impl ConnectionTrait,
    id: ConversationId,
) -> Result<conversation::Model> {
    conversation::Entity::find_by_id(id)
        .lock_exclusive()
        .one(tx)
        .await?
        .ok_or_else(StoreError::not_found)
}

/// Creates an append of an actor whose membership isn't checked.
fn admin_append(
    row: &conversation::Model,
    actor: User,
    action: ConversationAction<Arc<ConversationChange>>,
) -> AppendEntry {
    AppendEntry {
        conversation: row.id,
        members_version: row.members_version,
        verdict: Ok(()),
        actor,
        action,
        may_moderate: true,
        has_others: row.participant_count > 1,
        has_archived: false,
    }
}

/// Returns the outcome of the only append, or the problem of its refusal.
fn take_outcome(outcomes: Vec<AppendOutcome>) -> Result<AppendOutcome> {
    let outcome = outcomes.into_iter().next();
    let outcome = outcome.ok_or_else(StoreError::not_found)?;
    Ok(outcome.into_result()?)
}
