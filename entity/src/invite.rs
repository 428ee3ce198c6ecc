//! An invitation code, which is needed to register if registration is by
//! invite.

use sea_orm::entity::prelude::*;

use crate::{InviteId, Millis, UserId};

/// A row of `invite`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "invite")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: InviteId,
    /// Hash of the code; the code itself isn't stored.
    #[sea_orm(unique)]
    pub code_hash: String,
    /// The number of registrations that it still permits.
    pub uses_left: i32,
    pub expires_at: Option<Millis>,
    pub created_by: UserId,
    pub created_at: Millis,
}

impl ActiveModelBehavior for ActiveModel {}
