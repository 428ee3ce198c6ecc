//! Conversations, seen from outside: which there are, who is in them, and the
//! acts of admins on them.
//!
//! What is written here no Room has judged. Whoever asks has it told by the
//! Room afterwards, as what happened elsewhere is (see `Engine::from_outside`).

use std::sync::Arc;

use entity::conversation::{self, Kind};
use entity::participant::Role;
use entity::{ConversationId, MessageId, Millis, UserId, message, participant, user};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder,
    QuerySelect, Statement, Value,
};
use serde_json::json;

use super::audit::{Act, Deed, Entry, note};
use super::{Listing, Place, Result, Store, StoreError, count, limited};
use crate::protocol::message::system_event;
use crate::protocol::{Code, User};
use crate::store::append::{Append, Change, How, MemberMove, Outcome, Touch, What, append_in};
use crate::store::words::{self, Wanted};

/// Which conversations are asked for, and in which order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConversationOrder {
    /// Those in which something was said, the latest first.
    Activity,
    /// All, those with the most people first.
    Size,
    /// All, the newest first.
    Newest,
    /// Those of this person, the newest first.
    Of(UserId),
    /// Groups of whose title words have these beginnings, by the one that the
    /// longest of them fits.
    Titled(Wanted),
}

/// A conversation in a list.
#[derive(Clone, Debug, FromQueryResult)]
pub struct ConversationLine {
    pub id: ConversationId,
    pub kind: Kind,
    pub title: Option<String>,
    pub direct_key: Option<String>,
    pub open: bool,
    pub participant_count: i32,
    pub last_seq: i64,
    pub last_message_at: Option<Millis>,
    pub created_at: Millis,
    /// What the list is ordered by.
    pub key: String,
}

/// Somebody's part in a conversation, also of those who left.
#[derive(Clone, Debug)]
pub struct Part {
    pub user: User,
    pub role: Role,
    pub joined_at: Millis,
    pub has_left: bool,
    pub delivered_seq: i64,
    pub read_seq: i64,
}

const COLUMNS: &str = "c.id, c.kind, c.title, c.direct_key, c.open, c.participant_count, \
                       c.last_seq, c.last_message_at, c.created_at";

impl Store {
    /// A page of conversations.
    pub async fn all_conversations(
        &self,
        listing: &Listing<ConversationOrder>,
    ) -> Result<Vec<ConversationLine>> {
        let (sql, mut values) = listing.statement();
        values.push(count(listing.limit));
        let sql = limited(self.backend(), &sql, values.len());
        let statement = Statement::from_sql_and_values(self.backend(), sql, values);
        Ok(ConversationLine::find_by_statement(statement)
            .all(&self.reader)
            .await?)
    }

    /// A conversation as it is in the database.
    pub async fn conversation_row(
        &self,
        id: ConversationId,
    ) -> Result<Option<conversation::Model>> {
        Ok(conversation::Entity::find_by_id(id)
            .one(&self.reader)
            .await?)
    }

    /// A page of all who are or were in a conversation, by their ids.
    pub async fn parts(
        &self,
        id: ConversationId,
        after: Option<UserId>,
        limit: u64,
    ) -> Result<Vec<Part>> {
        let rows = participant::Entity::find()
            .find_also_related(user::Entity)
            .filter(participant::Column::ConversationId.eq(id))
            .filter(participant::Column::UserId.gt(after.unwrap_or(UserId(0))))
            .order_by_asc(participant::Column::UserId)
            .limit(limit)
            .all(&self.reader)
            .await?;
        let parts = rows.into_iter().filter_map(|(row, user)| {
            Some(Part {
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

    /// Withdraws a message, whoever sent it.
    ///
    /// # Errors
    /// `not_found`; `forbidden` for a system message.
    pub async fn withdraw(
        &self,
        (id, message): (ConversationId, MessageId),
        act: &Act,
    ) -> Result<()> {
        let tx = self.begin().await?;
        let row = locked(&tx, id).await?;
        let touch = Touch {
            message,
            how: How::Withdraw,
            may_moderate: true,
        };
        // Nobody of this conversation: it isn't cut to what somebody may see.
        let actor = User {
            id: UserId(0),
            username: String::new(),
            display_name: String::new(),
        };
        let append = from_outside(&row, actor, What::Touch(touch));
        let done = append_in(&tx, &[append], (Vec::new(), act.at)).await?;
        let version = match written(done.outcomes)? {
            Outcome::Touched { version, .. } => version,
            _ => None,
        };
        // It was withdrawn before: there is nothing to note.
        if version.is_none() {
            return Ok(());
        }
        let seq = seq_of(&tx, id, message).await?.unwrap_or_default();
        let detail = format!("message {seq} (id {message})");
        let entry = Entry::new(Deed::WithdrawMessage, id).with(detail);
        note(&tx, act, entry).await?;
        Ok(tx.commit().await?)
    }

    /// Closes a group: nobody is in it any more, and nothing is said there.
    /// Everybody keeps what they could read.
    ///
    /// # Errors
    /// `not_found`; `conflict` for a conversation of two, and for a group that
    /// is closed.
    pub async fn close_group(&self, id: ConversationId, by: User, act: &Act) -> Result<()> {
        let ids = self.ids.messages(&self.writer, 1).await?;
        let tx = self.begin().await?;
        let row = locked(&tx, id).await?;
        if row.kind == Kind::Direct {
            return Err(StoreError::refused(
                Code::Conflict,
                "This is a conversation of two: it can't be closed.",
            ));
        }
        if !row.open {
            return Err(StoreError::refused(
                Code::Conflict,
                "This group is closed already.",
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
        let change = Change {
            moves: people.into_iter().map(MemberMove::Leave).collect(),
            closes: true,
            event: system_event("closed", &json!({})),
            text: "An admin of the server closed the group".to_owned(),
            ..Change::default()
        };
        let append = from_outside(&row, by, What::Change(Arc::new(change)));
        let done = append_in(&tx, &[append], (ids, act.at)).await?;
        written(done.outcomes)?;
        let entry = Entry::new(Deed::CloseGroup, id).with(format!("{count} people"));
        note(&tx, act, entry).await?;
        Ok(tx.commit().await?)
    }

    /// Where a message stands.
    pub async fn seq_of(&self, id: ConversationId, message: MessageId) -> Result<Option<i64>> {
        seq_of(&self.reader, id, message).await
    }
}

async fn seq_of(
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

impl Listing<ConversationOrder> {
    fn statement(&self) -> (String, Vec<Value>) {
        let after = self.after.as_ref();
        let id = after.map_or(i64::MAX, |it| it.id);
        let number = |max: i64| {
            let key = after.map_or(max, |it| it.number().min(max));
            vec![key.into(), id.into()]
        };
        match &self.order {
            ConversationOrder::Activity => (by_number("last_message_at"), number(i64::MAX)),
            ConversationOrder::Size => {
                (by_number("participant_count"), number(i64::from(i32::MAX)))
            }
            ConversationOrder::Newest => (
                format!(
                    "SELECT {COLUMNS}, '' AS key FROM conversation c WHERE c.id < $1 \
                     ORDER BY c.id DESC"
                ),
                vec![id.into()],
            ),
            ConversationOrder::Of(user) => (
                format!(
                    "SELECT {COLUMNS}, '' AS key FROM participant p \
                     JOIN conversation c ON c.id = p.conversation_id \
                     WHERE p.user_id = $1 AND p.conversation_id < $2 \
                     ORDER BY p.conversation_id DESC"
                ),
                vec![(*user).into(), id.into()],
            ),
            ConversationOrder::Titled(wanted) => titled(wanted, after),
        }
    }
}

/// From the last one on: first those with the same number, then those with
/// less. SQLite seeks by both only like this: it compares a pair with an index
/// only where the second isn't the row's own id, and would walk through all
/// that have the same number.
fn by_number(column: &str) -> String {
    let some = format!("SELECT {COLUMNS}, CAST(c.{column} AS TEXT) AS key FROM conversation c");
    format!(
        "{some} WHERE c.{column} = $1 AND c.id < $2 UNION ALL {some} WHERE c.{column} < $1 \
         ORDER BY {column} DESC, id DESC"
    )
}

/// Of several words of one title that fit, the first stands for it.
fn titled(wanted: &Wanted, after: Option<&Place>) -> (String, Vec<Value>) {
    let (first, others) = wanted.split();
    // One from elsewhere can't reach back past the beginning.
    let after = after.filter(|at| at.key.as_str() >= first);
    let (key, id) = after.map_or((first.to_owned(), 0), |at| (at.key.clone(), at.id));
    let mut values = vec![
        first.into(),
        words::end_of(first).into(),
        key.into(),
        id.into(),
    ];
    let theirs = ("conversation_word", "f.conversation_id = c.id");
    let fitting = words::conditions(theirs, others, &mut values);
    let sql = format!(
        "SELECT {COLUMNS}, w.word AS key FROM conversation_word w \
         JOIN conversation c ON c.id = w.conversation_id \
         WHERE (w.word, w.conversation_id) > ($3, $4) AND w.word < $2 \
         AND NOT EXISTS (SELECT 1 FROM conversation_word f \
         WHERE f.conversation_id = w.conversation_id AND f.word >= $1 AND f.word < w.word)\
         {fitting} ORDER BY w.word, w.conversation_id"
    );
    (sql, values)
}

async fn locked(tx: &impl ConnectionTrait, id: ConversationId) -> Result<conversation::Model> {
    conversation::Entity::find_by_id(id)
        .lock_exclusive()
        .one(tx)
        .await?
        .ok_or_else(StoreError::not_found)
}

/// By somebody who isn't judged by what they are in the conversation.
fn from_outside(row: &conversation::Model, actor: User, what: What) -> Append {
    Append {
        conversation: row.id,
        members_version: row.members_version,
        verdict: Ok(()),
        actor,
        what,
        has_others: row.participant_count > 1,
        has_archived: false,
    }
}

fn written(outcomes: Vec<Outcome>) -> Result<Outcome> {
    match outcomes.into_iter().next() {
        Some(Outcome::Refused(problem)) => Err(StoreError::Refused(problem)),
        Some(outcome) => Ok(outcome),
        None => Err(StoreError::not_found()),
    }
}
