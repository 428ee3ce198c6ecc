//! Deleting an account.
//!
//! The row stays, since messages, receipts and the audit log name it: what it
//! said of the person goes. Their messages stay where they are, as those of
//! 'Deleted user'; the username is free for somebody else.

use std::collections::HashMap;

use entity::{ConversationId, conversation, participant};
use entity::{LoginId, UserId, block, connection, invite, login, password_reset, user};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait,
    IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};

use super::accounts::{held, judge_again, leave_an_admin};
use super::audit::{Act, Deed, Entry, note};
use super::{Result, Store};
use crate::store::{AT_A_TIME, Change, connections, logins, notices, user_words, users};

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
    /// # Errors
    /// `not_found`; `conflict` for the last admin.
    pub async fn delete_user(&self, id: UserId, username: String, act: &Act) -> Result<Deleted> {
        let tx = self.begin().await?;
        leave_an_admin(&tx, id).await?;
        let row = held(&tx, id).await?;
        let ended = logins::end_all(&tx, id, act.at).await?;
        let rows = part(&tx, id).await?;
        forget(&tx, id).await?;
        judge_again(&tx, id).await?;
        let name = row.username.clone();
        let deactivated_at = row.deactivated_at.or(Some(act.at));
        let mut active = row.into_active_model();
        active.username_key = Set(username.to_ascii_lowercase());
        active.username_look = Set(None);
        active.username = Set(username);
        active.display_name = Set(NOBODY.to_owned());
        active.about = Set(String::new());
        // No password has this hash.
        active.password_hash = Set(String::new());
        active.is_admin = Set(false);
        active.notices = Set(notices::NONE.to_owned());
        active.deactivated_at = Set(deactivated_at);
        active.deleted_at = Set(Some(act.at));
        let user = active.update(&tx).await.map_err(users::taken)?;
        user_words::replace(&tx, &user).await?;
        note(&tx, act, Entry::new(Deed::DeleteUser, id).once(name)).await?;
        let parted = told(&tx, &user, &rows).await?;
        self.commit_of_people(tx).await?;
        Ok(Deleted {
            user,
            ended,
            parted,
        })
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

/// Ends what they were to others, and closes what two of them wrote in.
async fn part(tx: &impl ConnectionTrait, id: UserId) -> Result<Vec<connection::Model>> {
    let theirs = Condition::any()
        .add(connection::Column::LowId.eq(id))
        .add(connection::Column::HighId.eq(id));
    let rows = connection::Entity::find()
        .filter(theirs.clone())
        .order_by_asc(connection::Column::Id)
        .lock_exclusive()
        .all(tx)
        .await?;
    for row in &rows {
        connections::set_open(tx, row, false).await?;
    }
    connection::Entity::delete_many()
        .filter(theirs)
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

/// What was noted about them beside their row.
async fn forget(tx: &impl ConnectionTrait, id: UserId) -> Result<()> {
    let blocks = Condition::any()
        .add(block::Column::BlockerId.eq(id))
        .add(block::Column::BlockedId.eq(id));
    block::Entity::delete_many().filter(blocks).exec(tx).await?;
    connections::forget_pauses(tx, id).await?;
    password_reset::Entity::delete_many()
        .filter(password_reset::Column::UserId.eq(id))
        .exec(tx)
        .await?;
    // The rows stay a while, for other nodes to see that they ended.
    login::Entity::update_many()
        .col_expr(login::Column::Device, "".into())
        .col_expr(login::Column::Address, "".into())
        .filter(login::Column::UserId.eq(id))
        .exec(tx)
        .await?;
    invite::Entity::update_many()
        .col_expr(invite::Column::UsesLeft, 0.into())
        .filter(invite::Column::CreatedBy.eq(id))
        .exec(tx)
        .await?;
    Ok(())
}
