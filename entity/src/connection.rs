//! A connection between two users, or a request for one. Connected users may
//! message each other directly.

use sea_orm::entity::prelude::*;

use crate::{ConnectionId, Millis, UserId};

/// The state of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
pub enum ConnectionRowState {
    /// One user has sent a request to the other.
    Requested = 0,
    /// The request was accepted.
    Connected = 1,
    /// The request isn't delivered, because of a block or a pause. The
    /// requester sees a pending request; the recipient doesn't see it.
    Suppressed = 2,
}

/// A row of `connection`: one per pair of users, in either direction.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "connection")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: ConnectionId,
    /// The lower of the two user ids.
    #[sea_orm(unique_key = "pair")]
    pub low_id: UserId,
    /// The higher of the two user ids.
    #[sea_orm(unique_key = "pair")]
    pub high_id: UserId,
    pub requested_by: UserId,
    pub state: ConnectionRowState,
    pub created_at: Millis,
}

impl ActiveModelBehavior for ActiveModel {}
