//! A period in which connection requests of one user to another aren't
//! delivered.

use sea_orm::entity::prelude::*;

use crate::{Millis, UserId};

/// A row of `request_pause`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "request_pause")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub requester_id: UserId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub recipient_id: UserId,
    /// The first time at which a request is delivered again.
    pub until: Millis,
}

impl ActiveModelBehavior for ActiveModel {}
