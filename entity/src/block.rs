//! A user who blocks another user.

use sea_orm::entity::prelude::*;

use crate::{Millis, UserId};

/// A row of `block`: one for each blocking and blocked user.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "block")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub blocker_id: UserId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub blocked_id: UserId,
    pub created_at: Millis,
}

impl ActiveModelBehavior for ActiveModel {}
