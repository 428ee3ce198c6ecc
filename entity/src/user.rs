//! A person with an account.

use sea_orm::entity::prelude::*;

use crate::{Millis, UserId};

/// A row of `user`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "user")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: UserId,
    /// As the person spells it.
    pub username: String,
    /// In lower case: what is unique and looked up.
    #[sea_orm(unique)]
    pub username_key: String,
    pub display_name: String,
    pub about: String,
    /// A PHC string (argon2id).
    pub password_hash: String,
    pub is_admin: bool,
    pub deactivated_at: Option<Millis>,
    pub created_at: Millis,
}

impl ActiveModelBehavior for ActiveModel {}
