//! One move of a mark, and when: what `delivered_at` and `read_at` are read from.

use sea_orm::entity::prelude::*;

use crate::{ConversationId, Millis, ReceiptId, UserId};

/// Which mark moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
pub enum Kind {
    /// A client of theirs has it.
    Delivered = 0,
    /// They have seen it.
    Read = 1,
}

/// A row of `receipt`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "receipt")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: ReceiptId,
    pub conversation_id: ConversationId,
    /// Whose mark; none for the conversation's overall one.
    pub user_id: Option<UserId>,
    pub kind: Kind,
    pub up_to_seq: i64,
    pub at: Millis,
}

impl ActiveModelBehavior for ActiveModel {}
