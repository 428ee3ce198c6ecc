//! Where ids that are handed out in blocks have come to, so that no insert
//! has to ask for the key it was given.

use sea_orm::entity::prelude::*;

/// A row of `id_block`: one for each table whose ids come from it.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "id_block")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// The first id not yet given to any process.
    pub next: i64,
}

impl ActiveModelBehavior for ActiveModel {}
