//! The first half of a batch: the locked conversations, and everything that
//! has to be known under the lock to judge it.

mod locked;
mod movers;
mod settled;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use entity::conversation::Kind;
use entity::{ConversationId, MessageId, Millis, UserId, message, reaction};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryResult, QuerySelect, Value,
};

use super::script::Script;
use super::{Append, Outcome, Post, Settings, What, sql};
use crate::protocol::{ClientId, Message};
use crate::store::messages::{self, QUOTING_TOLD, Quotable};
use crate::store::{Result, piece};

/// A conversation as it stands under the lock.
#[derive(Clone, Debug)]
pub(super) struct Conversation {
    pub(super) id: ConversationId,
    pub(super) kind: Kind,
    pub(super) last_seq: i64,
    pub(super) last_ord: i64,
    pub(super) version: i64,
    pub(super) members_version: i64,
    pub(super) participant_count: i32,
    pub(super) delivered_low: i64,
    pub(super) read_low: i64,
    pub(super) last_message_id: Option<MessageId>,
    pub(super) last_message_at: Option<Millis>,
    /// As which it was found.
    pub(super) found: Versions,
}

impl Conversation {
    /// The same, for whoever finds it as it is.
    pub(super) fn into_found(mut self) -> Self {
        self.found = Versions {
            version: self.version,
            members_version: self.members_version,
        };
        self
    }
}

/// Says of a conversation which one it is of all that it has been.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Versions {
    pub(super) version: i64,
    pub(super) members_version: i64,
}

/// Where somebody's own marks stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Marks {
    /// They see what came after it.
    pub(super) joined: i64,
    pub(super) delivered: i64,
    pub(super) read: i64,
    /// The `ord` that `read` stands at.
    pub(super) read_ord: i64,
}

/// Where the other of two stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Peer {
    pub(super) user: UserId,
    pub(super) delivered: i64,
    pub(super) read: i64,
}

impl Peer {
    pub(super) fn at(user: UserId, (delivered, read): (i64, i64)) -> Self {
        Self {
            user,
            delivered,
            read,
        }
    }
}

/// A member's own settings: a message may bring a conversation back to them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Own {
    pub(super) archived: bool,
    pub(super) pinned: bool,
    pub(super) muted_until: Option<Millis>,
    /// The last `seq` that they see, if they left.
    pub(super) left: Option<i64>,
}

impl Own {
    /// Whether these are its settings already.
    pub(super) fn has(&self, settings: Settings) -> bool {
        let Settings {
            muted_until,
            archived,
            pinned,
        } = settings;
        muted_until.is_none_or(|until| until == self.muted_until)
            && archived.is_none_or(|archived| archived == self.archived)
            && pinned.is_none_or(|pinned| pinned == self.pinned)
    }

    pub(super) fn comes_back(&self, now: Millis) -> bool {
        self.archived && self.left.is_none() && self.muted_until.is_none_or(|until| until <= now)
    }
}

/// All that [`super::plan`] needs to know.
#[derive(Default)]
pub(super) struct Found {
    pub(super) conversations: HashMap<ConversationId, Conversation>,
    /// Of the batch's senders, where they take part or once did.
    pub(super) marks: HashMap<(ConversationId, UserId), Marks>,
    /// Of the same people, where they are one of two.
    pub(super) peers: HashMap<(ConversationId, UserId), Peer>,
    /// What the same people have set for themselves.
    pub(super) own: HashMap<(ConversationId, UserId), Own>,
    /// What was sent before, by sender and their name for it.
    pub(super) known: HashMap<(UserId, ClientId), Arc<Message>>,
    pub(super) quotable: HashMap<MessageId, Quotable>,
    /// Those who put a conversation away, and to whom a message brings it
    /// back.
    pub(super) archived: HashMap<ConversationId, Vec<UserId>>,
    /// The titles of the groups that get one.
    pub(super) titles: HashMap<ConversationId, String>,
    /// The pairs that had to be connected, and are.
    pub(super) connected: HashSet<(UserId, UserId)>,
    /// In how many groups each user is who joins or leaves one.
    pub(super) groups: HashMap<UserId, i32>,
    /// Former members who come back only with consent.
    pub(super) left_by_choice: HashSet<(ConversationId, UserId)>,
    /// The messages that something is to be done to.
    pub(super) targets: HashMap<MessageId, Target>,
    /// Where the messages stand that marks are to be moved up to.
    pub(super) places: HashMap<MessageId, Place>,
}

/// Where a message stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) conversation: ConversationId,
    pub(super) seq: i64,
    pub(super) ord: i64,
    pub(super) created_at: Millis,
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
    let mut script = Script::on(tx);
    locked::ask(&mut script, batch);
    let asks_known = ask_known(&mut script, batch);
    let asks_places = ask_places(&mut script, batch);
    let mut answers = script.run(tx).await?.into_iter();
    if let Some(answer) = answers.next() {
        for row in piece::of(&answer)? {
            found.take(row);
        }
    }
    if asks_known && let Some(answer) = answers.next() {
        find_known(tx, &piece::of(&answer)?, &mut found).await?;
    }
    if asks_places && let Some(answer) = answers.next() {
        found.places = places(&answer)?;
    }
    let answered: Vec<MessageId> = posts(batch).filter_map(|post| post.reply_to).collect();
    let quotable = messages::quotable(tx, &answered).await?;
    found.quotable = quotable
        .into_iter()
        .map(|quotable| (quotable.quote.id, quotable))
        .collect();
    settled::archived(tx, batch, now, &mut found).await?;
    settled::titles(tx, batch, &mut found).await?;
    settled::connected(tx, batch, &mut found).await?;
    found.groups = movers::locked(tx, batch).await?;
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
            changes_text,
            messages,
            has_more,
        } = outcome
        {
            let mut found = messages::by_ids(tx, &[*id]).await?;
            if let (Some(version), true) = (version, *changes_text) {
                let quoting = quoting(tx, *id, *version).await?;
                *has_more = quoting.len() > QUOTING_TOLD;
                if !*has_more {
                    found.extend(messages::by_ids(tx, &quoting).await?);
                }
            }
            found.sort_unstable_by_key(|message| message.seq);
            *messages = found.into_iter().map(Arc::new).collect();
        }
    }
    Ok(())
}

/// The messages that quote this one and changed with its text: those that were
/// there before. Of too many, one more than are sent.
async fn quoting(tx: &impl ConnectionTrait, id: MessageId, version: i64) -> Result<Vec<MessageId>> {
    Ok(message::Entity::find()
        .select_only()
        .column(message::Column::Id)
        .filter(message::Column::ReplyTo.eq(id))
        .filter(message::Column::Version.lt(version))
        .limit(QUOTING_TOLD as u64 + 1)
        .into_tuple()
        .all(tx)
        .await?)
}

fn posts(batch: &[Append]) -> impl Iterator<Item = &Post> {
    batch.iter().filter_map(|append| match &append.what {
        What::Post(post) => Some(&**post),
        _ => None,
    })
}

/// Asks where the messages stand that marks are to be moved up to, where there
/// are any.
fn ask_places(script: &mut Script, batch: &[Append]) -> bool {
    let marks = batch.iter().filter_map(|append| match &append.what {
        What::Mark(marks) => Some(marks),
        _ => None,
    });
    let ids: BTreeSet<MessageId> = marks.flatten().map(|mark| mark.message).collect();
    if ids.is_empty() {
        return false;
    }
    let rest = format!(
        "FROM {} v CROSS JOIN message m WHERE m.id = v.column1",
        sql::values(script.backend(), ids.len(), 1)
    );
    let columns = "m.id, m.conversation_id, m.seq, m.ord, m.created_at";
    let sql = piece::sql(script.backend(), columns, &rest);
    script.add(sql, ids.into_iter().map(Value::from));
    true
}

fn places(answer: &QueryResult) -> Result<HashMap<MessageId, Place>> {
    let rows: Vec<(MessageId, ConversationId, i64, i64, i64)> = piece::of(answer)?;
    let places = rows.into_iter().map(|(id, conversation, seq, ord, at)| {
        let place = Place {
            conversation,
            seq,
            ord,
            created_at: Millis(at),
        };
        (id, place)
    });
    Ok(places.collect())
}

/// Asks which of the batch's `client_id`s were used before, where it has any.
fn ask_known(script: &mut Script, batch: &[Append]) -> bool {
    let named = batch.iter().filter_map(|append| {
        let name = match &append.what {
            What::Post(post) => post.client_id.as_ref()?,
            What::FindSent(retry) => &retry.client_id,
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
        sql::values(script.backend(), names.len(), 2)
    );
    let values = names
        .iter()
        .flat_map(|(sender, name)| [Value::from(name.as_str()), Value::from(*sender)]);
    script.add(piece::sql(script.backend(), "m.id", &rest), values);
    true
}

/// Reads what those became that were used before. There are hardly ever any.
async fn find_known(
    tx: &impl ConnectionTrait,
    ids: &[[MessageId; 1]],
    found: &mut Found,
) -> Result<()> {
    for message in messages::by_senders(tx, ids.as_flattened()).await? {
        let Some(Ok(name)) = message.client_id.as_deref().map(ClientId::parse) else {
            continue;
        };
        found
            .known
            .insert((message.sender.id, name), Arc::new(message));
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
