//! A user's emoji on a message.

use sea_orm::entity::prelude::*;

use crate::{MessageId, Millis, UserId};

/// A row of `reaction`: one for each message, emoji and user.
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
    /// The version of the conversation in which the reaction was added.
    pub version: i64,
}

impl ActiveModelBehavior for ActiveModel {}
