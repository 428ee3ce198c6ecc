//! A message, text or system.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{ConversationId, MessageId, Millis, UserId};

/// Who speaks: a person, or the conversation about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
pub enum Kind {
    /// A person's words.
    Text = 0,
    /// A change of the conversation, told in its history.
    System = 1,
}

/// How far a message can come at most. Those who were in when it was sent, and
/// still are, decide how far it is; when the last of them leaves, it stays at
/// what they had come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
pub enum Furthest {
    /// There is nobody who could get it.
    Sent = 0,
    /// There is nobody left who could read it.
    Delivered = 1,
    /// Somebody may read it, or all have.
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
    /// Its place in the conversation: 1, 2, 3, … without gaps.
    #[sea_orm(unique_key = "conversation_seq")]
    pub seq: i64,
    /// Its place among text messages (a system message has the one before).
    pub ord: i64,
    /// The version of its last change.
    pub version: i64,
    /// The version it was posted in: it was touched since, where the two
    /// differ.
    pub posted_version: i64,
    /// The version in which its text last changed: 0 if it never did. It is a
    /// change of every answer, which quotes the text.
    pub text_version: i64,
    #[sea_orm(unique_key = "client_sender")]
    pub sender_id: UserId,
    /// The sender's own name for it: a retry finds it by this.
    #[sea_orm(unique_key = "client_sender")]
    pub client_id: Option<String>,
    pub kind: Kind,
    /// Empty once withdrawn.
    #[sea_orm(column_type = "Text")]
    pub text: String,
    /// A system message's machine-readable side, as JSON.
    #[sea_orm(column_type = "Text", nullable)]
    pub event: Option<String>,
    pub reply_to: Option<MessageId>,
    /// The furthest that its status can come.
    pub furthest: Furthest,
    pub created_at: Millis,
    pub edited_at: Option<Millis>,
    pub deleted_at: Option<Millis>,
    #[sea_orm(belongs_to, from = "sender_id", to = "id")]
    pub sender: BelongsTo<super::user::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
