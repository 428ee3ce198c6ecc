//! What changed in a person's conversations after a version that they have.

use entity::{ConversationId, UserId};
use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};
use serde::Deserialize;

use super::Store;
use super::views::{AFTER_VIEWS, AT, KNOWN, LISTED, look, views};
use crate::protocol::{Conversation, Message};
use crate::store::append::sql::places_from;
use crate::store::database::Transaction;
use crate::store::{Result, StoreError, messages, piece};

/// So many changed messages are looked at: more are too many to be replayed.
const LOOKED_AT: usize = 1_000;

/// The most conversations that a resume shows without having been named.
const UNNAMED_MAX: usize = 500;

/// One reading goes so far, in messages and in characters of them.
const READ_MAX: usize = 50;
const READ_CHARS: i64 = 64 * 1024;

/// How a conversation stands to somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Standing {
    pub id: ConversationId,
    /// Up to which version they may know of it: who left, up to the leaving, and
    /// to what changed for them since.
    pub version: i64,
    /// Past this, there is no version yet.
    pub ceiling: i64,
}

/// How a user's conversations stand to what a client named of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standings {
    /// Those that it named, in the order of ids.
    pub named: Vec<Standing>,
    /// The newest of the others, newest first.
    pub unnamed: Vec<ConversationId>,
    /// Whether there are more of them.
    pub has_more: bool,
}

/// A message that changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Changed {
    pub seq: i64,
    /// The length of its text, in characters.
    pub length: i64,
}

/// What changed in a conversation after a version, as of one moment.
#[derive(Clone, Debug)]
pub struct Round {
    /// The conversation as they see it; its version is how far this goes.
    pub view: Conversation,
    /// Past this, there is no version yet.
    pub ceiling: i64,
    /// What changed that they may see, in the order of `seq`.
    pub changed: Vec<Changed>,
    /// Whether there may be more of it.
    pub is_cut: bool,
    /// As many of the first of them as one reading takes.
    pub messages: Vec<Message>,
}

impl Changed {
    /// As many of the first of these as one reading takes.
    pub fn first_of(all: impl IntoIterator<Item = Self>) -> Vec<i64> {
        let mut room = READ_CHARS;
        let fits = |one: &Self| {
            let is_first = room == READ_CHARS;
            room -= one.length.max(1);
            is_first || room >= 0
        };
        let all = all.into_iter().take(READ_MAX);
        all.take_while(fits).map(|one| one.seq).collect()
    }
}

impl Store {
    /// How the conversations of a user's list stand to those that a client
    /// names. It answers those named and at most 500 others.
    pub async fn standings(&self, me: UserId, named: &[ConversationId]) -> Result<Standings> {
        let ids: Vec<String> = named.iter().map(ToString::to_string).collect();
        let values = [me.into(), format!("[{}]", ids.join(",")).into()];
        let sql = standings(self.backend());
        let statement = Statement::from_sql_and_values(self.backend(), sql, values);
        let Some(row) = self.reader.query_one_raw(statement).await? else {
            return Ok(Standings::default());
        };
        let named = piece::at(&row, 0)?;
        let unnamed: Vec<[ConversationId; 1]> = piece::at(&row, 1)?;
        let mut unnamed = unnamed.into_flattened();
        let has_more = unnamed.len() > UNNAMED_MAX;
        unnamed.truncate(UNNAMED_MAX);
        Ok(Standings {
            named,
            unnamed,
            has_more,
        })
    }

    /// These conversations as a person sees them now, in the order of ids;
    /// those they were never in are left out.
    pub async fn conversations_of(
        &self,
        me: UserId,
        ids: &[ConversationId],
    ) -> Result<Vec<Conversation>> {
        let rest = format!(
            "WHERE p.user_id = $1 AND p.conversation_id IN ({}) ORDER BY c.id",
            places_from(2, ids.len())
        );
        let values = ids.iter().map(|id| Value::from(*id));
        let values = [me.into()].into_iter().chain(values);
        let found = views(&self.reader, &rest, values).await?;
        Ok(found.into_iter().map(|(_, view)| view).collect())
    }

    /// What changed in a conversation after a version, for a person.
    ///
    /// # Errors
    /// `not_found` for those never in it.
    pub async fn round(&self, me: UserId, id: ConversationId, after: i64) -> Result<Round> {
        let tx = self.snapshot().await?;
        let rest = "WHERE p.conversation_id = $1 AND p.user_id = $2";
        let sight = sight(self.backend());
        let found = look(&tx, (rest, Some(&sight)), [id.into(), me.into()]).await?;
        let (row, views) = found.ok_or_else(StoreError::not_found)?;
        let sight = piece::at::<Sight>(&row, AFTER_VIEWS)?.into_iter().next();
        let (Some((_, view)), Some(sight)) = (views.into_iter().next(), sight) else {
            return Err(StoreError::not_found());
        };
        let (changed, messages) = changed(tx, id, &sight, (after, view.version)).await?;
        let is_cut = changed.len() > LOOKED_AT;
        let first = Changed::first_of(changed.iter().copied());
        let is_first = |message: &Message| !is_cut && first.contains(&message.seq);
        let messages = messages.into_iter().filter(is_first).collect();
        Ok(Round {
            view,
            ceiling: sight.ceiling,
            changed,
            is_cut,
            messages,
        })
    }

    /// The messages at these places as a user sees them, in the order of `seq`;
    /// but for those that changed after the version `up_to`.
    pub async fn messages_at(
        &self,
        (me, id): (UserId, ConversationId),
        seqs: &[i64],
        up_to: i64,
    ) -> Result<Vec<Message>> {
        messages::unchanged(&self.reader, (id, me), seqs, up_to).await
    }
}

/// Those named by the array of ids `$2`, and the newest of the others.
fn standings(backend: DbBackend) -> String {
    let ids = match backend {
        DbBackend::Sqlite => "SELECT value AS id FROM json_each($2)",
        _ => "SELECT CAST(value AS BIGINT) AS id FROM json_array_elements_text(CAST($2 AS JSON))",
    };
    let newest = UNNAMED_MAX + 1;
    let known = format!(
        "FROM named CROSS JOIN participant p CROSS JOIN conversation c \
         WHERE p.user_id = $1 AND p.conversation_id = named.id AND c.id = named.id AND {LISTED} \
         ORDER BY c.id"
    );
    format!(
        "WITH named AS MATERIALIZED ({ids}), unnamed AS MATERIALIZED (SELECT c.id, {AT} AS at \
         FROM participant p JOIN conversation c ON c.id = p.conversation_id \
         WHERE p.user_id = $1 AND {LISTED} AND c.id NOT IN (SELECT id FROM named) \
         ORDER BY 2 DESC, c.id DESC LIMIT {newest}) SELECT ({}), ({})",
        piece::sql(backend, &format!("c.id, {KNOWN}, c.version"), &known),
        piece::sql(backend, "id", "FROM unnamed ORDER BY at DESC, id DESC"),
    )
}

/// Which part of a history somebody sees.
#[derive(Deserialize)]
struct Sight {
    ceiling: i64,
    joined_seq: i64,
    left_seq: Option<i64>,
    left_version: Option<i64>,
    /// Nothing that they see has an earlier version.
    earliest: i64,
}

fn sight(backend: DbBackend) -> String {
    let earliest = "COALESCE((SELECT f.posted_version FROM message f \
         WHERE f.conversation_id = p.conversation_id AND f.seq = p.joined_seq + 1), 0)";
    let columns = format!("c.version, p.joined_seq, p.left_seq, p.left_version, {earliest}");
    let from = "FROM participant p JOIN conversation c ON c.id = p.conversation_id \
                WHERE p.conversation_id = $1 AND p.user_id = $2";
    piece::sql(backend, &columns, from)
}

/// What changed after the one version and up to the other, more than is looked
/// at where there are so many; and as many of the first of these as one reading
/// takes, or more. It reads what was posted and what was touched since, from the
/// first that they can see on. It is the last that is asked.
async fn changed(
    tx: Transaction,
    id: ConversationId,
    sight: &Sight,
    (after, up_to): (i64, i64),
) -> Result<(Vec<Changed>, Vec<Message>)> {
    let backend = tx.get_database_backend();
    let theirs = messages::changed_sql(
        "m.id, m.seq, CAST(length(m.text) AS BIGINT) AS length",
        LOOKED_AT + 1,
    );
    let first = format!("SELECT id FROM changed ORDER BY seq LIMIT {READ_MAX}");
    let seen = messages::SightSql {
        joined: "$3",
        left: "$6",
    };
    let sql = format!(
        "WITH changed AS MATERIALIZED ({theirs}) SELECT ({}), ({})",
        piece::sql(backend, "seq, length", "FROM changed ORDER BY seq"),
        messages::sql(
            backend,
            (seen, &format!("WHERE m.id IN ({first}) ORDER BY m.seq"))
        ),
    );
    let after = after.max(sight.earliest - 1);
    let left = sight.left_version.unwrap_or(i64::MAX);
    // What changed while a former member was in may have changed again since.
    let up_to = if sight.left_version.is_some_and(|left| after < left) {
        i64::MAX
    } else {
        up_to
    };
    let values = [
        id.into(),
        after.into(),
        sight.joined_seq.into(),
        sight.left_seq.unwrap_or(i64::MAX).into(),
        up_to.into(),
        left.into(),
    ];
    let statement = Statement::from_sql_and_values(backend, sql, values);
    let Some(row) = tx.commit_after(statement).await?.pop() else {
        return Ok((Vec::new(), Vec::new()));
    };
    Ok((piece::of(&row)?, messages::at(&row, 1)?))
}
