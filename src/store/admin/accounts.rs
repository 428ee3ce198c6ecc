//! Acts on others' accounts. The last admin stays one: somebody has to keep
//! the house.

use entity::{ConversationId, LoginId, UserId, conversation, login, participant, user};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
    sea_query::{Expr, LockType},
};

use super::audit::{Act, Deed, Entry, note};
use super::{Result, Store, StoreError};
use crate::protocol::user::NoticeCause;
use crate::protocol::{Code, DisplayName, Username};
use crate::store::{NewUser, logins, user_words, users};
use crate::store::{names, notices};

/// The most rows that an act on an account writes in one transaction: other
/// writes get in between two of them.
pub(super) const ROWS_AT_A_TIME: usize = 100;

/// Whether somebody keeps the house.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Admin,
    Member,
}

impl Store {
    /// Opens an account for somebody.
    ///
    /// # Errors
    /// `username_taken`, compared without case.
    pub async fn admit(&self, new: NewUser, act: &Act) -> Result<user::Model> {
        let tx = self.begin().await?;
        let is_admin = new.is_admin;
        let user = users::insert(&tx, new, act.at).await?;
        note(&tx, act, Entry::new(Deed::CreateUser, user.id)).await?;
        if is_admin {
            note(&tx, act, Entry::new(Deed::Promote, user.id)).await?;
        }
        tx.commit().await?;
        Ok(user)
    }

    /// Changes what somebody is called, and found by.
    ///
    /// # Errors
    /// `not_found`; `username_taken`.
    pub async fn rename(
        &self,
        id: UserId,
        (username, display_name): (Username, DisplayName),
        act: &Act,
    ) -> Result<user::Model> {
        let tx = self.begin().await?;
        let row = held(&tx, id).await?;
        let mut active = row.clone().into_active_model();
        if row.username != username.as_str() {
            active.username_look = Set(Some(username.look()));
        }
        active.username_key = Set(username.key());
        active.username = Set(username.as_str().to_owned());
        active.display_name = Set(display_name.into_inner());
        let changed = active.update(&tx).await.map_err(users::taken)?;
        if changed == row {
            return Ok(row);
        }
        user_words::replace(&tx, &changed).await?;
        let called = |user: &user::Model| format!("@{} “{}”", user.username, user.display_name);
        let detail = format!("from {} to {}", called(&row), called(&changed));
        let entry = Entry::new(Deed::RenameUser, id).once(row.username);
        note(&tx, act, entry.with(detail)).await?;
        let changed = names::note_change(&tx, changed).await?;
        self.commit_of_people(tx).await?;
        Ok(changed)
    }

    /// Makes a person an admin, or no longer one.
    ///
    /// # Errors
    /// `not_found`; `conflict` for the last admin.
    pub async fn set_standing(&self, id: UserId, standing: Standing, act: &Act) -> Result<()> {
        let tx = self.begin().await?;
        let is_admin = standing == Standing::Admin;
        if !is_admin {
            leave_an_admin(&tx, id).await?;
        }
        let row = held(&tx, id).await?;
        if row.is_admin == is_admin {
            return Ok(());
        }
        let mut active = row.into_active_model();
        active.is_admin = Set(is_admin);
        active.update(&tx).await?;
        let deed = if is_admin {
            Deed::Promote
        } else {
            Deed::Demote
        };
        note(&tx, act, Entry::new(deed, id)).await?;
        self.commit_of_people(tx).await
    }

    /// Switches an account off: its logins end, which are answered, and what
    /// it has under way in any conversation is judged again.
    ///
    /// # Errors
    /// `not_found`; `conflict` for the last admin.
    pub async fn deactivate(&self, id: UserId, act: &Act) -> Result<Vec<LoginId>> {
        let tx = self.begin().await?;
        leave_an_admin(&tx, id).await?;
        let row = held(&tx, id).await?;
        if row.deactivated_at.is_some() {
            drop(tx);
            self.judge_again(id).await?;
            return Ok(Vec::new());
        }
        let mut active = row.into_active_model();
        active.deactivated_at = Set(Some(act.at));
        active.update(&tx).await?;
        let ended = logins::end_all(&tx, id, act.at).await?;
        note(&tx, act, Entry::new(Deed::Deactivate, id)).await?;
        self.commit_of_people(tx).await?;
        self.judge_again(id).await?;
        Ok(ended)
    }

    /// Switches an account on again.
    ///
    /// # Errors
    /// `not_found`, also where it was deleted.
    pub async fn reactivate(&self, id: UserId, act: &Act) -> Result<()> {
        let tx = self.begin().await?;
        let row = held(&tx, id).await?;
        if row.deactivated_at.is_none() {
            drop(tx);
            return self.judge_again(id).await;
        }
        let mut active = row.into_active_model();
        active.deactivated_at = Set(None);
        active.update(&tx).await?;
        note(&tx, act, Entry::new(Deed::Reactivate, id)).await?;
        self.commit_of_people(tx).await?;
        self.judge_again(id).await
    }

    /// What a user has under way in any conversation is judged again. The act
    /// that needs this is committed before and isn't answered until this is
    /// done. Repeating the act completes what a failure cut off.
    pub(super) async fn judge_again(&self, user: UserId) -> Result<()> {
        let mut after = ConversationId(0);
        loop {
            let tx = self.begin().await?;
            let judged = judge_some_again(&tx, user, after).await?;
            tx.commit().await?;
            match judged.last() {
                Some(last) if judged.len() == ROWS_AT_A_TIME => after = *last,
                _ => return Ok(()),
            }
        }
    }

    /// Ends one of a person's logins.
    ///
    /// # Errors
    /// `not_found` where they have none with that id that holds.
    pub async fn revoke_login(&self, user: UserId, id: LoginId, act: &Act) -> Result<()> {
        let tx = self.begin().await?;
        let done = login::Entity::update_many()
            .col_expr(login::Column::EndedAt, act.at.into())
            .filter(login::Column::Id.eq(id))
            .filter(login::Column::UserId.eq(user))
            .filter(logins::holds(act.at))
            .exec(&tx)
            .await?;
        if done.rows_affected == 0 {
            return Err(StoreError::not_found());
        }
        let entry = Entry::new(Deed::EndLogin, user).with(format!("login {id}"));
        note(&tx, act, entry).await?;
        self.commit_of_people(tx).await
    }

    /// Ends all of a person's logins, which are answered.
    ///
    /// # Errors
    /// `not_found`, also where the account was deleted.
    pub async fn revoke_logins(&self, user: UserId, act: &Act) -> Result<Vec<LoginId>> {
        let tx = self.begin().await?;
        held(&tx, user).await?;
        let ended = logins::end_all(&tx, user, act.at).await?;
        let entry = Entry::new(Deed::EndLogin, user).with("every login");
        note(&tx, act, entry).await?;
        self.commit_of_people(tx).await?;
        Ok(ended)
    }

    /// Sets a password and ends every login made with the old one.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn reset_password(&self, id: UserId, hash: String, act: &Act) -> Result<()> {
        let tx = self.begin().await?;
        let mut active = held(&tx, id).await?.into_active_model();
        active.password_hash = Set(hash);
        active.update(&tx).await?;
        logins::end_all(&tx, id, act.at).await?;
        let notice = notices::notice(NoticeCause::PasswordSet, act.at, &act.address);
        notices::add(&tx, id, notice).await?;
        note(&tx, act, Entry::new(Deed::SetPassword, id)).await?;
        self.commit_of_people(tx).await
    }
}

/// An account that is there, and stays as it is until the transaction ends.
pub(super) async fn held(tx: &impl ConnectionTrait, id: UserId) -> Result<user::Model> {
    user::Entity::find_by_id(id)
        .filter(user::Column::DeletedAt.is_null())
        .lock(LockType::NoKeyUpdate)
        .one(tx)
        .await?
        .ok_or_else(StoreError::not_found)
}

/// Refuses what would leave nobody to keep the house. All admins are held
/// first of all and in one order, so that two who go at once can't both be
/// told that the other stays.
pub(super) async fn leave_an_admin(tx: &impl ConnectionTrait, id: UserId) -> Result<()> {
    let admins: Vec<UserId> = user::Entity::find()
        .select_only()
        .column(user::Column::Id)
        .filter(Expr::col(user::Column::IsAdmin))
        .filter(user::Column::DeactivatedAt.is_null())
        // From the first name on: that reads the index of admins, and no more.
        .filter(user::Column::UsernameKey.gt(""))
        .order_by_asc(user::Column::UsernameKey)
        .lock(LockType::NoKeyUpdate)
        .into_tuple()
        .all(tx)
        .await?;
    if admins == [id] {
        return Err(StoreError::refused(
            Code::Conflict,
            "This is the last admin: make somebody else one first.",
        ));
    }
    Ok(())
}

/// Raises the `members_version` of a user's next conversations: which these
/// are.
async fn judge_some_again(
    tx: &impl ConnectionTrait,
    user: UserId,
    after: ConversationId,
) -> Result<Vec<ConversationId>> {
    let theirs: Vec<ConversationId> = participant::Entity::find()
        .select_only()
        .column(participant::Column::ConversationId)
        .filter(participant::Column::UserId.eq(user))
        .filter(participant::Column::ConversationId.gt(after))
        .filter(participant::Column::LeftSeq.is_null())
        .order_by_asc(participant::Column::ConversationId)
        .limit(ROWS_AT_A_TIME as u64)
        .into_tuple()
        .all(tx)
        .await?;
    if theirs.is_empty() {
        return Ok(theirs);
    }
    let raised = Expr::col(conversation::Column::MembersVersion).add(1);
    conversation::Entity::update_many()
        .col_expr(conversation::Column::MembersVersion, raised)
        .filter(conversation::Column::Id.is_in(theirs.iter().copied()))
        .exec(tx)
        .await?;
    Ok(theirs)
}
