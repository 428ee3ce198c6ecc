//! Two people who may message each other directly, or one who asked to.

use sea_orm::entity::prelude::*;

use crate::{ConnectionId, Millis, UserId};

/// How far two people have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
pub enum State {
    /// One has asked the other.
    Requested = 0,
    /// Both agreed.
    Connected = 1,
    /// Asked of somebody who blocks the one who asks: it looks requested to
    /// the one, and the other never hears of it.
    Swallowed = 2,
}

/// A row of `connection`: one per pair, whoever asked.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "connection")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: ConnectionId,
    /// The lower id of the two.
    #[sea_orm(unique_key = "pair")]
    pub low_id: UserId,
    /// The higher id of the two.
    #[sea_orm(unique_key = "pair")]
    pub high_id: UserId,
    pub requested_by: UserId,
    pub state: State,
    pub created_at: Millis,
}

impl ActiveModelBehavior for ActiveModel {}
