//! A user account.

use sea_orm::entity::prelude::*;

use crate::{Millis, UserId};

/// A row of `user`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "user")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: UserId,
    /// In the spelling that the user chose.
    pub username: String,
    /// In lower case: the unique key for lookups.
    #[sea_orm(unique)]
    pub username_key: String,
    /// The UTS 39 skeleton of the name, in lower case. None if an older account
    /// has a name that looks the same; such names are refused today.
    #[sea_orm(unique)]
    pub username_look: Option<String>,
    pub display_name: String,
    pub about: String,
    /// A PHC string (argon2id).
    pub password_hash: String,
    pub is_admin: bool,
    pub deactivated_at: Option<Millis>,
    pub created_at: Millis,
    /// Set when the account was deleted for good: the row then holds no
    /// personal data.
    pub deleted_at: Option<Millis>,
    /// Notices for the user, as JSON (see `store::users::notices`).
    #[sea_orm(column_type = "Text")]
    pub notices: String,
    /// The people version of the last change of the user's names; 0 if there
    /// was none.
    pub people_version: i64,
}

impl ActiveModelBehavior for ActiveModel {}
