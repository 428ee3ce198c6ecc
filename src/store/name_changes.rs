//! Changed names of users, and the recipients of these changes.
//!
//! Each change gets the next *people version*, a number that counts name
//! changes on the whole server. A rename writes only the user's own row.

use entity::connection::ConnectionRowState;
use entity::{ConversationId, UserId, user};
use sea_orm::{
    ActiveEnum, ActiveValue::Set, ConnectionTrait, DbBackend, DbErr, IntoActiveModel, Statement,
    Value,
};

use crate::protocol::User;
use crate::store::db::json_rows::{self, JsonColumns, json_row};
use crate::store::db::{Db, Result};
use crate::store::ids;
use crate::store::logins::LoginCache;

/// The name of the row of `id_block` that counts people versions.
const COUNTER: &str = "people";
/// The maximum number of changes that a resume reads and replays.
const REPLAYED_MAX: usize = 500;
/// The maximum number of changes that one read returns to be sent to sessions.
const RENAMES_PER_READ: usize = 100;
/// The number of a user's conversations or connections that one statement
/// reads.
const AUDIENCE_ROWS_MAX: usize = 100;

/// A user with a new name, and the people version of the change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenamedUser {
    pub user: User,
    pub version: i64,
}

/// Renames that a user missed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MissedRenames {
    /// These users were renamed.
    Users(Vec<User>),
    /// There are more renames than a resume reads.
    TooMany,
}

/// Users who may see a user's name, from one part of that user's connections or
/// conversations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RenameAudience {
    pub users: Vec<UserId>,
    /// The conversations that these users share with that user.
    pub conversations: Vec<ConversationId>,
    /// The start of the next part; none after the last one.
    pub next: Option<RenameAudienceCursor>,
}

/// The position up to which a user's audience was read. The user's connections
/// are read first, and then the user's conversations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenameAudienceCursor {
    /// After the connection with this user.
    Connections(UserId),
    /// After this conversation.
    Conversations(ConversationId),
}

impl RenameAudienceCursor {
    /// The start of the first part.
    pub const START: Self = Self::Connections(UserId(0));
}

/// Records in a user's row that their names changed. It must be the last step
/// of a transaction: it locks the counter until the end, so that versions are
/// committed in order.
pub(super) async fn record_name_change(
    tx: &impl ConnectionTrait,
    row: user::Model,
) -> Result<user::Model> {
    let version = ids::reserve_block(tx, COUNTER, 1).await?.start;
    let mut active = row.into_active_model();
    active.people_version = Set(version);
    Ok(sea_orm::ActiveModelTrait::update(active, tx).await?)
}

json_row! {
    struct RenamedUserRow of RenamedUserColumns {
        id: UserId,
        username: String,
        display_name: String,
        people_version: i64,
    }
}

/// The columns of users `u`.
const RENAMED_COLUMNS: RenamedUserColumns<'_> = RenamedUserColumns {
    id: "u.id",
    username: "u.username",
    display_name: "u.display_name",
    people_version: "u.people_version",
};

impl From<RenamedUserRow> for RenamedUser {
    fn from(row: RenamedUserRow) -> Self {
        Self {
            user: User {
                id: row.id,
                username: row.username,
                display_name: row.display_name,
            },
            version: row.people_version,
        }
    }
}

/// The changed names of users.
#[derive(Clone, Copy)]
pub struct NameChangeRepository<'a> {
    db: &'a Db,
    logins: &'a LoginCache,
}

impl<'a> NameChangeRepository<'a> {
    /// Creates a repository on these connections. Name changes invalidate the
    /// cached logins.
    pub(in crate::store) fn new(db: &'a Db, logins: &'a LoginCache) -> Self {
        Self { db, logins }
    }
}

impl NameChangeRepository<'_> {
    /// Returns the newest people version.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn load_version(self) -> Result<i64> {
        let sql = "SELECT next - 1 AS newest FROM id_block WHERE name = $1";
        let find = Statement::from_sql_and_values(self.db.backend(), sql, [COUNTER.into()]);
        let row = self.db.reader().query_one_raw(find).await?;
        Ok(row.map_or(Ok(0), |row| row.try_get_by("newest"))?)
    }

    /// Returns at most 100 users whose names changed after a people version,
    /// oldest change first.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn list_since(self, version: i64) -> Result<Vec<RenamedUser>> {
        let rest = format!(
            "FROM \"user\" u WHERE u.people_version > $1 \
             ORDER BY u.people_version LIMIT {RENAMES_PER_READ}"
        );
        let columns = RENAMED_COLUMNS.list();
        let rows: Vec<RenamedUserRow> =
            json_rows::query_rows(self.db.reader(), &columns, &rest, [version.into()]).await?;
        // Cached logins have the old names, which new sockets would get in
        // their `hello`.
        if !rows.is_empty() {
            self.logins.invalidate_all();
        }
        Ok(rows.into_iter().map(RenamedUser::from).collect())
    }

    /// Returns the users that `me` may see and whose names changed after a
    /// people version. Reads at most 500 changes.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn load_missed(self, me: UserId, version: i64) -> Result<MissedRenames> {
        let sql = missed_renames_sql(self.db.backend());
        let values = [me.into(), version.into()];
        let find = Statement::from_sql_and_values(self.db.backend(), sql, values);
        let Some(row) = self.db.reader().query_one_raw(find).await? else {
            return Ok(MissedRenames::Users(Vec::new()));
        };
        let looked_at: Vec<[i64; 1]> = json_rows::parse_column(&row, "read")?;
        if looked_at.len() > REPLAYED_MAX {
            return Ok(MissedRenames::TooMany);
        }
        let known: Vec<RenamedUserRow> = json_rows::parse_column(&row, "visible")?;
        let known = known.into_iter().map(|row| RenamedUser::from(row).user);
        Ok(MissedRenames::Users(known.collect()))
    }

    /// Returns the next users who may see a user's name: by a connection, or by
    /// a conversation in which both were members at the same time. Reads at
    /// most 100 of the user's connections or conversations.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn load_audience(
        self,
        user: UserId,
        from: RenameAudienceCursor,
    ) -> Result<RenameAudience> {
        match from {
            RenameAudienceCursor::Connections(after) => self.connected_audience(user, after).await,
            RenameAudienceCursor::Conversations(after) => {
                self.conversation_audience(user, after).await
            }
        }
    }

    async fn connected_audience(self, user: UserId, after: UserId) -> Result<RenameAudience> {
        let rest = format!("FROM ({}) known ORDER BY other", connected_sql("$1", "$2"));
        let values: [Value; 2] = [user.into(), after.into()];
        let users: Vec<[UserId; 1]> =
            json_rows::query_rows(self.db.reader(), "other", &rest, values).await?;
        let users = users.into_flattened();
        let next = match users.last() {
            Some(last) if users.len() == AUDIENCE_ROWS_MAX => {
                RenameAudienceCursor::Connections(*last)
            }
            _ => RenameAudienceCursor::Conversations(ConversationId(0)),
        };
        Ok(RenameAudience {
            users,
            conversations: Vec::new(),
            next: Some(next),
        })
    }

    async fn conversation_audience(
        self,
        user: UserId,
        after: ConversationId,
    ) -> Result<RenameAudience> {
        let backend = self.db.backend();
        let sql = format!(
            "WITH mine AS MATERIALIZED (SELECT p.conversation_id, p.joined_seq, p.left_seq \
             FROM participant p WHERE p.user_id = $1 AND p.conversation_id > $2 \
             ORDER BY p.conversation_id LIMIT {AUDIENCE_ROWS_MAX}) SELECT ({}) AS conversations, ({}) AS users",
            json_rows::sql(
                backend,
                "conversation_id",
                "FROM mine ORDER BY conversation_id"
            ),
            json_rows::sql(
                backend,
                "user_id",
                &format!(
                    "FROM (SELECT DISTINCT t.user_id FROM mine my CROSS JOIN participant t \
                     WHERE t.conversation_id = my.conversation_id AND {}) known",
                    overlap_sql("my", "t")
                )
            ),
        );
        let values: [Value; 2] = [user.into(), after.into()];
        let find = Statement::from_sql_and_values(backend, sql, values);
        let row = self.db.reader().query_one_raw(find).await?;
        let row = row.ok_or_else(|| DbErr::RecordNotFound("participant".to_owned()))?;
        let conversations: Vec<[ConversationId; 1]> =
            json_rows::parse_column(&row, "conversations")?;
        let conversations = conversations.into_flattened();
        let users: Vec<[UserId; 1]> = json_rows::parse_column(&row, "users")?;
        let next = conversations
            .last()
            .filter(|_| conversations.len() == AUDIENCE_ROWS_MAX);
        Ok(RenameAudience {
            next: next.map(|last| RenameAudienceCursor::Conversations(*last)),
            users: users.into_flattened(),
            conversations,
        })
    }
}

/// Whether two memberships of one conversation overlap in time. A member who
/// left before another joined doesn't see their name.
fn overlap_sql(one: &str, two: &str) -> String {
    format!(
        "({two}.left_seq IS NULL OR {two}.left_seq > {one}.joined_seq) \
         AND ({one}.left_seq IS NULL OR {one}.left_seq > {two}.joined_seq)"
    )
}

/// Selects the next users who see a connection or request with a user. A
/// blocker doesn't see a suppressed request.
fn connected_sql(user: &str, after: &str) -> String {
    let swallowed = ConnectionRowState::Suppressed.to_value();
    let side = |mine: &str, theirs: &str| {
        format!(
            "SELECT k.{theirs} AS other FROM connection k WHERE k.{mine} = {user} \
             AND k.{theirs} > {after} AND (k.state <> {swallowed} OR k.requested_by = k.{theirs}) \
             ORDER BY k.{theirs} LIMIT {AUDIENCE_ROWS_MAX}"
        )
    };
    format!(
        "SELECT other FROM (SELECT other FROM ({}) low UNION ALL SELECT other FROM ({}) high) \
         both_sides ORDER BY other LIMIT {AUDIENCE_ROWS_MAX}",
        side("low_id", "high_id"),
        side("high_id", "low_id"),
    )
}

/// Returns a query for the changes after version `$2`, with one more than the
/// limit, and for those of them that user `$1` may see.
fn missed_renames_sql(backend: DbBackend) -> String {
    let swallowed = ConnectionRowState::Suppressed.to_value();
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
        overlap_sql("m", "t"),
    );
    format!(
        "WITH named AS MATERIALIZED (SELECT {named} \
         FROM \"user\" u WHERE u.people_version > $2 ORDER BY u.people_version LIMIT {most}) \
         SELECT ({}) AS read, ({}) AS visible",
        json_rows::sql(backend, "id", "FROM named"),
        json_rows::sql(backend, &RENAMED_COLUMNS.names(), &known),
        named = RENAMED_COLUMNS.named_list(),
    )
}
