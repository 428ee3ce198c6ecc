//! The input of a batch: the locked conversations, and everything else that the
//! plan needs.

mod locked;
mod membership_changes;
mod preconditions;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use entity::conversation::ConversationKind;
use entity::{ConversationId, MessageId, Millis, UserId, message, reaction};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Value};

use super::{AppendEntry, ConversationChange};
use crate::protocol::{ClientId, MemberSettingsPatch, Message, SubmittedMessage};
use crate::store::db::json_rows::json_row;
use crate::store::db::{QueuedQuery, Result, StatementBatch, sql};
use crate::store::messages::{self, QuotableMessage};

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
    pub(super) fn watermarks(&self) -> MarkerSeqs {
        MarkerSeqs {
            delivered: self.delivered_low,
            read: self.read_low,
        }
    }

    pub(super) fn set_watermarks(&mut self, watermarks: MarkerSeqs) {
        self.delivered_low = watermarks.delivered;
        self.read_low = watermarks.read;
    }

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

impl MemberMarkers {
    pub(super) fn seqs(&self) -> MarkerSeqs {
        MarkerSeqs {
            delivered: self.delivered,
            read: self.read,
        }
    }
}

/// The `seq`s of a delivery and a read marker, or of the two watermarks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct MarkerSeqs {
    pub(super) delivered: i64,
    pub(super) read: i64,
}

impl MarkerSeqs {
    /// Returns the lower marker of each kind.
    pub(super) fn lowest(self, other: Self) -> Self {
        Self {
            delivered: self.delivered.min(other.delivered),
            read: self.read.min(other.read),
        }
    }
}

/// The other user in a direct conversation, and their markers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DirectPeer {
    pub(super) user: UserId,
    pub(super) markers: MarkerSeqs,
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
    let locks = locked::queue_locks(&mut statements, batch);
    let sent = queue_sent_messages(&mut statements, batch);
    let positions = queue_positions(&mut statements, batch);
    statements.run(tx).await?;
    let answers = statements.answers();
    for row in answers.rows(&locks)? {
        found.insert_row(row);
    }
    if let Some(positions) = positions {
        let rows = answers.rows(&positions)?.into_iter();
        found.positions = rows.map(|row| (row.id, row.into())).collect();
    }
    if let Some(sent) = sent {
        load_sent_messages(tx, &answers.rows(&sent)?, &mut found).await?;
    }
    let quoted: Vec<MessageId> = submitted(batch).filter_map(|it| it.reply_to).collect();
    let quotable = messages::load_quotable(tx, &quoted).await?;
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

fn submitted(batch: &[AppendEntry]) -> impl Iterator<Item = &SubmittedMessage> {
    let messages = batch.iter().map(|append| append.action.submitted());
    messages.flatten()
}

/// The changes of groups, each with its entry.
fn group_changes(
    batch: &[AppendEntry],
) -> impl Iterator<Item = (&AppendEntry, &ConversationChange)> {
    batch.iter().filter_map(|append| {
        let change = append.action.group_change()?;
        Some((append, &**change))
    })
}

json_row! {
    /// The row of a message that a marker names.
    struct PositionRow of PositionColumns {
        id: MessageId,
        conversation_id: ConversationId,
        seq: i64,
        ord: i64,
        created_at: i64,
    }
}

impl From<PositionRow> for MessagePosition {
    fn from(row: PositionRow) -> Self {
        Self {
            conversation: row.conversation_id,
            seq: row.seq,
            ord: row.ord,
            created_at: Millis(row.created_at),
        }
    }
}

/// Queues the query for the positions of messages that markers name; none if
/// there are none.
fn queue_positions(
    statements: &mut StatementBatch,
    batch: &[AppendEntry],
) -> Option<QueuedQuery<PositionRow>> {
    let marks = batch.iter().filter_map(|append| append.action.marks());
    let ids: BTreeSet<MessageId> = marks.flat_map(|marks| marks.keys().copied()).collect();
    if ids.is_empty() {
        return None;
    }
    let rest = format!(
        "FROM {} v CROSS JOIN message m WHERE m.id = v.column1",
        sql::values_list(statements.backend(), ids.len(), 1)
    );
    let columns = PositionColumns {
        id: "m.id",
        conversation_id: "m.conversation_id",
        seq: "m.seq",
        ord: "m.ord",
        created_at: "m.created_at",
    };
    Some(statements.query(&columns, &rest, ids.into_iter().map(Value::from)))
}

json_row! {
    /// A message whose `client_id` is used again.
    struct SentMessageRow of SentMessageColumns {
        id: MessageId,
    }
}

/// Queues the query for `client_id`s of the batch that were used before; none
/// if the batch has no `client_id`.
fn queue_sent_messages(
    statements: &mut StatementBatch,
    batch: &[AppendEntry],
) -> Option<QueuedQuery<SentMessageRow>> {
    let named = batch.iter().filter_map(|append| {
        let message = append.action.submitted()?;
        Some((append.actor.id, message.client_id.as_ref()?))
    });
    let names: Vec<(UserId, &ClientId)> = named.collect();
    if names.is_empty() {
        return None;
    }
    let rest = format!(
        "FROM {} v CROSS JOIN message m \
         WHERE m.client_id = v.column1 AND m.sender_id = v.column2",
        sql::values_list(statements.backend(), names.len(), 2)
    );
    let values = names
        .iter()
        .flat_map(|(sender, name)| [Value::from(name.as_str()), Value::from(*sender)]);
    let columns = SentMessageColumns { id: "m.id" };
    Some(statements.query(&columns, &rest, values))
}

/// Loads the messages of reused `client_id`s. They are few. A retry waits for
/// the frame `message`, even if the message was edited since.
async fn load_sent_messages(
    tx: &impl ConnectionTrait,
    rows: &[SentMessageRow],
    found: &mut BatchInput,
) -> Result<()> {
    let ids: Vec<MessageId> = rows.iter().map(|row| row.id).collect();
    for mut message in messages::load_for_senders(tx, &ids).await? {
        let Some(Ok(name)) = message.client_id.as_deref().map(ClientId::parse) else {
            continue;
        };
        message.is_changed = false;
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
        .filter_map(|append| append.action.changed_message())
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
