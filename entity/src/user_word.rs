//! Search terms of users: the username and the words of the display name.

use sea_orm::entity::prelude::*;

use crate::UserId;

/// A row of `user_word`: one for each search term of a user.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "user_word")]
pub struct Model {
    /// In lower case.
    #[sea_orm(primary_key, auto_increment = false)]
    pub word: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: UserId,
}

impl ActiveModelBehavior for ActiveModel {}
