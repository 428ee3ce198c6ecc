//! Deleting an account.
//!
//! The row stays, because messages, receipts and the audit log refer to it, but
//! its personal data is erased. The messages stay, with the sender 'Deleted
//! user'. The username becomes free.

use std::collections::HashMap;

use entity::{ConversationId, conversation, participant};
use entity::{LoginId, UserId, connection, user};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait,
    IntoActiveModel, QueryFilter, QueryOrder, QuerySelect, Statement, Value,
};

use super::accounts::{AccountRepository, ROWS_PER_TRANSACTION, lock_user, require_other_admin};
use crate::store::audit::{AuditAction, AuditContext, AuditEntry, insert_audit};
use crate::store::connections::ConnectionChange;
use crate::store::db::{ROWS_PER_STATEMENT, Result, limit_value};
use crate::store::users::{notices, search};
use crate::store::{connections, logins, name_changes, users};

/// The maximum number of connections that end in one transaction. Each ended
/// connection writes its own row and that of a conversation.
const CONNECTIONS_PER_TRANSACTION: usize = ROWS_PER_TRANSACTION / 2;

/// The display name of deleted accounts.
const DELETED_USER_NAME: &str = "Deleted user";

/// The result of deleting an account.
#[derive(Debug)]
pub struct DeletedAccount {
    /// The user's row, without personal data.
    pub user: user::Model,
    pub ended_logins: Vec<LoginId>,
    /// The ended connections, as each side sees them.
    pub connection_changes: Vec<ConnectionChange>,
}

impl AccountRepository<'_> {
    /// Deletes an account and gives its row the name `username`.
    ///
    /// The account is deactivated first. Then its rows are deleted in
    /// transactions of at most 100 rows, and its own row is emptied last. A
    /// deletion that fails in between is completed by the next one.
    ///
    /// # Errors
    /// `not_found`; `conflict` for the last admin.
    pub async fn delete(
        self,
        id: UserId,
        username: String,
        context: &AuditContext,
    ) -> Result<DeletedAccount> {
        let ended = self.close_account(id, context).await?;
        self.raise_members_versions(id).await?;
        for sql in DELETION_STATEMENTS {
            while self.delete_next_rows(sql, id).await? {}
        }
        let mut parted = Vec::new();
        let user = loop {
            let tx = self.db.begin().await?;
            let some = end_next_connections(&tx, id).await?;
            let is_all = some.len() < CONNECTIONS_PER_TRANSACTION;
            parted.extend(some);
            let user = if is_all {
                Some(clear_account_row(&tx, id, username.clone(), context).await?)
            } else {
                None
            };
            self.logins.commit_change(tx).await?;
            if let Some(user) = user {
                break user;
            }
        };
        Ok(DeletedAccount {
            connection_changes: connection_changes(self.db.reader(), &user, &parted).await?,
            user,
            ended_logins: ended,
        })
    }

    /// Deactivates an account that is about to be deleted, and returns its
    /// ended logins. From then on the user can do nothing.
    async fn close_account(self, id: UserId, context: &AuditContext) -> Result<Vec<LoginId>> {
        let tx = self.db.begin().await?;
        require_other_admin(&tx, id).await?;
        let row = lock_user(&tx, id).await?;
        let ended = logins::end_all_logins(&tx, id, context.at).await?;
        let name = row.username.clone();
        let deactivated_at = row.deactivated_at.or(Some(context.at));
        let mut active = row.into_active_model();
        active.deactivated_at = Set(deactivated_at);
        active.update(&tx).await?;
        insert_audit(
            &tx,
            context,
            AuditEntry::new(AuditAction::DeleteUser, id).with_former_name(name),
        )
        .await?;
        self.logins.commit_change(tx).await?;
        Ok(ended)
    }

    /// Runs one deletion statement for the next rows; false if there are no
    /// more.
    async fn delete_next_rows(self, sql: &str, id: UserId) -> Result<bool> {
        let values = [Value::from(id), limit_value(ROWS_PER_TRANSACTION as u64)];
        let statement = Statement::from_sql_and_values(self.db.backend(), sql, values);
        let done = self.db.writer().execute_raw(statement).await?;
        Ok(done.rows_affected() == ROWS_PER_TRANSACTION as u64)
    }

    /// Returns the groups that a user is in.
    pub async fn list_group_ids(self, user: UserId) -> Result<Vec<ConversationId>> {
        Ok(participant::Entity::find()
            .inner_join(conversation::Entity)
            .select_only()
            .column(participant::Column::ConversationId)
            .filter(participant::Column::UserId.eq(user))
            .filter(participant::Column::LeftSeq.is_null())
            .filter(conversation::Column::Kind.eq(conversation::ConversationKind::Group))
            .order_by_asc(participant::Column::ConversationId)
            .into_tuple()
            .all(self.db.reader())
            .await?)
    }
}

/// Erases the personal data in the row of an account.
async fn clear_account_row(
    tx: &impl ConnectionTrait,
    id: UserId,
    username: String,
    context: &AuditContext,
) -> Result<user::Model> {
    let mut active = lock_user(tx, id).await?.into_active_model();
    active.username_key = Set(username.to_ascii_lowercase());
    active.username_look = Set(None);
    active.username = Set(username);
    active.display_name = Set(DELETED_USER_NAME.to_owned());
    active.about = Set(String::new());
    // No password verifies against an empty hash.
    active.password_hash = Set(String::new());
    active.is_admin = Set(false);
    active.notices = Set(notices::NO_NOTICES.to_owned());
    active.deleted_at = Set(Some(context.at));
    let user = active.update(tx).await.map_err(users::username_conflict)?;
    search::replace_user_words(tx, &user).await?;
    name_changes::record_name_change(tx, user).await
}

/// Deletes some of the user's connections and closes their direct
/// conversations.
async fn end_next_connections(
    tx: &impl ConnectionTrait,
    id: UserId,
) -> Result<Vec<connection::Model>> {
    let theirs = Condition::any()
        .add(connection::Column::LowId.eq(id))
        .add(connection::Column::HighId.eq(id));
    let rows = connection::Entity::find()
        .filter(theirs)
        .order_by_asc(connection::Column::Id)
        .limit(CONNECTIONS_PER_TRANSACTION as u64)
        .lock_exclusive()
        .all(tx)
        .await?;
    for row in &rows {
        connections::set_open(tx, row, false).await?;
    }
    connection::Entity::delete_many()
        .filter(connection::Column::Id.is_in(rows.iter().map(|row| row.id)))
        .exec(tx)
        .await?;
    Ok(rows)
}

/// Returns the ended connections, as each side sees them.
async fn connection_changes(
    tx: &impl ConnectionTrait,
    me: &user::Model,
    rows: &[connection::Model],
) -> Result<Vec<ConnectionChange>> {
    let mut changes = Vec::new();
    for rows in rows.chunks(ROWS_PER_STATEMENT) {
        let others: HashMap<UserId, &connection::Model> = rows
            .iter()
            .map(|row| (connections::other_user(row, me.id), row))
            .collect();
        let people = user::Entity::find()
            .filter(user::Column::Id.is_in(others.keys().copied()))
            .all(tx)
            .await?;
        for them in people {
            if let Some(row) = others.get(&them.id) {
                changes.push(connections::removed_connection_change(row, me, &them));
            }
        }
    }
    Ok(changes)
}

/// Statements that erase a user's data in other tables, at most `$2` rows per
/// run.
const DELETION_STATEMENTS: [&str; 9] = [
    "DELETE FROM block WHERE blocker_id = $1 AND blocked_id IN \
     (SELECT blocked_id FROM block WHERE blocker_id = $1 LIMIT $2)",
    "DELETE FROM block WHERE blocked_id = $1 AND blocker_id IN \
     (SELECT blocker_id FROM block WHERE blocked_id = $1 LIMIT $2)",
    "DELETE FROM request_pause WHERE requester_id = $1 AND recipient_id IN \
     (SELECT recipient_id FROM request_pause WHERE requester_id = $1 LIMIT $2)",
    "DELETE FROM request_pause WHERE recipient_id = $1 AND requester_id IN \
     (SELECT requester_id FROM request_pause WHERE recipient_id = $1 LIMIT $2)",
    "DELETE FROM password_reset WHERE token_hash IN \
     (SELECT token_hash FROM password_reset WHERE user_id = $1 LIMIT $2)",
    "DELETE FROM group_invitation WHERE id IN \
     (SELECT id FROM group_invitation WHERE user_id = $1 LIMIT $2)",
    "DELETE FROM group_invitation WHERE id IN \
     (SELECT id FROM group_invitation WHERE inviter_id = $1 LIMIT $2)",
    // The login rows stay for a while, so that other nodes notice that the
    // logins ended.
    "UPDATE login SET device = '', address = '' WHERE id IN (SELECT id FROM login \
     WHERE user_id = $1 AND (device <> '' OR address <> '') LIMIT $2)",
    "UPDATE invite SET uses_left = 0 WHERE id IN \
     (SELECT id FROM invite WHERE created_by = $1 AND uses_left > 0 LIMIT $2)",
];
