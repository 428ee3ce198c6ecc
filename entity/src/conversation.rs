//! A conversation: its counters, and what a batch locks.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{ConversationId, MessageId, Millis, UserId};

/// Between two people, or among many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
pub enum Kind {
    /// Exactly two, once per pair.
    Direct = 0,
    /// Two to a thousand, with a title and roles.
    Group = 1,
}

/// A row of `conversation`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "conversation")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: ConversationId,
    pub kind: Kind,
    pub title: Option<String>,
    /// `low:high` of a direct one's two people: what makes it one per pair.
    #[sea_orm(unique)]
    pub direct_key: Option<String>,
    /// Whether it takes messages: false for a direct one whose two are not
    /// connected, and for a closed group.
    pub open: bool,
    pub opened_by: UserId,
    /// The newest message's place: 1, 2, 3, … without gaps.
    pub last_seq: i64,
    /// The same, counting text messages only: what unread is counted by.
    pub last_ord: i64,
    /// The newest lasting change of any kind.
    pub version: i64,
    /// Rises with everything that can change who may write here.
    pub members_version: i64,
    pub participant_count: i32,
    /// All have everything up to this `seq`.
    pub delivered_low: i64,
    /// All have read everything up to this `seq`.
    pub read_low: i64,
    pub last_message_id: Option<MessageId>,
    pub last_message_at: Option<Millis>,
    pub created_at: Millis,
}

impl ActiveModelBehavior for ActiveModel {}
