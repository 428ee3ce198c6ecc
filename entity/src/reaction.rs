//! A user's emoji on a message.

use sea_orm::entity::prelude::*;

use crate::{MessageId, Millis, UserId};

/// A row of `reaction`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reaction")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub message_id: MessageId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub emoji: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: UserId,
    pub created_at: Millis,
    /// The conversation's version that the reaction took.
    pub version: i64,
}

impl ActiveModelBehavior for ActiveModel {}
