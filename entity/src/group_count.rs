//! The number of groups that a user is in, stored so that no query has to count
//! participant rows.

use sea_orm::entity::prelude::*;

use crate::UserId;

/// A row of `group_count`; a user without one is in no group.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "group_count")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: UserId,
    pub groups: i32,
}

impl ActiveModelBehavior for ActiveModel {}
