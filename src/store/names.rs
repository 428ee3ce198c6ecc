//! Changed names of users, and the recipients of these changes.
//!
//! Each change takes the next *people version*, which is the server's and not
//! a conversation's: a rename writes the user's own row, whatever they take
//! part in.

use entity::connection::State;
use entity::{ConversationId, UserId, user};
use sea_orm::{
    ActiveValue::Set, ConnectionTrait, DbBackend, DbErr, IntoActiveModel, Statement, Value,
};
use serde::Deserialize;

use super::{Result, Store, ids, piece};
use crate::protocol::User;

/// The name of the counter in `id_block`.
const COUNTER: &str = "people";
/// The most changes that a resume replays, and that it looks at.
const REPLAYED_MAX: usize = 500;
/// The most changes that are read for the sessions at once.
const TOLD_AT_ONCE: usize = 100;
/// How many of a user's conversations, or connections, are looked through in
/// one statement.
const LOOKED_THROUGH: usize = 100;

/// A user who is called otherwise since this people version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renamed {
    pub user: User,
    pub version: i64,
}

/// What a user missed of others' names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MissedNames {
    /// These changed.
    These(Vec<User>),
    /// More changed than are looked at.
    TooMany,
}

/// Users who may know a user, from one part of their conversations or
/// connections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownBy {
    pub users: Vec<UserId>,
    /// The conversations that they share.
    pub conversations: Vec<ConversationId>,
    /// Where the next part begins; none if this was the last.
    pub next: Option<KnownByPlace>,
}

/// A place in a user's connections, and then in their conversations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownByPlace {
    /// After this user, of those connected.
    Connections(UserId),
    /// After this conversation.
    Conversations(ConversationId),
}

impl KnownByPlace {
    /// Where the first part begins.
    pub const START: Self = Self::Connections(UserId(0));
}

/// Notes in a user's row that their names changed now. It is the last that a
/// transaction does, since it locks the counter until the end: versions are
/// committed in their order.
pub(super) async fn note_change(
    tx: &impl ConnectionTrait,
    row: user::Model,
) -> Result<user::Model> {
    let version = ids::next_block(tx, COUNTER, 1).await?.start;
    let mut active = row.into_active_model();
    active.people_version = Set(version);
    Ok(sea_orm::ActiveModelTrait::update(active, tx).await?)
}

#[derive(Deserialize)]
struct RenamedRow(UserId, String, String, i64);

impl From<RenamedRow> for Renamed {
    fn from(RenamedRow(id, username, display_name, version): RenamedRow) -> Self {
        Self {
            user: User {
                id,
                username,
                display_name,
            },
            version,
        }
    }
}

impl Store {
    /// The newest people version.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn people_version(&self) -> Result<i64> {
        let sql = "SELECT next - 1 FROM id_block WHERE name = $1";
        let find = Statement::from_sql_and_values(self.backend(), sql, [COUNTER.into()]);
        let row = self.reader.query_one_raw(find).await?;
        Ok(row.map_or(Ok(0), |row| row.try_get_by_index(0))?)
    }

    /// The users whose names changed after a people version, oldest change
    /// first: at most 100.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn renamed_since(&self, version: i64) -> Result<Vec<Renamed>> {
        let rest = format!(
            "FROM \"user\" u WHERE u.people_version > $1 \
             ORDER BY u.people_version LIMIT {TOLD_AT_ONCE}"
        );
        let columns = "u.id, u.username, u.display_name, u.people_version";
        let rows: Vec<RenamedRow> =
            piece::rows(&self.reader, (columns, &rest), [version.into()]).await?;
        // Sockets that open now are greeted by the new name.
        if !rows.is_empty() {
            self.asked.recent_logins.forget();
        }
        Ok(rows.into_iter().map(Renamed::from).collect())
    }

    /// What changed after a people version in the names of those whom a user
    /// may know. It looks at no more than 500 changes.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn missed_names(&self, me: UserId, version: i64) -> Result<MissedNames> {
        let sql = missed(self.backend());
        let values = [me.into(), version.into()];
        let find = Statement::from_sql_and_values(self.backend(), sql, values);
        let Some(row) = self.reader.query_one_raw(find).await? else {
            return Ok(MissedNames::These(Vec::new()));
        };
        let looked_at: Vec<[i64; 1]> = piece::at(&row, 0)?;
        if looked_at.len() > REPLAYED_MAX {
            return Ok(MissedNames::TooMany);
        }
        let known: Vec<RenamedRow> = piece::at(&row, 1)?;
        let known = known.into_iter().map(|row| Renamed::from(row).user);
        Ok(MissedNames::These(known.collect()))
    }

    /// The next of those who may know a user: by a connection, or by a
    /// conversation of which both saw a part. It reads at most 100 of the
    /// user's connections or conversations.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn known_by(&self, user: UserId, from: KnownByPlace) -> Result<KnownBy> {
        match from {
            KnownByPlace::Connections(after) => self.connected_with(user, after).await,
            KnownByPlace::Conversations(after) => self.met_by(user, after).await,
        }
    }

    async fn connected_with(&self, user: UserId, after: UserId) -> Result<KnownBy> {
        let rest = format!("FROM ({}) known ORDER BY other", connected("$1", "$2"));
        let values: [Value; 2] = [user.into(), after.into()];
        let users: Vec<[UserId; 1]> = piece::rows(&self.reader, ("other", &rest), values).await?;
        let users = users.into_flattened();
        let next = match users.last() {
            Some(last) if users.len() == LOOKED_THROUGH => KnownByPlace::Connections(*last),
            _ => KnownByPlace::Conversations(ConversationId(0)),
        };
        Ok(KnownBy {
            users,
            conversations: Vec::new(),
            next: Some(next),
        })
    }

    async fn met_by(&self, user: UserId, after: ConversationId) -> Result<KnownBy> {
        let backend = self.backend();
        let sql = format!(
            "WITH mine AS MATERIALIZED (SELECT p.conversation_id, p.joined_seq, p.left_seq \
             FROM participant p WHERE p.user_id = $1 AND p.conversation_id > $2 \
             ORDER BY p.conversation_id LIMIT {LOOKED_THROUGH}) SELECT ({}), ({})",
            piece::sql(
                backend,
                "conversation_id",
                "FROM mine ORDER BY conversation_id"
            ),
            piece::sql(
                backend,
                "user_id",
                &format!(
                    "FROM (SELECT DISTINCT t.user_id FROM mine my CROSS JOIN participant t \
                     WHERE t.conversation_id = my.conversation_id AND {}) known",
                    overlap("my", "t")
                )
            ),
        );
        let values: [Value; 2] = [user.into(), after.into()];
        let find = Statement::from_sql_and_values(backend, sql, values);
        let row = self.reader.query_one_raw(find).await?;
        let row = row.ok_or_else(|| DbErr::RecordNotFound("participant".to_owned()))?;
        let conversations: Vec<[ConversationId; 1]> = piece::at(&row, 0)?;
        let conversations = conversations.into_flattened();
        let users: Vec<[UserId; 1]> = piece::at(&row, 1)?;
        let next = conversations
            .last()
            .filter(|_| conversations.len() == LOOKED_THROUGH);
        Ok(KnownBy {
            next: next.map(|last| KnownByPlace::Conversations(*last)),
            users: users.into_flattened(),
            conversations,
        })
    }
}

/// Whether two users, by their rows of one conversation, saw a part of it
/// together. Who left before another came doesn't know them.
fn overlap(one: &str, two: &str) -> String {
    format!(
        "({two}.left_seq IS NULL OR {two}.left_seq > {one}.joined_seq) \
         AND ({one}.left_seq IS NULL OR {one}.left_seq > {two}.joined_seq)"
    )
}

/// Those who see a connection with a user, or a request: the next of them
/// after a user. Whose request is swallowed isn't seen by who blocks them.
fn connected(user: &str, after: &str) -> String {
    let swallowed = State::Swallowed as i16;
    let side = |mine: &str, theirs: &str| {
        format!(
            "SELECT k.{theirs} AS other FROM connection k WHERE k.{mine} = {user} \
             AND k.{theirs} > {after} AND (k.state <> {swallowed} OR k.requested_by = k.{theirs}) \
             ORDER BY k.{theirs} LIMIT {LOOKED_THROUGH}"
        )
    };
    format!(
        "SELECT other FROM (SELECT other FROM ({}) low UNION ALL SELECT other FROM ({}) high) \
         both_sides ORDER BY other LIMIT {LOOKED_THROUGH}",
        side("low_id", "high_id"),
        side("high_id", "low_id"),
    )
}

/// The changes after version `$2`, one more than are looked at; and those of
/// them that user `$1` may know.
fn missed(backend: DbBackend) -> String {
    let swallowed = State::Swallowed as i16;
    let most = REPLAYED_MAX + 1;
    let connected = |mine: &str, theirs: &str| {
        format!(
            "EXISTS (SELECT 1 FROM connection k WHERE k.{mine} = $1 AND k.{theirs} = named.id \
             AND (k.state <> {swallowed} OR k.requested_by = $1))"
        )
    };
    let known = format!(
        "FROM named WHERE named.id = $1 OR {} OR {} OR EXISTS (SELECT 1 FROM participant t \
         CROSS JOIN participant m WHERE t.user_id = named.id AND m.user_id = $1 \
         AND m.conversation_id = t.conversation_id AND {}) ORDER BY people_version",
        connected("low_id", "high_id"),
        connected("high_id", "low_id"),
        overlap("m", "t"),
    );
    format!(
        "WITH named AS MATERIALIZED (SELECT u.id, u.username, u.display_name, u.people_version \
         FROM \"user\" u WHERE u.people_version > $2 ORDER BY u.people_version LIMIT {most}) \
         SELECT ({}), ({})",
        piece::sql(backend, "id", "FROM named"),
        piece::sql(
            backend,
            "id, username, display_name, people_version",
            &known
        ),
    )
}
