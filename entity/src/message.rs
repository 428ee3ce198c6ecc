//! A message, text or system.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{ConversationId, MessageId, Millis, UserId};

/// Text of a user, or a system message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
pub enum MessageKind {
    /// Text that a user sent.
    Text = 0,
    /// A change of the conversation, shown in its history.
    System = 1,
}

/// The highest status that a message can reach. The status depends on the
/// members at the time of sending who are still members. When the last of them
/// leaves, the message keeps the status reached by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
pub enum StatusCeiling {
    /// No recipient can receive it.
    Sent = 0,
    /// No recipient is left who could read it.
    Delivered = 1,
    /// A recipient may read it, or all have read it.
    Read = 2,
}

/// A row of `message`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "message")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: MessageId,
    #[sea_orm(unique_key = "conversation_seq")]
    pub conversation_id: ConversationId,
    /// Its position in the conversation: 1, 2, 3, … without gaps.
    #[sea_orm(unique_key = "conversation_seq")]
    pub seq: i64,
    /// Its position among text messages. A system message has the `ord` of the
    /// text message before it.
    pub ord: i64,
    /// The version of its last change.
    pub version: i64,
    /// The version in which it was posted. A higher `version` means a later
    /// change.
    pub posted_version: i64,
    /// The version in which its text last changed; 0 if it never did. A changed
    /// text also changes every reply, because replies quote it.
    pub text_version: i64,
    #[sea_orm(unique_key = "client_sender")]
    pub sender_id: UserId,
    /// The sender's idempotency key, by which a retry is recognized.
    #[sea_orm(unique_key = "client_sender")]
    pub client_id: Option<String>,
    pub kind: MessageKind,
    /// Empty after deletion.
    #[sea_orm(column_type = "Text")]
    pub text: String,
    /// The machine-readable form of a system message, as JSON.
    #[sea_orm(column_type = "Text", nullable)]
    pub event: Option<String>,
    pub reply_to: Option<MessageId>,
    /// The highest status that it can reach.
    pub furthest: StatusCeiling,
    pub created_at: Millis,
    pub edited_at: Option<Millis>,
    pub deleted_at: Option<Millis>,
    #[sea_orm(belongs_to, from = "sender_id", to = "id")]
    pub sender: BelongsTo<super::user::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
