//! A code that lets people register where registration is by invite.

use sea_orm::entity::prelude::*;

use crate::{InviteId, Millis, UserId};

/// A row of `invite`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "invite")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: InviteId,
    /// Of the code, which is kept nowhere.
    #[sea_orm(unique)]
    pub code_hash: String,
    /// How often it can still be used.
    pub uses_left: i32,
    pub expires_at: Option<Millis>,
    pub created_by: UserId,
    pub created_at: Millis,
}

impl ActiveModelBehavior for ActiveModel {}
