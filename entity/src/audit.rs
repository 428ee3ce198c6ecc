//! The audit log of admin actions. Rows are inserted once and never changed.

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
    /// None for the command line.
    pub actor_id: Option<UserId>,
    /// The actor's username at the time of the action.
    #[sea_orm(column_type = "Text", nullable)]
    pub actor_name: Option<String>,
    /// The action's code: `user.promote`, `user.deactivate`, …
    pub action: String,
    /// The affected user or object: `user:7`, `conversation:7`.
    pub target: String,
    /// The target's username at that time, if the target is a user.
    #[sea_orm(column_type = "Text", nullable)]
    pub target_name: Option<String>,
    pub address: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub reason: Option<String>,
    /// The previous value or the extent: `from Ann`, `messages 1–50`.
    #[sea_orm(column_type = "Text", nullable)]
    pub detail: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
