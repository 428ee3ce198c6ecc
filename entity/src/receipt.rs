//! One move of a marker, with its time: the source of `delivered_at` and
//! `read_at`.

use sea_orm::entity::prelude::*;

use crate::{ConversationId, Millis, ReceiptId, UserId};

/// The kind of marker. Reading implies delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
pub enum ReceiptKind {
    /// A client of the user received the message.
    Delivered = 0,
    /// The user saw the message.
    Read = 1,
}

/// A row of `receipt`: one for each stored move of a marker.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "receipt")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: ReceiptId,
    pub conversation_id: ConversationId,
    /// The user whose marker moved; none for the conversation's overall
    /// watermark.
    pub user_id: Option<UserId>,
    pub kind: ReceiptKind,
    pub up_to_seq: i64,
    pub at: Millis,
}

impl ActiveModelBehavior for ActiveModel {}
