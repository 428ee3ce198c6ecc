//! The audit log: written with what it tells of, read by admins, and never
//! changed. Nothing here changes or deletes a line.
//!
//! A line keeps what people were called then, so that it says who it was also
//! after they were renamed or deleted.

use std::fmt;

use entity::{AuditId, ConversationId, Millis, UserId, audit, user};
use sea_orm::{
    ActiveValue::Set, ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, QuerySelect,
    Statement, Value,
};

use super::{Result, Store, count};

/// Who does something as an admin, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// None at the command line.
    pub by: Option<UserId>,
    pub at: Millis,
    pub address: String,
    /// Why, where they said so.
    pub reason: Option<String>,
}

impl Act {
    /// At the command line of the machine itself.
    #[must_use]
    pub fn at_the_command_line(at: Millis) -> Self {
        Self {
            by: None,
            at,
            address: "command line".to_owned(),
            reason: None,
        }
    }
}

macro_rules! deeds {
    ($($(#[$doc:meta])* $deed:ident = $name:literal,)*) => {
        /// What admins do, by the names that stand in the log.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Deed {
            $($(#[$doc])* $deed,)*
        }

        impl Deed {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$deed,)*];

            /// As it stands in the log.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$deed => $name,)*
                }
            }
        }
    };
}

deeds! {
    /// Opened an account.
    CreateUser = "user.create",
    /// Changed what somebody is called.
    RenameUser = "user.rename",
    /// Made somebody an admin.
    Promote = "user.promote",
    /// Made somebody an admin no longer.
    Demote = "user.demote",
    /// Switched an account off.
    Deactivate = "user.deactivate",
    /// Switched it on again.
    Reactivate = "user.reactivate",
    /// Ended one of somebody's logins, or all.
    EndLogin = "user.end_login",
    /// Made a link by which somebody chooses a password.
    OfferReset = "user.reset_link",
    /// Chose a password by such a link.
    UseReset = "user.reset_used",
    /// Set somebody's password.
    SetPassword = "user.set_password",
    /// Deleted an account.
    DeleteUser = "user.delete",
    /// Read the messages of a conversation.
    ReadMessages = "conversation.read",
    /// Withdrew a message.
    WithdrawMessage = "conversation.withdraw",
    /// Closed a group.
    CloseGroup = "conversation.close",
    /// Read the messages around a reported one.
    ReadReport = "report.read",
    /// Was done with a report.
    FinishReport = "report.done",
    /// Made an invitation.
    CreateInvite = "invite.create",
    /// Downloaded the log.
    DownloadAudit = "audit.download",
}

/// What something was done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    User(UserId),
    Conversation(ConversationId),
    /// An invitation, which has no name to be told by.
    Invite(i64),
    /// The log itself.
    Audit,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "user:{id}"),
            Self::Conversation(id) => write!(f, "conversation:{id}"),
            Self::Invite(id) => write!(f, "invite:{id}"),
            Self::Audit => f.write_str("audit"),
        }
    }
}

/// One thing done, as the log has it.
#[derive(Clone, Debug)]
pub struct Entry {
    deed: Deed,
    target: Target,
    /// Of who is called something else by the end of the change.
    name: Option<String>,
    detail: Option<String>,
}

impl Entry {
    #[must_use]
    pub fn new(deed: Deed, target: impl Into<Target>) -> Self {
        Self {
            deed,
            target: target.into(),
            name: None,
            detail: None,
        }
    }

    /// The same, of somebody who was called this before the change.
    #[must_use]
    pub(super) fn once(self, name: impl Into<String>) -> Self {
        Self {
            name: Some(name.into()),
            ..self
        }
    }

    /// The same, and what there is to add.
    #[must_use]
    pub fn with(self, detail: impl Into<String>) -> Self {
        Self {
            detail: Some(detail.into()),
            ..self
        }
    }
}

/// A line of the log, with the names as they were then.
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

/// Somebody in the log: by what they were called then, or whatever they were
/// called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Called {
    Name(String),
    User(UserId),
}

/// Which lines are asked for; what isn't said is any.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    pub actor: Option<Called>,
    pub deed: Option<Deed>,
    /// As it stands in the log (see [`Target`]).
    pub target: Option<String>,
    /// Somebody to whom it was done, by what they were called then.
    pub target_name: Option<String>,
    /// This moment and later.
    pub from: Option<Millis>,
    /// Before this moment.
    pub until: Option<Millis>,
}

/// A place in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditPlace {
    pub at: Millis,
    pub id: AuditId,
}

impl From<&AuditLine> for AuditPlace {
    fn from(line: &AuditLine) -> Self {
        Self {
            at: line.at,
            id: line.id,
        }
    }
}

impl AuditFilter {
    /// What holds for the lines before a place.
    fn conditions(&self, before: Option<AuditPlace>, backend: DbBackend) -> (String, Vec<Value>) {
        let last = self.until.map_or(i64::MAX, |until| until.0 - 1);
        let (at, id) = before.map_or((i64::MAX, i64::MAX), |it| (it.at.0, it.id.0));
        // From one moment of the index to another, whatever else is asked for;
        // of the lines of the last one's moment those before it.
        let mut values: Vec<Value> = vec![at.min(last).into(), at.into(), id.into()];
        let mut conditions = "a.at <= $1 AND (a.at < $2 OR a.id < $3)".to_owned();
        let mut add = |condition: String, value: Option<Value>| {
            if let Some(value) = value {
                values.push(value);
                conditions += &format!(" AND {condition} ${}", values.len());
            }
        };
        // As the indexes have them.
        let folded = |column: &str| match backend {
            DbBackend::Sqlite => format!("lower(a.{column}) ="),
            _ => format!("lower(a.{column} COLLATE \"C\") ="),
        };
        let lower = |name: &String| Value::from(name.to_ascii_lowercase());
        match &self.actor {
            Some(Called::User(id)) => add("a.actor_id =".to_owned(), Some((*id).into())),
            Some(Called::Name(name)) => add(folded("actor_name"), Some(lower(name))),
            None => {}
        }
        add(
            "a.action =".to_owned(),
            self.deed.map(|deed| deed.name().into()),
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

impl Store {
    /// Writes down something that is no change of the database.
    pub async fn note(&self, act: &Act, entry: Entry) -> Result<()> {
        note(&self.writer, act, entry).await
    }

    /// A page of the log, newest first, from before `before` on.
    pub async fn audit(
        &self,
        filter: &AuditFilter,
        before: Option<AuditPlace>,
        limit: u64,
    ) -> Result<Vec<AuditLine>> {
        let (conditions, mut values) = filter.conditions(before, self.backend());
        values.push(count(limit));
        let sql = format!(
            "SELECT a.id, a.at, a.actor_id, a.actor_name, a.action, a.target, a.target_name, \
             a.address, a.reason, a.detail FROM audit a WHERE {conditions} \
             ORDER BY a.at DESC, a.id DESC LIMIT ${}",
            values.len()
        );
        let statement = Statement::from_sql_and_values(self.backend(), sql, values);
        Ok(AuditLine::find_by_statement(statement)
            .all(&self.reader)
            .await?)
    }
}

/// Writes down what was done, as part of the change itself.
pub(in crate::store) async fn note(
    db: &impl ConnectionTrait,
    act: &Act,
    entry: Entry,
) -> Result<()> {
    let target_name = match (entry.name, entry.target) {
        (None, Target::User(id)) => called(db, id).await?,
        (name, _) => name,
    };
    let actor_name = match act.by {
        Some(id) => called(db, id).await?,
        None => None,
    };
    let row = audit::ActiveModel {
        at: Set(act.at),
        actor_id: Set(act.by),
        actor_name: Set(actor_name),
        action: Set(entry.deed.name().to_owned()),
        target: Set(entry.target.to_string()),
        target_name: Set(target_name),
        address: Set(act.address.clone()),
        reason: Set(act.reason.clone()),
        detail: Set(entry.detail),
        ..Default::default()
    };
    audit::Entity::insert(row)
        .exec_without_returning(db)
        .await?;
    Ok(())
}

/// What somebody is called at this moment.
async fn called(db: &impl ConnectionTrait, id: UserId) -> Result<Option<String>> {
    Ok(user::Entity::find_by_id(id)
        .select_only()
        .column(user::Column::Username)
        .into_tuple()
        .one(db)
        .await?)
}
