//! A login: the row that a token refers to, so that it can be listed and
//! revoked.

use sea_orm::entity::prelude::*;

use crate::{LoginId, Millis, UserId};

/// A row of `login`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "login")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: LoginId,
    pub user_id: UserId,
    /// The client's `User-Agent`, shortened.
    pub device: String,
    pub address: String,
    pub created_at: Millis,
    pub last_used_at: Millis,
    pub expires_at: Millis,
    /// Set by logout, revocation, a changed password or deactivation.
    pub ended_at: Option<Millis>,
    #[sea_orm(belongs_to, from = "user_id", to = "id")]
    pub user: BelongsTo<super::user::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
