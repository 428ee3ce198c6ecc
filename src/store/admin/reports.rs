//! Reports: messages that users show to the admins.
//!
//! A report keeps the message as its reporter saw it. It is deleted after 90
//! days, also if it was answered.

use entity::{MessageId, Millis, ReportId, UserId, report, user};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect, TryInsertResult,
};

use super::audit::{Act, Deed, Entry, note};
use super::{Result, Store, StoreError};
use crate::protocol::{Message, User};

use report::Column;

/// A report with the users it names.
#[derive(Clone, Debug)]
pub struct ReportView {
    pub report: report::Model,
    pub reporter: User,
    pub sender: User,
}

impl Store {
    /// Whether this user reported this message before.
    pub async fn has_reported(&self, me: UserId, message: MessageId) -> Result<bool> {
        let known = report::Entity::find()
            .filter(Column::MessageId.eq(message))
            .filter(Column::ReporterId.eq(me))
            .one(&self.reader)
            .await?;
        Ok(known.is_some())
    }

    /// Keeps a message as its reporter sees it; true if it was not reported by
    /// them before.
    pub async fn report_message(
        &self,
        me: UserId,
        message: &Message,
        (reason, now): (String, Millis),
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
            .exec_without_returning(&self.writer)
            .await?;
        Ok(matches!(done, TryInsertResult::Inserted(1..)))
    }

    /// A page of reports, newest first: those that wait, or those that are
    /// done.
    pub async fn reports(
        &self,
        is_done: bool,
        before: Option<ReportId>,
        limit: u64,
    ) -> Result<Vec<ReportView>> {
        let state = match is_done {
            true => Column::DoneAt.is_not_null(),
            false => Column::DoneAt.is_null(),
        };
        let rows = report::Entity::find()
            .filter(state)
            .filter(Column::Id.lt(before.map_or(i64::MAX, |before| before.0)))
            .order_by_desc(Column::Id)
            .limit(limit)
            .all(&self.reader)
            .await?;
        self.with_users(rows).await
    }

    /// A report.
    pub async fn report(&self, id: ReportId) -> Result<Option<ReportView>> {
        let row = report::Entity::find_by_id(id).one(&self.reader).await?;
        let found = self.with_users(row.into_iter().collect()).await?;
        Ok(found.into_iter().next())
    }

    /// Marks a report as done. Once is enough.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn finish_report(&self, id: ReportId, act: &Act) -> Result<()> {
        let tx = self.begin().await?;
        let row = report::Entity::find_by_id(id)
            .lock_exclusive()
            .one(&tx)
            .await?
            .ok_or_else(StoreError::not_found)?;
        if row.done_at.is_none() {
            let entry = Entry::new(Deed::FinishReport, row.conversation_id);
            let mut row = row.into_active_model();
            row.done_at = Set(Some(act.at));
            report::Entity::update(row).exec(&tx).await?;
            note(&tx, act, entry.with(format!("report {id}"))).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    async fn with_users(&self, rows: Vec<report::Model>) -> Result<Vec<ReportView>> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let ids = rows.iter().flat_map(|row| [row.reporter_id, row.sender_id]);
        let users = user::Entity::find()
            .filter(user::Column::Id.is_in(ids))
            .all(&self.reader)
            .await?;
        let user = |id| users.iter().find(|user| user.id == id).map(User::from);
        let views = rows.into_iter().filter_map(|report| {
            Some(ReportView {
                reporter: user(report.reporter_id)?,
                sender: user(report.sender_id)?,
                report,
            })
        });
        Ok(views.collect())
    }
}
