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
    /// What the name looks like (UTS 39), in lower case. None where somebody
    /// older had a name that looks the same before that was refused.
    #[sea_orm(unique)]
    pub username_look: Option<String>,
    pub display_name: String,
    pub about: String,
    /// A PHC string (argon2id).
    pub password_hash: String,
    pub is_admin: bool,
    pub deactivated_at: Option<Millis>,
    pub created_at: Millis,
    /// Gone for good: nothing of the person is left in the row.
    pub deleted_at: Option<Millis>,
    /// What the person should know of, as JSON (see `store::notices`).
    #[sea_orm(column_type = "Text")]
    pub notices: String,
    /// The people version of the last change of the names; 0 if there was none.
    pub people_version: i64,
}

impl ActiveModelBehavior for ActiveModel {}
