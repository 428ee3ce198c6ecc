//! Search terms of groups: the words of their titles.

use sea_orm::entity::prelude::*;

use crate::ConversationId;

/// A row of `conversation_word`: one for each word of a group's title.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "conversation_word")]
pub struct Model {
    /// In lower case.
    #[sea_orm(primary_key, auto_increment = false)]
    pub word: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub conversation_id: ConversationId,
}

impl ActiveModelBehavior for ActiveModel {}
