//! Deleting an account.
//!
//! The row stays, since messages, receipts and the audit log name it: what it
//! said of the person goes. Their messages stay where they are, as those of
//! 'Deleted user'; the username is free for somebody else.

use std::collections::HashMap;

use entity::{ConversationId, conversation, participant};
use entity::{LoginId, UserId, connection, user};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait,
    IntoActiveModel, QueryFilter, QueryOrder, QuerySelect, Statement, Value,
};

use super::accounts::{ROWS_AT_A_TIME, held, leave_an_admin};
use super::audit::{Act, Deed, Entry, note};
use super::{Result, Store};
use crate::store::{
    AT_A_TIME, Change, connections, count, logins, names, notices, user_words, users,
};

/// The most connections that are ended in one transaction: each writes its own
/// row and that of a conversation.
const PARTED_AT_A_TIME: usize = ROWS_AT_A_TIME / 2;

/// What a deleted account is shown as.
const NOBODY: &str = "Deleted user";

/// An account that is no more.
#[derive(Debug)]
pub struct Deleted {
    /// As it is shown from now on.
    pub user: user::Model,
    pub ended: Vec<LoginId>,
    /// What ended between them and others.
    pub parted: Vec<Change>,
}

impl Store {
    /// Deletes an account. `username` takes the place of its own.
    ///
    /// The account is deactivated first. Then what it has is deleted, in
    /// transactions of at most 100 rows, and the row itself is emptied last. A
    /// deletion that fails in between is completed by the next one.
    ///
    /// # Errors
    /// `not_found`; `conflict` for the last admin.
    pub async fn delete_user(&self, id: UserId, username: String, act: &Act) -> Result<Deleted> {
        let ended = self.close_account(id, act).await?;
        self.judge_again(id).await?;
        for sql in FORGOTTEN {
            while self.forget_some(sql, id).await? {}
        }
        let mut parted = Vec::new();
        let user = loop {
            let tx = self.begin().await?;
            let some = part_some(&tx, id).await?;
            let is_all = some.len() < PARTED_AT_A_TIME;
            parted.extend(some);
            let user = match is_all {
                true => Some(empty(&tx, id, username.clone(), act).await?),
                false => None,
            };
            self.commit_of_people(tx).await?;
            if let Some(user) = user {
                break user;
            }
        };
        Ok(Deleted {
            parted: told(&self.reader, &user, &parted).await?,
            user,
            ended,
        })
    }

    /// Ends the logins of an account that is about to be deleted; from then on
    /// its user does nothing.
    async fn close_account(&self, id: UserId, act: &Act) -> Result<Vec<LoginId>> {
        let tx = self.begin().await?;
        leave_an_admin(&tx, id).await?;
        let row = held(&tx, id).await?;
        let ended = logins::end_all(&tx, id, act.at).await?;
        let name = row.username.clone();
        let deactivated_at = row.deactivated_at.or(Some(act.at));
        let mut active = row.into_active_model();
        active.deactivated_at = Set(deactivated_at);
        active.update(&tx).await?;
        note(&tx, act, Entry::new(Deed::DeleteUser, id).once(name)).await?;
        self.commit_of_people(tx).await?;
        Ok(ended)
    }

    /// Deletes or empties the next rows of one kind; false if there are no more.
    async fn forget_some(&self, sql: &str, id: UserId) -> Result<bool> {
        let values = [Value::from(id), count(ROWS_AT_A_TIME as u64)];
        let statement = Statement::from_sql_and_values(self.backend(), sql, values);
        let done = self.writer.execute_raw(statement).await?;
        Ok(done.rows_affected() == ROWS_AT_A_TIME as u64)
    }

    /// The groups that a person is in.
    pub async fn groups_of(&self, user: UserId) -> Result<Vec<ConversationId>> {
        Ok(participant::Entity::find()
            .inner_join(conversation::Entity)
            .select_only()
            .column(participant::Column::ConversationId)
            .filter(participant::Column::UserId.eq(user))
            .filter(participant::Column::LeftSeq.is_null())
            .filter(conversation::Column::Kind.eq(conversation::Kind::Group))
            .order_by_asc(participant::Column::ConversationId)
            .into_tuple()
            .all(&self.reader)
            .await?)
    }
}

/// Empties the row of an account.
async fn empty(
    tx: &impl ConnectionTrait,
    id: UserId,
    username: String,
    act: &Act,
) -> Result<user::Model> {
    let mut active = held(tx, id).await?.into_active_model();
    active.username_key = Set(username.to_ascii_lowercase());
    active.username_look = Set(None);
    active.username = Set(username);
    active.display_name = Set(NOBODY.to_owned());
    active.about = Set(String::new());
    // No password has this hash.
    active.password_hash = Set(String::new());
    active.is_admin = Set(false);
    active.notices = Set(notices::NONE.to_owned());
    active.deleted_at = Set(Some(act.at));
    let user = active.update(tx).await.map_err(users::taken)?;
    user_words::replace(tx, &user).await?;
    names::note_change(tx, user).await
}

/// Ends some of what they were to others, and closes what two of them wrote
/// in.
async fn part_some(tx: &impl ConnectionTrait, id: UserId) -> Result<Vec<connection::Model>> {
    let theirs = Condition::any()
        .add(connection::Column::LowId.eq(id))
        .add(connection::Column::HighId.eq(id));
    let rows = connection::Entity::find()
        .filter(theirs)
        .order_by_asc(connection::Column::Id)
        .limit(PARTED_AT_A_TIME as u64)
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

/// What ended, as each of the two sees it.
async fn told(
    tx: &impl ConnectionTrait,
    me: &user::Model,
    rows: &[connection::Model],
) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    for rows in rows.chunks(AT_A_TIME) {
        let others: HashMap<UserId, &connection::Model> = rows
            .iter()
            .map(|row| (connections::other(row, me.id), row))
            .collect();
        let people = user::Entity::find()
            .filter(user::Column::Id.is_in(others.keys().copied()))
            .all(tx)
            .await?;
        for them in people {
            if let Some(row) = others.get(&them.id) {
                changes.push(connections::gone(row, me, &them));
            }
        }
    }
    Ok(changes)
}

/// What is noted about a user beside their row, each by its next rows.
const FORGOTTEN: [&str; 9] = [
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
    // The rows stay a while, for other nodes to see that they ended.
    "UPDATE login SET device = '', address = '' WHERE id IN (SELECT id FROM login \
     WHERE user_id = $1 AND (device <> '' OR address <> '') LIMIT $2)",
    "UPDATE invite SET uses_left = 0 WHERE id IN \
     (SELECT id FROM invite WHERE created_by = $1 AND uses_left > 0 LIMIT $2)",
];
