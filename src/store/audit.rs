//! The audit log: written with each admin action and read by admins. Nothing
//! here changes or deletes an entry.
//!
//! An entry keeps the usernames at the time of the action, so that it
//! identifies users who were renamed or deleted later.

use std::fmt;

use entity::{AuditId, ConversationId, Millis, UserId, audit, user};
use sea_orm::{
    ActiveValue::Set, ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, QuerySelect,
    Statement, Value,
};

use crate::store::db::{Db, Result, limit_value};

/// The actor, time, address and reason of an admin action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditContext {
    /// None for the command line.
    pub actor_id: Option<UserId>,
    pub at: Millis,
    pub address: String,
    /// The reason, if the admin gave one.
    pub reason: Option<String>,
}

impl AuditContext {
    /// Creates the context of an action at the command line.
    #[must_use]
    pub fn from_command_line(at: Millis) -> Self {
        Self {
            actor_id: None,
            at,
            address: "command line".to_owned(),
            reason: None,
        }
    }
}

macro_rules! audit_actions {
    ($($(#[$doc:meta])* $action:ident = $name:literal,)*) => {
        /// Admin actions, by their codes in the log.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum AuditAction {
            $($(#[$doc])* $action,)*
        }

        impl AuditAction {
            /// All actions.
            pub const ALL: &'static [Self] = &[$(Self::$action,)*];

            /// Returns the code that the log stores.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$action => $name,)*
                }
            }
        }
    };
}

audit_actions! {
    /// Created an account.
    CreateUser = "user.create",
    /// Changed a user's names.
    RenameUser = "user.rename",
    /// Granted admin rights.
    Promote = "user.promote",
    /// Removed admin rights.
    Demote = "user.demote",
    /// Deactivated an account.
    Deactivate = "user.deactivate",
    /// Reactivated an account.
    Reactivate = "user.reactivate",
    /// Ended one or all of a user's logins.
    EndLogin = "user.end_login",
    /// Created a link for setting a new password.
    CreateResetLink = "user.reset_link",
    /// Set a new password by a link.
    UseResetLink = "user.reset_used",
    /// Set a user's password.
    SetPassword = "user.set_password",
    /// Deleted an account.
    DeleteUser = "user.delete",
    /// Read the messages of a conversation.
    ReadMessages = "conversation.read",
    /// Deleted a message.
    DeleteMessage = "conversation.withdraw",
    /// Closed a group.
    CloseGroup = "conversation.close",
    /// Read the messages around a reported one.
    ReadReport = "report.read",
    /// Resolved a report.
    ResolveReport = "report.done",
    /// Created an invitation.
    CreateInvite = "invite.create",
    /// Downloaded the log.
    DownloadAudit = "audit.download",
}

/// The user or object that an action affects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditTarget {
    User(UserId),
    Conversation(ConversationId),
    /// An invitation, which has no name.
    Invite(i64),
    /// The log itself.
    Audit,
}

impl fmt::Display for AuditTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "user:{id}"),
            Self::Conversation(id) => write!(f, "conversation:{id}"),
            Self::Invite(id) => write!(f, "invite:{id}"),
            Self::Audit => f.write_str("audit"),
        }
    }
}

impl From<UserId> for AuditTarget {
    fn from(id: UserId) -> Self {
        Self::User(id)
    }
}

impl From<ConversationId> for AuditTarget {
    fn from(id: ConversationId) -> Self {
        Self::Conversation(id)
    }
}

/// An action as the log records it.
#[derive(Clone, Debug)]
pub struct AuditEntry {
    action: AuditAction,
    target: AuditTarget,
    /// The target's username before a change that renames the target.
    former_name: Option<String>,
    detail: Option<String>,
}

impl AuditEntry {
    #[must_use]
    pub fn new(action: AuditAction, target: impl Into<AuditTarget>) -> Self {
        Self {
            action,
            target: target.into(),
            former_name: None,
            detail: None,
        }
    }

    /// Sets the username that the target had before it was renamed.
    #[must_use]
    pub(super) fn with_former_name(self, name: impl Into<String>) -> Self {
        Self {
            former_name: Some(name.into()),
            ..self
        }
    }

    /// Adds a detail.
    #[must_use]
    pub fn with_detail(self, detail: impl Into<String>) -> Self {
        Self {
            detail: Some(detail.into()),
            ..self
        }
    }
}

/// An entry of the log, with the usernames at the time of the action.
#[derive(Clone, Debug, FromQueryResult)]
pub struct AuditLine {
    pub id: AuditId,
    pub at: Millis,
    pub actor_id: Option<UserId>,
    pub actor_name: Option<String>,
    pub action: String,
    pub target: String,
    pub target_name: Option<String>,
    pub address: String,
    pub reason: Option<String>,
    pub detail: Option<String>,
}

/// The actor to filter by: a username at the time of the action, or the id of a
/// user, whose former names match, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditActorFilter {
    Name(String),
    User(UserId),
}

/// Filters for log entries; an unset field matches all.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    pub actor: Option<AuditActorFilter>,
    pub action: Option<AuditAction>,
    /// The target as the log stores it (see [`AuditTarget`]).
    pub target: Option<String>,
    /// The target's username at the time of the action.
    pub target_name: Option<String>,
    /// Matches entries at this time or later.
    pub from: Option<Millis>,
    /// Matches entries before this time.
    pub until: Option<Millis>,
}

/// A position in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditCursor {
    pub at: Millis,
    pub id: AuditId,
}

impl From<&AuditLine> for AuditCursor {
    fn from(line: &AuditLine) -> Self {
        Self {
            at: line.at,
            id: line.id,
        }
    }
}

impl AuditFilter {
    /// Returns the SQL conditions and values for entries before a position.
    fn sql_conditions(
        &self,
        before: Option<AuditCursor>,
        backend: DbBackend,
    ) -> (String, Vec<Value>) {
        let last = self.until.map_or(i64::MAX, |until| until.0 - 1);
        let (at, id) = before.map_or((i64::MAX, i64::MAX), |it| (it.at.0, it.id.0));
        // Selects a range of the index, whichever filter is set. Of the entries
        // in the cursor's millisecond, only those with a lower id match.
        let mut values: Vec<Value> = vec![at.min(last).into(), at.into(), id.into()];
        let mut conditions = "a.at <= $1 AND (a.at < $2 OR a.id < $3)".to_owned();
        let mut add = |condition: String, value: Option<Value>| {
            if let Some(value) = value {
                values.push(value);
                conditions += &format!(" AND {condition} ${}", values.len());
            }
        };
        // The indexes are on this expression, so any other would not use them.
        let folded = |column: &str| match backend {
            DbBackend::Sqlite => format!("lower(a.{column}) ="),
            _ => format!("lower(a.{column} COLLATE \"C\") ="),
        };
        let lower = |name: &String| Value::from(name.to_ascii_lowercase());
        match &self.actor {
            Some(AuditActorFilter::User(id)) => add("a.actor_id =".to_owned(), Some((*id).into())),
            Some(AuditActorFilter::Name(name)) => add(folded("actor_name"), Some(lower(name))),
            None => {}
        }
        add(
            "a.action =".to_owned(),
            self.action.map(|deed| deed.name().into()),
        );
        add(
            "a.target =".to_owned(),
            self.target.clone().map(Value::from),
        );
        add(folded("target_name"), self.target_name.as_ref().map(lower));
        add("a.at >=".to_owned(), self.from.map(Value::from));
        (conditions, values)
    }
}

/// The audit log.
#[derive(Clone, Copy)]
pub struct AuditRepository<'a> {
    db: &'a Db,
}

impl<'a> AuditRepository<'a> {
    /// Creates a repository on these connections.
    pub(in crate::store) fn new(db: &'a Db) -> Self {
        Self { db }
    }
}

impl AuditRepository<'_> {
    /// Records an action that changes nothing in the database.
    pub async fn record(self, context: &AuditContext, entry: AuditEntry) -> Result<()> {
        insert_audit(self.db.writer(), context, entry).await
    }

    /// Returns a page of the log, newest first, of entries before `before`.
    pub async fn load_page(
        self,
        filter: &AuditFilter,
        before: Option<AuditCursor>,
        limit: u64,
    ) -> Result<Vec<AuditLine>> {
        let (conditions, mut values) = filter.sql_conditions(before, self.db.backend());
        values.push(limit_value(limit));
        let sql = format!(
            "SELECT a.id, a.at, a.actor_id, a.actor_name, a.action, a.target, a.target_name, \
             a.address, a.reason, a.detail FROM audit a WHERE {conditions} \
             ORDER BY a.at DESC, a.id DESC LIMIT ${}",
            values.len()
        );
        let statement = Statement::from_sql_and_values(self.db.backend(), sql, values);
        Ok(AuditLine::find_by_statement(statement)
            .all(self.db.reader())
            .await?)
    }
}

/// Records an action in the transaction of its change.
pub(in crate::store) async fn insert_audit(
    db: &impl ConnectionTrait,
    context: &AuditContext,
    entry: AuditEntry,
) -> Result<()> {
    let target_name = match (entry.former_name, entry.target) {
        (None, AuditTarget::User(id)) => load_username(db, id).await?,
        (name, _) => name,
    };
    let actor_name = match context.actor_id {
        Some(id) => load_username(db, id).await?,
        None => None,
    };
    let row = audit::ActiveModel {
        at: Set(context.at),
        actor_id: Set(context.actor_id),
        actor_name: Set(actor_name),
        action: Set(entry.action.name().to_owned()),
        target: Set(entry.target.to_string()),
        target_name: Set(target_name),
        address: Set(context.address.clone()),
        reason: Set(context.reason.clone()),
        detail: Set(entry.detail),
        ..Default::default()
    };
    audit::Entity::insert(row)
        .exec_without_returning(db)
        .await?;
    Ok(())
}

/// Returns a user's current username.
async fn load_username(db: &impl ConnectionTrait, id: UserId) -> Result<Option<String>> {
    Ok(user::Entity::find_by_id(id)
        .select_only()
        .column(user::Column::Username)
        .into_tuple()
        .one(db)
        .await?)
}
