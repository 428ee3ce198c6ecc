//! The first half of a batch: the locked conversations, and everything that
//! has to be known under the lock to judge it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use entity::{ConversationId, MessageId, Millis, UserId, message, participant, reaction};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, ExprTrait, FromQueryResult, QueryFilter,
    QueryOrder, QuerySelect, Statement, Value,
};

use super::{Append, Outcome, Post, What, sql};
use crate::protocol::{ClientId, Message};
use crate::store::messages::{self, Quotable};
use crate::store::{Result, connections};

/// A conversation as it stands under the lock.
#[derive(Clone, Debug, FromQueryResult)]
pub(super) struct Conversation {
    pub(super) id: ConversationId,
    pub(super) last_seq: i64,
    pub(super) last_ord: i64,
    pub(super) version: i64,
    pub(super) members_version: i64,
    pub(super) participant_count: i32,
    pub(super) delivered_low: i64,
    pub(super) read_low: i64,
    pub(super) last_message_id: Option<MessageId>,
    pub(super) last_message_at: Option<Millis>,
}

/// Where a sender's own marks stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Marks {
    /// They see what came after it.
    pub(super) joined: i64,
    pub(super) delivered: i64,
    pub(super) read: i64,
}

/// What decides whether a message brings a conversation back to somebody.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Own {
    pub(super) archived: bool,
    pub(super) muted_until: Option<Millis>,
    pub(super) has_left: bool,
}

impl Own {
    pub(super) fn comes_back(&self, now: Millis) -> bool {
        self.archived && !self.has_left && self.muted_until.is_none_or(|until| until <= now)
    }
}

/// All that [`super::plan`] needs to know.
#[derive(Default)]
pub(super) struct Found {
    pub(super) conversations: HashMap<ConversationId, Conversation>,
    /// Of the batch's senders, where they take part or once did.
    pub(super) marks: HashMap<(ConversationId, UserId), Marks>,
    /// What the same people have set for themselves.
    pub(super) own: HashMap<(ConversationId, UserId), Own>,
    /// What was sent before, by sender and their name for it.
    pub(super) known: HashMap<(UserId, ClientId), Arc<Message>>,
    pub(super) quotable: HashMap<MessageId, Quotable>,
    /// Those who put a conversation away, and to whom a message brings it
    /// back.
    pub(super) archived: HashMap<ConversationId, Vec<UserId>>,
    /// The pairs that had to be connected, and are.
    pub(super) connected: HashSet<(UserId, UserId)>,
    /// The messages that something is to be done to.
    pub(super) targets: HashMap<MessageId, Target>,
}

/// A message that something is to be done to.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) row: message::Model,
    /// Who put which emoji on it.
    pub(super) reactions: BTreeSet<(String, UserId)>,
}

pub(super) async fn all(tx: &impl ConnectionTrait, batch: &[Append], now: Millis) -> Result<Found> {
    let mut found = Found::default();
    lock(tx, batch, &mut found).await?;
    find_known(tx, batch, &mut found).await?;
    let answered: Vec<MessageId> = posts(batch).filter_map(|(_, post)| post.reply_to).collect();
    let quotable = messages::quotable(tx, &answered).await?;
    found.quotable = quotable
        .into_iter()
        .map(|quotable| (quotable.quote.id, quotable))
        .collect();
    find_archived(tx, batch, now, &mut found).await?;
    find_connected(tx, batch, &mut found).await?;
    find_targets(tx, batch, &mut found).await?;
    Ok(found)
}

/// Reads what was touched, as it is after the writing: there are hardly ever
/// any, and they are told whole.
pub(super) async fn again(tx: &impl ConnectionTrait, outcomes: &mut [Outcome]) -> Result<()> {
    for outcome in outcomes {
        if let Outcome::Touched {
            id,
            version,
            messages,
        } = outcome
        {
            let mut found = messages::by_ids(tx, &[*id]).await?;
            if let Some(version) = version {
                let quoting = quoting(tx, *id, *version).await?;
                found.extend(messages::by_ids(tx, &quoting).await?);
            }
            found.sort_unstable_by_key(|message| message.seq);
            *messages = found.into_iter().map(Arc::new).collect();
        }
    }
    Ok(())
}

/// Live, a change is told with so many of the messages that quote what changed;
/// the rest have its version too, and are read with it.
const QUOTING_TOLD: u64 = 100;

/// The newest messages that quote this one and were changed with it.
async fn quoting(tx: &impl ConnectionTrait, id: MessageId, version: i64) -> Result<Vec<MessageId>> {
    Ok(message::Entity::find()
        .select_only()
        .column(message::Column::Id)
        .filter(message::Column::ReplyTo.eq(id))
        .filter(message::Column::Version.eq(version))
        .order_by_desc(message::Column::Seq)
        .limit(QUOTING_TOLD)
        .into_tuple()
        .all(tx)
        .await?)
}

fn posts(batch: &[Append]) -> impl Iterator<Item = (UserId, &Post)> {
    batch.iter().filter_map(|append| match &append.what {
        What::Post(post) => Some((append.actor.id, &**post)),
        _ => None,
    })
}

#[derive(FromQueryResult)]
struct LockedRow {
    #[sea_orm(nested)]
    conversation: Conversation,
    user_id: Option<UserId>,
    joined_seq: Option<i64>,
    delivered_seq: Option<i64>,
    read_seq: Option<i64>,
    archived: Option<bool>,
    muted_until: Option<Millis>,
    left_seq: Option<i64>,
}

/// Locks the batch's conversations in the order of their ids, so that two
/// batches never wait for each other, and reads their senders' marks with
/// them. (On SQLite the transaction itself is the lock.)
async fn lock(tx: &impl ConnectionTrait, batch: &[Append], found: &mut Found) -> Result<()> {
    let pairs: BTreeSet<(ConversationId, UserId)> = batch
        .iter()
        .map(|append| (append.conversation, append.actor.id))
        .collect();
    let lock = match tx.get_database_backend() {
        DbBackend::Sqlite => "",
        _ => " FOR UPDATE OF c",
    };
    let statement = Statement::from_sql_and_values(
        tx.get_database_backend(),
        format!(
            "SELECT c.id, c.last_seq, c.last_ord, c.version, c.members_version, \
             c.participant_count, c.delivered_low, c.read_low, c.last_message_id, \
             c.last_message_at, p.user_id, p.joined_seq, p.delivered_seq, p.read_seq, \
             p.archived, p.muted_until, p.left_seq FROM {} v \
             JOIN conversation c ON c.id = v.column1 \
             LEFT JOIN participant p ON p.conversation_id = c.id AND p.user_id = v.column2 \
             ORDER BY c.id{lock}",
            sql::values(tx.get_database_backend(), pairs.len(), 2)
        ),
        pairs
            .iter()
            .flat_map(|(conversation, user)| [Value::from(*conversation), Value::from(*user)]),
    );
    for row in LockedRow::find_by_statement(statement).all(tx).await? {
        let id = row.conversation.id;
        found.conversations.entry(id).or_insert(row.conversation);
        if let (Some(user), Some(joined), Some(delivered), Some(read)) =
            (row.user_id, row.joined_seq, row.delivered_seq, row.read_seq)
        {
            let marks = Marks {
                joined,
                delivered,
                read,
            };
            found.marks.insert((id, user), marks);
            let own = Own {
                archived: row.archived.unwrap_or_default(),
                muted_until: row.muted_until,
                has_left: row.left_seq.is_some(),
            };
            found.own.insert((id, user), own);
        }
    }
    Ok(())
}

/// Looks up which of the batch's `client_id`s were used before. There are
/// hardly ever any, so what they became is read only then.
async fn find_known(tx: &impl ConnectionTrait, batch: &[Append], found: &mut Found) -> Result<()> {
    let names: Vec<(UserId, &ClientId)> = posts(batch)
        .filter_map(|(sender, post)| Some((sender, post.client_id.as_ref()?)))
        .collect();
    if names.is_empty() {
        return Ok(());
    }
    let statement = Statement::from_sql_and_values(
        tx.get_database_backend(),
        format!(
            "SELECT m.id FROM {} v CROSS JOIN message m \
             WHERE m.client_id = v.column1 AND m.sender_id = v.column2",
            sql::values(tx.get_database_backend(), names.len(), 2)
        ),
        names
            .iter()
            .flat_map(|(sender, name)| [Value::from(name.as_str()), Value::from(*sender)]),
    );
    let rows = tx.query_all_raw(statement).await?;
    let ids = rows
        .iter()
        .map(|row| row.try_get_by_index(0))
        .collect::<std::result::Result<Vec<MessageId>, _>>()?;
    for message in messages::by_ids(tx, &ids).await? {
        let Some(Ok(name)) = message.client_id.as_deref().map(ClientId::parse) else {
            continue;
        };
        found
            .known
            .insert((message.sender.id, name), Arc::new(message));
    }
    Ok(())
}

/// Who put away a conversation that gets a message now; muted ones stay away.
async fn find_archived(
    tx: &impl ConnectionTrait,
    batch: &[Append],
    now: Millis,
    found: &mut Found,
) -> Result<()> {
    let asked: BTreeSet<ConversationId> = batch
        .iter()
        .filter(|append| append.has_archived && matches!(append.what, What::Post(_)))
        .map(|append| append.conversation)
        .collect();
    if asked.is_empty() {
        return Ok(());
    }
    let rows: Vec<(ConversationId, UserId)> = participant::Entity::find()
        .select_only()
        .column(participant::Column::ConversationId)
        .column(participant::Column::UserId)
        .filter(participant::Column::ConversationId.is_in(asked))
        .filter(participant::Column::Archived.eq(true))
        .filter(participant::Column::LeftSeq.is_null())
        .filter(
            participant::Column::MutedUntil
                .is_null()
                .or(participant::Column::MutedUntil.lte(now)),
        )
        .into_tuple()
        .all(tx)
        .await?;
    for (conversation, user) in rows {
        found.archived.entry(conversation).or_default().push(user);
    }
    Ok(())
}

async fn find_connected(
    tx: &impl ConnectionTrait,
    batch: &[Append],
    found: &mut Found,
) -> Result<()> {
    for append in batch {
        if let What::Change(change) = &append.what
            && let Some(other) = change.needs_connection
            && connections::are_connected(tx, append.actor.id, other).await?
        {
            found.connected.insert((append.actor.id, other));
        }
    }
    Ok(())
}

async fn find_targets(
    tx: &impl ConnectionTrait,
    batch: &[Append],
    found: &mut Found,
) -> Result<()> {
    let ids: BTreeSet<MessageId> = batch
        .iter()
        .filter_map(|append| match &append.what {
            What::Touch(touch) => Some(touch.message),
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
        found.targets.insert(row.id, Target { row, reactions });
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
