//! Admin actions on accounts. There is always at least one admin.

use entity::{ConversationId, LoginId, UserId, conversation, login, participant, user};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
    sea_query::{Expr, LockType},
};

use crate::protocol::user::NoticeCause;
use crate::protocol::{DisplayName, ErrorCode, Username};
use crate::store::audit::{AuditAction, AuditContext, AuditEntry, insert_audit};
use crate::store::db::{Db, Result, StoreError};
use crate::store::logins::LoginCache;
use crate::store::users::NewUser;
use crate::store::users::{notices, search};
use crate::store::{logins, name_changes, users};

/// The maximum number of rows that an action on an account writes in one
/// transaction, so that other writes can run in between.
pub(super) const ROWS_PER_TRANSACTION: usize = 100;

/// Whether a user has admin rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountRole {
    Admin,
    Member,
}

/// The accounts, as admins list and change them.
#[derive(Clone, Copy)]
pub struct AccountRepository<'a> {
    pub(super) db: &'a Db,
    pub(super) logins: &'a LoginCache,
}

impl<'a> AccountRepository<'a> {
    /// Creates a repository on these connections. Changes of accounts
    /// invalidate the cached logins.
    pub(in crate::store) fn new(db: &'a Db, logins: &'a LoginCache) -> Self {
        Self { db, logins }
    }
}

impl AccountRepository<'_> {
    /// Creates an account.
    ///
    /// # Errors
    /// `username_taken`, compared case-insensitively.
    pub async fn create(self, new: NewUser, context: &AuditContext) -> Result<user::Model> {
        let tx = self.db.begin().await?;
        let is_admin = new.is_admin;
        let user = users::insert_user(&tx, new, context.at).await?;
        insert_audit(
            &tx,
            context,
            AuditEntry::new(AuditAction::CreateUser, user.id),
        )
        .await?;
        if is_admin {
            insert_audit(&tx, context, AuditEntry::new(AuditAction::Promote, user.id)).await?;
        }
        tx.commit().await?;
        Ok(user)
    }

    /// Changes a user's username and display name.
    ///
    /// # Errors
    /// `not_found`; `username_taken`.
    pub async fn rename(
        self,
        id: UserId,
        username: Username,
        display_name: DisplayName,
        context: &AuditContext,
    ) -> Result<user::Model> {
        let tx = self.db.begin().await?;
        let row = lock_user(&tx, id).await?;
        let mut active = row.clone().into_active_model();
        if row.username != username.as_str() {
            active.username_look = Set(Some(username.look()));
        }
        active.username_key = Set(username.key());
        active.username = Set(username.as_str().to_owned());
        active.display_name = Set(display_name.into_inner());
        let changed = active.update(&tx).await.map_err(users::username_conflict)?;
        if changed == row {
            return Ok(row);
        }
        search::replace_user_words(&tx, &changed).await?;
        let called = |user: &user::Model| format!("@{} “{}”", user.username, user.display_name);
        let detail = format!("from {} to {}", called(&row), called(&changed));
        let entry = AuditEntry::new(AuditAction::RenameUser, id).with_former_name(row.username);
        insert_audit(&tx, context, entry.with_detail(detail)).await?;
        let changed = name_changes::record_name_change(&tx, changed).await?;
        self.logins.commit_change(tx).await?;
        Ok(changed)
    }

    /// Grants or removes admin rights.
    ///
    /// # Errors
    /// `not_found`; `conflict` for the last admin.
    pub async fn set_role(
        self,
        id: UserId,
        standing: AccountRole,
        context: &AuditContext,
    ) -> Result<()> {
        let tx = self.db.begin().await?;
        let is_admin = standing == AccountRole::Admin;
        if !is_admin {
            require_other_admin(&tx, id).await?;
        }
        let row = lock_user(&tx, id).await?;
        if row.is_admin == is_admin {
            return Ok(());
        }
        let mut active = row.into_active_model();
        active.is_admin = Set(is_admin);
        active.update(&tx).await?;
        let deed = if is_admin {
            AuditAction::Promote
        } else {
            AuditAction::Demote
        };
        insert_audit(&tx, context, AuditEntry::new(deed, id)).await?;
        self.logins.commit_change(tx).await
    }

    /// Deactivates an account and returns the ended logins. Rooms check the
    /// user's pending commands again, in all conversations.
    ///
    /// # Errors
    /// `not_found`; `conflict` for the last admin.
    pub async fn deactivate(self, id: UserId, context: &AuditContext) -> Result<Vec<LoginId>> {
        let tx = self.db.begin().await?;
        require_other_admin(&tx, id).await?;
        let row = lock_user(&tx, id).await?;
        if row.deactivated_at.is_some() {
            drop(tx);
            self.raise_members_versions(id).await?;
            return Ok(Vec::new());
        }
        let mut active = row.into_active_model();
        active.deactivated_at = Set(Some(context.at));
        active.update(&tx).await?;
        let ended = logins::end_all_logins(&tx, id, context.at).await?;
        insert_audit(&tx, context, AuditEntry::new(AuditAction::Deactivate, id)).await?;
        self.logins.commit_change(tx).await?;
        self.raise_members_versions(id).await?;
        Ok(ended)
    }

    /// Reactivates an account.
    ///
    /// # Errors
    /// `not_found`, also for a deleted account.
    pub async fn reactivate(self, id: UserId, context: &AuditContext) -> Result<()> {
        let tx = self.db.begin().await?;
        let row = lock_user(&tx, id).await?;
        if row.deactivated_at.is_none() {
            drop(tx);
            return self.raise_members_versions(id).await;
        }
        let mut active = row.into_active_model();
        active.deactivated_at = Set(None);
        active.update(&tx).await?;
        insert_audit(&tx, context, AuditEntry::new(AuditAction::Reactivate, id)).await?;
        self.logins.commit_change(tx).await?;
        self.raise_members_versions(id).await
    }

    /// Makes the Rooms of all the user's conversations check the user's pending
    /// commands again. The caller commits the admin action first, and answers
    /// it only afterwards. If this function fails halfway, repeating the admin
    /// action completes it.
    pub(super) async fn raise_members_versions(self, user: UserId) -> Result<()> {
        let mut after = ConversationId(0);
        loop {
            let tx = self.db.begin().await?;
            let judged = raise_next_members_versions(&tx, user, after).await?;
            tx.commit().await?;
            match judged.last() {
                Some(last) if judged.len() == ROWS_PER_TRANSACTION => after = *last,
                _ => return Ok(()),
            }
        }
    }

    /// Ends one of a user's logins.
    ///
    /// # Errors
    /// `not_found` if the user has no live login with that id.
    pub async fn revoke_login(
        self,
        user: UserId,
        id: LoginId,
        context: &AuditContext,
    ) -> Result<()> {
        let tx = self.db.begin().await?;
        let done = login::Entity::update_many()
            .col_expr(login::Column::EndedAt, context.at.into())
            .filter(login::Column::Id.eq(id))
            .filter(login::Column::UserId.eq(user))
            .filter(logins::is_live(context.at))
            .exec(&tx)
            .await?;
        if done.rows_affected == 0 {
            return Err(StoreError::not_found());
        }
        let entry = AuditEntry::new(AuditAction::EndLogin, user).with_detail(format!("login {id}"));
        insert_audit(&tx, context, entry).await?;
        self.logins.commit_change(tx).await
    }

    /// Ends all of a user's logins and returns them.
    ///
    /// # Errors
    /// `not_found`, also for a deleted account.
    pub async fn revoke_logins(self, user: UserId, context: &AuditContext) -> Result<Vec<LoginId>> {
        let tx = self.db.begin().await?;
        lock_user(&tx, user).await?;
        let ended = logins::end_all_logins(&tx, user, context.at).await?;
        let entry = AuditEntry::new(AuditAction::EndLogin, user).with_detail("every login");
        insert_audit(&tx, context, entry).await?;
        self.logins.commit_change(tx).await?;
        Ok(ended)
    }

    /// Sets a password and ends every login of the account.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn reset_password(
        self,
        id: UserId,
        hash: String,
        context: &AuditContext,
    ) -> Result<()> {
        let tx = self.db.begin().await?;
        let mut active = lock_user(&tx, id).await?.into_active_model();
        active.password_hash = Set(hash);
        active.update(&tx).await?;
        logins::end_all_logins(&tx, id, context.at).await?;
        let notice = notices::new_notice(NoticeCause::PasswordSet, context.at, &context.address);
        notices::append_notice(&tx, id, notice).await?;
        insert_audit(&tx, context, AuditEntry::new(AuditAction::SetPassword, id)).await?;
        self.logins.commit_change(tx).await
    }
}

/// Returns an account that isn't deleted, and locks its row until the
/// transaction ends.
pub(super) async fn lock_user(tx: &impl ConnectionTrait, id: UserId) -> Result<user::Model> {
    user::Entity::find_by_id(id)
        .filter(user::Column::DeletedAt.is_null())
        .lock(LockType::NoKeyUpdate)
        .one(tx)
        .await?
        .ok_or_else(StoreError::not_found)
}

/// Fails if this user is the last admin. All admins are locked first and always
/// in the same order, so that two admins who resign at once can't both succeed.
pub(super) async fn require_other_admin(tx: &impl ConnectionTrait, id: UserId) -> Result<()> {
    let admins: Vec<UserId> = user::Entity::find()
        .select_only()
        .column(user::Column::Id)
        .filter(Expr::col(user::Column::IsAdmin))
        .filter(user::Column::DeactivatedAt.is_null())
        // This condition makes the query read the index of admins only.
        .filter(user::Column::UsernameKey.gt(""))
        .order_by_asc(user::Column::UsernameKey)
        .lock(LockType::NoKeyUpdate)
        .into_tuple()
        .all(tx)
        .await?;
    if admins == [id] {
        return Err(StoreError::refused(
            ErrorCode::Conflict,
            "This is the last admin: make another user an admin first.",
        ));
    }
    Ok(())
}

/// Raises the `members_version` of a user's next conversations, by id after
/// `after`, and returns their ids.
async fn raise_next_members_versions(
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
        .limit(ROWS_PER_TRANSACTION as u64)
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
