//! Whether a user is online, and when they were last seen.

use sea_orm::entity::prelude::*;

use crate::{Millis, NodeId, UserId};

/// A row of `user_status`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "user_status")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: UserId,
    pub is_online: bool,
    /// The process that last wrote this row. If it dies, its `alive_at` becomes
    /// the `last_seen` of the users that it left online.
    pub node_id: Option<NodeId>,
    pub last_seen: Option<Millis>,
}

impl ActiveModelBehavior for ActiveModel {}
