//! A message that a user reported to the admins.

use sea_orm::entity::prelude::*;

use crate::{ConversationId, MessageId, Millis, ReportId, UserId};

/// A row of `report`: one for each message and reporter.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "report")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: ReportId,
    #[sea_orm(unique_key = "message_reporter")]
    pub message_id: MessageId,
    #[sea_orm(unique_key = "message_reporter")]
    pub reporter_id: UserId,
    pub conversation_id: ConversationId,
    pub seq: i64,
    pub sender_id: UserId,
    pub reason: String,
    /// The message as it was reported; later edits or deletion don't change it.
    pub text: String,
    pub created_at: Millis,
    /// Set when an admin resolves it.
    pub done_at: Option<Millis>,
}

impl ActiveModelBehavior for ActiveModel {}
