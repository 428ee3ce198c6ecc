//! A conversation: its counters, and the row that a batch locks.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{ConversationId, MessageId, Millis, UserId};

/// Direct or group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
pub enum ConversationKind {
    /// Exactly two users, one conversation per pair.
    Direct = 0,
    /// Two to a thousand members, with a title and roles.
    Group = 1,
}

/// A row of `conversation`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "conversation")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: ConversationId,
    pub kind: ConversationKind,
    pub title: Option<String>,
    /// `low:high`, the user ids of a direct conversation. Its unique index
    /// allows one conversation per pair.
    #[sea_orm(unique)]
    pub direct_key: Option<String>,
    /// Whether members can send: false for a direct conversation of users who
    /// are not connected, and for a closed group.
    pub open: bool,
    pub opened_by: UserId,
    /// The `seq` of the newest message: 1, 2, 3, … without gaps.
    pub last_seq: i64,
    /// The `ord` of the newest text message. Unread counts are based on it.
    pub last_ord: i64,
    /// The version of the newest lasting change of any kind.
    pub version: i64,
    /// Raised by every change that can affect who may send here.
    pub members_version: i64,
    pub participant_count: i32,
    /// Every member has received all messages up to this `seq`.
    pub delivered_low: i64,
    /// Every member has read all messages up to this `seq`.
    pub read_low: i64,
    pub last_message_id: Option<MessageId>,
    pub last_message_at: Option<Millis>,
    pub created_at: Millis,
}

impl ActiveModelBehavior for ActiveModel {}
