//! A member or former member of a conversation: role, markers, and own
//! settings.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{ConversationId, Millis, UserId};

/// The permissions of a participant.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    EnumIter,
    DeriveActiveEnum,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "lowercase")]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
pub enum MemberRole {
    /// May send and leave.
    Member = 0,
    /// May also rename the group, invite, remove members, and delete messages
    /// of others.
    Admin = 1,
    /// Exactly one in every group.
    Owner = 2,
}

/// A row of `participant`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "participant")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub conversation_id: ConversationId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: UserId,
    pub role: MemberRole,
    /// The member sees messages after this `seq`.
    pub joined_seq: i64,
    pub joined_at: Millis,
    /// Set when the member left or was removed. They see no message after it.
    pub left_seq: Option<i64>,
    /// The conversation's version just before they left.
    pub left_version: Option<i64>,
    /// The group's title when they left.
    pub left_title: Option<String>,
    /// Delivery marker: the member has received all messages up to this `seq`.
    pub delivered_seq: i64,
    /// Read marker: the member has read all messages up to this `seq`.
    pub read_seq: i64,
    /// The `ord` at `read_seq`.
    pub read_ord: i64,
    /// The number of deleted messages after `read_seq`, up to `left_seq`.
    pub unread_deleted: i64,
    /// The version of the last change of this row. For a former member, also of
    /// the last change of a message that they still see.
    pub version: i64,
    pub muted_until: Option<Millis>,
    pub archived: bool,
    pub pinned: bool,
    #[sea_orm(belongs_to, from = "conversation_id", to = "id")]
    pub conversation: BelongsTo<super::conversation::Entity>,
    #[sea_orm(belongs_to, from = "user_id", to = "id")]
    pub user: BelongsTo<super::user::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
