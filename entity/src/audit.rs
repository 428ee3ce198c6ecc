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
    /// What they were called then.
    #[sea_orm(column_type = "Text", nullable)]
    pub actor_name: Option<String>,
    /// What was done: `user.promote`, `user.deactivate`, …
    pub action: String,
    /// To whom or what: `user:7`, `conversation:7`.
    pub target: String,
    /// What that was called then, where it is somebody.
    #[sea_orm(column_type = "Text", nullable)]
    pub target_name: Option<String>,
    pub address: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub reason: Option<String>,
    /// What stood there before, or how much of it: `from Ann`, `messages 1–50`.
    #[sea_orm(column_type = "Text", nullable)]
    pub detail: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
