//! A running server process.

use sea_orm::entity::prelude::*;

use crate::{Millis, NodeId};

/// A row of `node`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "node")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: NodeId,
    pub started_at: Millis,
    /// The last time at which the process was alive, written every 30 seconds.
    pub alive_at: Millis,
}

impl ActiveModelBehavior for ActiveModel {}
