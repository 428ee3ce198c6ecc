//! Reports: messages that users report to the admins.
//!
//! A report keeps the message as its reporter saw it. It is deleted after 90
//! days, also if it was resolved.

use entity::{MessageId, Millis, ReportId, UserId, report, user};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect, TryInsertResult,
};

use crate::protocol::{Message, User};
use crate::store::audit::{AuditAction, AuditContext, AuditEntry, insert_audit};
use crate::store::db::{Db, Result, StoreError};

use report::Column;

/// A report with its reporter and the message's sender.
#[derive(Clone, Debug)]
pub struct ReportRecord {
    pub report: report::Model,
    pub reporter: User,
    pub sender: User,
}

/// The reported messages.
#[derive(Clone, Copy)]
pub struct ReportRepository<'a> {
    db: &'a Db,
}

impl<'a> ReportRepository<'a> {
    /// Creates a repository on these connections.
    pub(in crate::store) fn new(db: &'a Db) -> Self {
        Self { db }
    }
}

impl ReportRepository<'_> {
    /// Returns whether this user has reported this message.
    pub async fn has_reported(self, me: UserId, message: MessageId) -> Result<bool> {
        let known = report::Entity::find()
            .filter(Column::MessageId.eq(message))
            .filter(Column::ReporterId.eq(me))
            .one(self.db.reader())
            .await?;
        Ok(known.is_some())
    }

    /// Stores a report with the message as its reporter sees it. Returns false
    /// if the user reported this message before.
    pub async fn create(
        self,
        me: UserId,
        message: &Message,
        reason: String,
        now: Millis,
    ) -> Result<bool> {
        let row = report::ActiveModel {
            message_id: Set(message.id),
            reporter_id: Set(me),
            conversation_id: Set(message.conversation_id),
            seq: Set(message.seq),
            sender_id: Set(message.sender.id),
            reason: Set(reason),
            text: Set(message.text.clone()),
            created_at: Set(now),
            done_at: Set(None),
            ..Default::default()
        };
        let done = report::Entity::insert(row)
            .on_conflict_do_nothing_on([Column::MessageId, Column::ReporterId])
            .exec_without_returning(self.db.writer())
            .await?;
        Ok(matches!(done, TryInsertResult::Inserted(1..)))
    }

    /// Returns a page of reports, newest first: the open or the resolved ones.
    pub async fn list(
        self,
        is_done: bool,
        before: Option<ReportId>,
        limit: u64,
    ) -> Result<Vec<ReportRecord>> {
        let state = if is_done {
            Column::DoneAt.is_not_null()
        } else {
            Column::DoneAt.is_null()
        };
        let rows = report::Entity::find()
            .filter(state)
            .filter(Column::Id.lt(before.map_or(i64::MAX, |before| before.0)))
            .order_by_desc(Column::Id)
            .limit(limit)
            .all(self.db.reader())
            .await?;
        self.join_users(rows).await
    }

    /// Returns a report.
    pub async fn load(self, id: ReportId) -> Result<Option<ReportRecord>> {
        let row = report::Entity::find_by_id(id).one(self.db.reader()).await?;
        let found = self.join_users(row.into_iter().collect()).await?;
        Ok(found.into_iter().next())
    }

    /// Marks a report as resolved. Repeating it changes nothing.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn resolve(self, id: ReportId, context: &AuditContext) -> Result<()> {
        let tx = self.db.begin().await?;
        let row = report::Entity::find_by_id(id)
            .lock_exclusive()
            .one(&tx)
            .await?
            .ok_or_else(StoreError::not_found)?;
        if row.done_at.is_none() {
            let entry = AuditEntry::new(AuditAction::ResolveReport, row.conversation_id);
            let mut row = row.into_active_model();
            row.done_at = Set(Some(context.at));
            report::Entity::update(row).exec(&tx).await?;
            insert_audit(&tx, context, entry.with_detail(format!("report {id}"))).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    async fn join_users(self, rows: Vec<report::Model>) -> Result<Vec<ReportRecord>> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let ids = rows.iter().flat_map(|row| [row.reporter_id, row.sender_id]);
        let users = user::Entity::find()
            .filter(user::Column::Id.is_in(ids))
            .all(self.db.reader())
            .await?;
        let user = |id| users.iter().find(|user| user.id == id).map(User::from);
        let views = rows.into_iter().filter_map(|report| {
            Some(ReportRecord {
                reporter: user(report.reporter_id)?,
                sender: user(report.sender_id)?,
                report,
            })
        });
        Ok(views.collect())
    }
}
