//! The input of a batch: the locked conversations, and everything else that the
//! plan needs.

mod locked;
mod membership_changes;
mod preconditions;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use entity::conversation::ConversationKind;
use entity::{ConversationId, MessageId, Millis, UserId, message, reaction};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryResult, QuerySelect, Value,
};

use super::{AppendEntry, AppendOperation, AppendOutcome, MemberSettingsPatch, MessagePost};
use crate::protocol::{ClientId, Message};
use crate::store::db::{Result, StatementBatch, json_rows, sql};
use crate::store::messages::{self, QUOTING_MAX, QuotableMessage};

/// A conversation as read under the lock.
#[derive(Clone, Debug)]
pub(super) struct LockedConversation {
    pub(super) id: ConversationId,
    pub(super) kind: ConversationKind,
    pub(super) last_seq: i64,
    pub(super) last_ord: i64,
    pub(super) version: i64,
    pub(super) members_version: i64,
    pub(super) participant_count: i32,
    pub(super) delivered_low: i64,
    pub(super) read_low: i64,
    pub(super) last_message_id: Option<MessageId>,
    pub(super) last_message_at: Option<Millis>,
    /// The versions that the database has before the batch.
    pub(super) base_versions: ConversationVersions,
}

impl LockedConversation {
    /// Makes the present versions the base of the next batch.
    pub(super) fn into_base(mut self) -> Self {
        self.base_versions = ConversationVersions {
            version: self.version,
            members_version: self.members_version,
        };
        self
    }
}

/// The versions that identify a state of a conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ConversationVersions {
    pub(super) version: i64,
    pub(super) members_version: i64,
}

/// A member's own markers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MemberMarkers {
    /// The member sees messages after this `seq`.
    pub(super) joined: i64,
    pub(super) delivered: i64,
    pub(super) read: i64,
    /// The `ord` at `read`.
    pub(super) read_ord: i64,
}

/// The markers of the other user in a direct conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DirectPeer {
    pub(super) user: UserId,
    pub(super) delivered: i64,
    pub(super) read: i64,
}

impl DirectPeer {
    pub(super) fn new(user: UserId, (delivered, read): (i64, i64)) -> Self {
        Self {
            user,
            delivered,
            read,
        }
    }
}

/// A member's own settings, which decide whether a message restores the
/// conversation from their archive.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct MemberSettings {
    pub(super) archived: bool,
    pub(super) pinned: bool,
    pub(super) muted_until: Option<Millis>,
    /// The last `seq` that a former member sees; none for a member.
    pub(super) left_seq: Option<i64>,
}

impl MemberSettings {
    /// Returns whether applying `settings` would change nothing.
    pub(super) fn matches(&self, settings: MemberSettingsPatch) -> bool {
        let MemberSettingsPatch {
            muted_until,
            archived,
            pinned,
        } = settings;
        muted_until.is_none_or(|until| until == self.muted_until)
            && archived.is_none_or(|archived| archived == self.archived)
            && pinned.is_none_or(|pinned| pinned == self.pinned)
    }

    pub(super) fn returns_on_message(&self, now: Millis) -> bool {
        self.archived
            && self.left_seq.is_none()
            && self.muted_until.is_none_or(|until| until <= now)
    }
}

/// All input of [`super::plan`].
#[derive(Default)]
pub(super) struct BatchInput {
    pub(super) conversations: HashMap<ConversationId, LockedConversation>,
    /// Markers of the batch's actors, current or former members.
    pub(super) marks: HashMap<(ConversationId, UserId), MemberMarkers>,
    /// The other user, for actors in direct conversations.
    pub(super) peers: HashMap<(ConversationId, UserId), DirectPeer>,
    /// Settings of the batch's actors, current or former members.
    pub(super) settings: HashMap<(ConversationId, UserId), MemberSettings>,
    /// Messages that were sent before, by sender and `client_id`.
    pub(super) sent_messages: HashMap<(UserId, ClientId), Arc<Message>>,
    pub(super) quotable: HashMap<MessageId, QuotableMessage>,
    /// The members whose archived conversation a message of the batch restores.
    pub(super) archived: HashMap<ConversationId, Vec<UserId>>,
    /// Current titles of the groups that are renamed.
    pub(super) titles: HashMap<ConversationId, String>,
    /// The connected pairs, among those that the batch's changes require to be
    /// connected.
    pub(super) connected: HashSet<(UserId, UserId)>,
    /// The number of groups of each user who joins or leaves one.
    pub(super) group_counts: HashMap<UserId, i32>,
    /// Former members who must consent to rejoin.
    pub(super) left_by_choice: HashSet<(ConversationId, UserId)>,
    /// The messages to change.
    pub(super) targets: HashMap<MessageId, EditTarget>,
    /// The positions of the messages that markers name.
    pub(super) positions: HashMap<MessageId, MessagePosition>,
}

/// The position of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct MessagePosition {
    pub(super) conversation: ConversationId,
    pub(super) seq: i64,
    pub(super) ord: i64,
    pub(super) created_at: Millis,
}

/// A message to change.
#[derive(Clone, Debug)]
pub(super) struct EditTarget {
    pub(super) row: message::Model,
    /// Its reactions and their users.
    pub(super) reactions: BTreeSet<(String, UserId)>,
}

pub(super) async fn load_batch_input(
    tx: &impl ConnectionTrait,
    batch: &[AppendEntry],
    now: Millis,
) -> Result<BatchInput> {
    let mut found = BatchInput::default();
    let mut statements = StatementBatch::new(tx);
    locked::queue_locks(&mut statements, batch);
    let asks_known = queue_sent_messages(&mut statements, batch);
    let asks_places = queue_positions(&mut statements, batch);
    let mut answers = statements.run(tx).await?.into_iter();
    if let Some(answer) = answers.next() {
        for row in json_rows::parse_row(&answer)? {
            found.insert_row(row);
        }
    }
    if asks_known && let Some(answer) = answers.next() {
        load_sent_messages(tx, &json_rows::parse_row(&answer)?, &mut found).await?;
    }
    if asks_places && let Some(answer) = answers.next() {
        found.positions = parse_positions(&answer)?;
    }
    let answered: Vec<MessageId> = posts(batch).filter_map(|post| post.reply_to).collect();
    let quotable = messages::load_quotable(tx, &answered).await?;
    found.quotable = quotable
        .into_iter()
        .map(|quotable| (quotable.quote.id, quotable))
        .collect();
    preconditions::load_archived(tx, batch, now, &mut found).await?;
    preconditions::load_titles(tx, batch, &mut found).await?;
    preconditions::load_connected(tx, batch, &mut found).await?;
    found.group_counts = membership_changes::lock_group_counts(tx, batch).await?;
    load_edit_targets(tx, batch, &mut found).await?;
    Ok(found)
}

/// Reads changed messages back after the write, because clients get them in
/// full. A batch has few of them.
pub(super) async fn reload_edited(
    tx: &impl ConnectionTrait,
    outcomes: &mut [AppendOutcome],
) -> Result<()> {
    for outcome in outcomes {
        if let AppendOutcome::Edited {
            id,
            version,
            changes_text,
            messages,
            has_more,
        } = outcome
        {
            let mut found = messages::load_by_ids(tx, &[*id]).await?;
            if let (Some(version), true) = (version, *changes_text) {
                let quoting = find_quoting(tx, *id, *version).await?;
                *has_more = quoting.len() > QUOTING_MAX;
                if !*has_more {
                    found.extend(messages::load_by_ids(tx, &quoting).await?);
                }
            }
            found.sort_unstable_by_key(|message| message.seq);
            *messages = found.into_iter().map(Arc::new).collect();
        }
    }
    Ok(())
}

/// Returns the messages that quote the message `id` and last changed before
/// `version`, the version of its change. If there are too many, returns one
/// more than are sent.
async fn find_quoting(
    tx: &impl ConnectionTrait,
    id: MessageId,
    version: i64,
) -> Result<Vec<MessageId>> {
    Ok(message::Entity::find()
        .select_only()
        .column(message::Column::Id)
        .filter(message::Column::ReplyTo.eq(id))
        .filter(message::Column::Version.lt(version))
        .limit(QUOTING_MAX as u64 + 1)
        .into_tuple()
        .all(tx)
        .await?)
}

fn posts(batch: &[AppendEntry]) -> impl Iterator<Item = &MessagePost> {
    batch.iter().filter_map(|append| match &append.operation {
        AppendOperation::Post(post) => Some(&**post),
        _ => None,
    })
}

/// Queues the query for the positions of messages that markers name. Returns
/// false if there are none.
fn queue_positions(statements: &mut StatementBatch, batch: &[AppendEntry]) -> bool {
    let marks = batch.iter().filter_map(|append| match &append.operation {
        AppendOperation::Markers(marks) => Some(marks),
        _ => None,
    });
    let ids: BTreeSet<MessageId> = marks.flatten().map(|mark| mark.message).collect();
    if ids.is_empty() {
        return false;
    }
    let rest = format!(
        "FROM {} v CROSS JOIN message m WHERE m.id = v.column1",
        sql::values_list(statements.backend(), ids.len(), 1)
    );
    let columns = "m.id, m.conversation_id, m.seq, m.ord, m.created_at";
    let sql = json_rows::sql(statements.backend(), columns, &rest);
    statements.add(sql, ids.into_iter().map(Value::from));
    true
}

fn parse_positions(answer: &QueryResult) -> Result<HashMap<MessageId, MessagePosition>> {
    let rows: Vec<(MessageId, ConversationId, i64, i64, i64)> = json_rows::parse_row(answer)?;
    let places = rows.into_iter().map(|(id, conversation, seq, ord, at)| {
        let place = MessagePosition {
            conversation,
            seq,
            ord,
            created_at: Millis(at),
        };
        (id, place)
    });
    Ok(places.collect())
}

/// Queues the query for `client_id`s of the batch that were used before.
/// Returns false if the batch has none.
fn queue_sent_messages(statements: &mut StatementBatch, batch: &[AppendEntry]) -> bool {
    let named = batch.iter().filter_map(|append| {
        let name = match &append.operation {
            AppendOperation::Post(post) => post.client_id.as_ref()?,
            AppendOperation::FindSent(retry) => &retry.client_id,
            _ => return None,
        };
        Some((append.actor.id, name))
    });
    let names: Vec<(UserId, &ClientId)> = named.collect();
    if names.is_empty() {
        return false;
    }
    let rest = format!(
        "FROM {} v CROSS JOIN message m \
         WHERE m.client_id = v.column1 AND m.sender_id = v.column2",
        sql::values_list(statements.backend(), names.len(), 2)
    );
    let values = names
        .iter()
        .flat_map(|(sender, name)| [Value::from(name.as_str()), Value::from(*sender)]);
    statements.add(json_rows::sql(statements.backend(), "m.id", &rest), values);
    true
}

/// Loads the messages of reused `client_id`s. They are few.
async fn load_sent_messages(
    tx: &impl ConnectionTrait,
    ids: &[[MessageId; 1]],
    found: &mut BatchInput,
) -> Result<()> {
    for message in messages::load_for_senders(tx, ids.as_flattened()).await? {
        let Some(Ok(name)) = message.client_id.as_deref().map(ClientId::parse) else {
            continue;
        };
        found
            .sent_messages
            .insert((message.sender.id, name), Arc::new(message));
    }
    Ok(())
}

async fn load_edit_targets(
    tx: &impl ConnectionTrait,
    batch: &[AppendEntry],
    found: &mut BatchInput,
) -> Result<()> {
    let ids: BTreeSet<MessageId> = batch
        .iter()
        .filter_map(|append| match &append.operation {
            AppendOperation::Edit(edit) => Some(edit.message),
            _ => None,
        })
        .collect();
    if ids.is_empty() {
        return Ok(());
    }
    let rows = message::Entity::find()
        .filter(message::Column::Id.is_in(ids.iter().copied()))
        .all(tx)
        .await?;
    for row in rows {
        let reactions = BTreeSet::new();
        found.targets.insert(row.id, EditTarget { row, reactions });
    }
    let reactions = reaction::Entity::find()
        .filter(reaction::Column::MessageId.is_in(ids))
        .all(tx)
        .await?;
    for row in reactions {
        if let Some(target) = found.targets.get_mut(&row.message_id) {
            target.reactions.insert((row.emoji, row.user_id));
        }
    }
    Ok(())
}
