//! What admins did: written once, never changed.

use sea_orm::entity::prelude::*;

use crate::{AuditId, Millis, UserId};

/// A row of `audit`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: AuditId,
    pub at: Millis,
    /// None where it was done at the command line.
    pub actor_id: Option<UserId>,
    /// What was done: `user.promote`, `user.deactivate`, …
    pub action: String,
    /// To whom or what: `user:7`.
    pub target: String,
    pub address: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub reason: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
