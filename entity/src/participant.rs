//! A person in a conversation: role, marks, and their own settings for it.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{ConversationId, Millis, UserId};

/// What a participant may do.
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
pub enum Role {
    /// Talks and leaves.
    Member = 0,
    /// Also renames, invites, removes members, withdraws others' messages.
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
    pub role: Role,
    /// They see what came after this `seq`.
    pub joined_seq: i64,
    pub joined_at: Millis,
    /// Set when they left or were removed: they see nothing after it.
    pub left_seq: Option<i64>,
    /// The version before that of the leaving.
    pub left_version: Option<i64>,
    /// The title of the group at that moment.
    pub left_title: Option<String>,
    /// They have everything up to this `seq`.
    pub delivered_seq: i64,
    /// They have read everything up to this `seq`.
    pub read_seq: i64,
    /// The `ord` that `read_seq` stands at.
    pub read_ord: i64,
    /// The number of deleted messages after `read_seq`, up to `left_seq`.
    pub unread_deleted: i64,
    /// The version of the last change of this row; of who left, also of what
    /// they still see.
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
