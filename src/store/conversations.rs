//! Conversations: who takes part, what each of them sees, and what a Room
//! starts from.

use entity::conversation::{self, Kind};
use entity::participant::Role;
use entity::{ConversationId, MessageId, Millis, UserId, participant, user};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter,
    QueryOrder, Statement, TryInsertResult, Value,
};

use super::append::sql::places;
use super::{Result, Store, StoreError, connections, messages};
use crate::protocol::{Code, Conversation, Message, Participant, User, input::direct_key};

/// Above this many people, a conversation names only oneself and the owner.
const NAMES_ALL_UP_TO: i32 = 100;

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

/// What a Room knows of its conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomRecord {
    pub id: ConversationId,
    pub kind: Kind,
    pub open: bool,
    pub version: i64,
    pub members_version: i64,
    pub members: Vec<RoomMember>,
}

/// Somebody in a Room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomMember {
    pub user: User,
    pub role: Role,
    /// Their account is switched off: they hear, but don't speak.
    pub is_deactivated: bool,
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

    /// A conversation as a person sees it now.
    ///
    /// # Errors
    /// `not_found` for those never in it.
    pub async fn conversation(&self, me: UserId, id: ConversationId) -> Result<Conversation> {
        let tx = self.snapshot().await?;
        let rows = select(&tx, me, "AND c.id = $2", [id.into()]).await?;
        let found = views(&tx, me, rows).await?;
        tx.commit().await?;
        found.into_iter().next().ok_or_else(StoreError::not_found)
    }

    /// A page of a person's conversations: pinned ones, then most recent
    /// first.
    pub async fn conversations(
        &self,
        me: UserId,
        after: Option<ListCursor>,
        limit: u64,
    ) -> Result<Vec<Conversation>> {
        let tx = self.snapshot().await?;
        let limit = Value::from(i64::try_from(limit).unwrap_or(i64::MAX));
        let rows = match after {
            None => {
                let rest = format!("AND {LISTED} {LIST_ORDER} LIMIT $2");
                select(&tx, me, &rest, [limit]).await?
            }
            Some(cursor) => {
                let rest = format!("AND {LISTED} AND {LIST_AFTER} {LIST_ORDER} LIMIT $5");
                let pinned = i64::from(cursor.pinned);
                let values = [pinned.into(), cursor.at.into(), cursor.id.into(), limit];
                select(&tx, me, &rest, values).await?
            }
        };
        let found = views(&tx, me, rows).await?;
        tx.commit().await?;
        Ok(found)
    }

    /// How many messages wait for a person in all.
    pub async fn total_unread(&self, me: UserId, now: Millis) -> Result<i64> {
        let sql = format!(
            "SELECT CAST(COALESCE(SUM({UNREAD}), 0) AS BIGINT) AS total FROM participant p \
             JOIN conversation c ON c.id = p.conversation_id WHERE p.user_id = $1 \
             AND p.left_seq IS NULL AND NOT p.archived \
             AND (p.muted_until IS NULL OR p.muted_until <= $2)"
        );
        let statement =
            Statement::from_sql_and_values(self.backend(), sql, [me.into(), now.into()]);
        let row = self.reader.query_one_raw(statement).await?;
        Ok(row.map_or(Ok(0), |row| row.try_get_by_index(0))?)
    }

    /// What a Room starts from.
    ///
    /// # Errors
    /// `not_found` where there is no such conversation.
    pub async fn room(&self, id: ConversationId) -> Result<RoomRecord> {
        let tx = self.snapshot().await?;
        let row = conversation::Entity::find_by_id(id)
            .one(&tx)
            .await?
            .ok_or_else(StoreError::not_found)?;
        let people = participant::Entity::find()
            .find_also_related(user::Entity)
            .filter(participant::Column::ConversationId.eq(id))
            .filter(participant::Column::LeftSeq.is_null())
            .order_by_asc(participant::Column::UserId)
            .all(&tx)
            .await?;
        tx.commit().await?;
        let members = people.into_iter().filter_map(|(row, user)| {
            let user = user?;
            Some(RoomMember {
                role: row.role,
                is_deactivated: user.deactivated_at.is_some(),
                user: User::from(&user),
            })
        });
        Ok(RoomRecord {
            id,
            kind: row.kind,
            open: row.open,
            version: row.version,
            members_version: row.members_version,
            members: members.collect(),
        })
    }
}

/// Where a page of a person's list ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListCursor {
    pub pinned: bool,
    pub at: Millis,
    pub id: ConversationId,
}

impl From<&Conversation> for ListCursor {
    fn from(conversation: &Conversation) -> Self {
        let newest = conversation.last_message.as_ref();
        Self {
            pinned: conversation.pinned,
            at: newest.map_or(conversation.created_at, |message| message.created_at),
            id: conversation.id,
        }
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
        delivered_seq: Set(0),
        read_seq: Set(0),
        read_ord: Set(0),
        version: Set(0),
        muted_until: Set(None),
        archived: Set(false),
        pinned: Set(false),
    }
}

/// Text messages after one's read mark, less the withdrawn ones, which a
/// partial index counts.
const UNREAD: &str = "c.last_ord - p.read_ord - (SELECT COUNT(*) FROM message w \
     WHERE w.conversation_id = c.id AND w.ord > p.read_ord AND w.deleted_at IS NOT NULL)";

/// One without messages is listed only for who opened it.
const LISTED: &str = "(c.last_seq > 0 OR c.opened_by = p.user_id)";
const LIST_ORDER: &str =
    "ORDER BY p.pinned DESC, COALESCE(c.last_message_at, c.created_at) DESC, c.id DESC";
const LIST_AFTER: &str = "(CASE WHEN p.pinned THEN 1 ELSE 0 END, \
     COALESCE(c.last_message_at, c.created_at), c.id) < ($2, $3, $4)";

#[derive(FromQueryResult)]
struct Row {
    id: ConversationId,
    kind: Kind,
    title: Option<String>,
    participant_count: i32,
    delivered_low: i64,
    read_low: i64,
    last_message_id: Option<MessageId>,
    last_seq: i64,
    version: i64,
    created_at: Millis,
    left_seq: Option<i64>,
    muted_until: Option<Millis>,
    archived: bool,
    pinned: bool,
    unread: i64,
}

async fn select(
    db: &impl ConnectionTrait,
    me: UserId,
    rest: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Vec<Row>> {
    let sql = format!(
        "SELECT c.id, c.kind, c.title, c.participant_count, c.delivered_low, c.read_low, \
         c.last_message_id, c.last_seq, c.version, c.created_at, \
         p.left_seq, p.muted_until, p.archived, p.pinned, {UNREAD} AS unread \
         FROM participant p JOIN conversation c ON c.id = p.conversation_id \
         WHERE p.user_id = $1 {rest}"
    );
    let values = [Value::from(me)].into_iter().chain(values);
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    Ok(Row::find_by_statement(statement).all(db).await?)
}

/// Completes rows with their people and newest messages: two queries for any
/// number of them.
async fn views(db: &impl ConnectionTrait, me: UserId, rows: Vec<Row>) -> Result<Vec<Conversation>> {
    let ids: Vec<ConversationId> = rows.iter().map(|row| row.id).collect();
    let newest: Vec<MessageId> = rows.iter().filter_map(|row| row.last_message_id).collect();
    let people = people(db, me, &ids).await?;
    let mut newest = messages::by_ids(db, &newest).await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let at = newest
                .iter()
                .position(|message| Some(message.id) == row.last_message_id);
            let last_message = at.map(|at| newest.swap_remove(at));
            let participants = people
                .iter()
                .filter(|person| person.conversation_id == row.id)
                .map(Participant::from)
                .collect();
            row.into_conversation(participants, last_message)
        })
        .collect())
}

impl Row {
    fn into_conversation(
        self,
        participants: Vec<Participant>,
        last_message: Option<Message>,
    ) -> Conversation {
        Conversation {
            id: self.id,
            kind: self.kind,
            title: self.title,
            participant_count: self.participant_count,
            participants,
            all_delivered_seq: self.delivered_low,
            all_read_seq: self.read_low,
            last_message,
            last_seq: self.last_seq,
            version: self.version,
            unread_count: self.unread,
            muted_until: self.muted_until,
            archived: self.archived,
            pinned: self.pinned,
            left: self.left_seq.is_some(),
            created_at: self.created_at,
        }
    }
}

#[derive(FromQueryResult)]
struct PersonRow {
    conversation_id: ConversationId,
    role: Role,
    delivered_seq: i64,
    read_seq: i64,
    user_id: UserId,
    username: String,
    display_name: String,
    /// Who was never here has no row yet, and counts as away.
    is_online: Option<bool>,
    last_seen: Option<Millis>,
}

/// Neither of two people sees the other's status where one blocks the other.
/// It is about one's place among the values, which are known only later.
const HIDDEN: &str = "EXISTS (SELECT 1 FROM block b WHERE \
     (b.blocker_id = p.user_id AND b.blocked_id = $MINE) \
     OR (b.blocker_id = $MINE AND b.blocked_id = p.user_id))";

async fn people(
    db: &impl ConnectionTrait,
    me: UserId,
    ids: &[ConversationId],
) -> Result<Vec<PersonRow>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let places = places(ids.len());
    let (mine, owner) = (ids.len() + 1, Role::Owner as i16);
    let hidden = HIDDEN.replace("MINE", &mine.to_string());
    let sql = format!(
        "SELECT p.conversation_id, p.role, p.delivered_seq, p.read_seq, p.user_id, \
         u.username, u.display_name, \
         CASE WHEN {hidden} THEN NULL ELSE COALESCE(s.is_online, FALSE) END AS is_online, \
         CASE WHEN {hidden} THEN NULL ELSE s.last_seen END AS last_seen \
         FROM participant p JOIN conversation c ON c.id = p.conversation_id \
         JOIN \"user\" u ON u.id = p.user_id LEFT JOIN user_status s ON s.user_id = p.user_id \
         WHERE p.conversation_id IN ({places}) AND p.left_seq IS NULL \
         AND (c.participant_count <= {NAMES_ALL_UP_TO} OR p.user_id = ${mine} OR p.role = {owner}) \
         ORDER BY p.conversation_id, p.joined_at, p.user_id"
    );
    let values = ids.iter().map(|id| Value::from(*id)).chain([me.into()]);
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    Ok(PersonRow::find_by_statement(statement).all(db).await?)
}

impl From<&PersonRow> for Participant {
    fn from(row: &PersonRow) -> Self {
        Self {
            user: User {
                id: row.user_id,
                username: row.username.clone(),
                display_name: row.display_name.clone(),
            },
            role: row.role,
            delivered_seq: row.delivered_seq,
            read_seq: row.read_seq,
            is_online: row.is_online,
            last_seen: row.last_seen,
        }
    }
}
