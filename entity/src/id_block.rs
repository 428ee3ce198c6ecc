//! The next free id of each table whose ids are reserved in blocks, so that an
//! insert doesn't have to return its key.

use sea_orm::entity::prelude::*;

/// A row of `id_block`: one for each table whose ids come from it, and one for
/// people versions.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "id_block")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// The first id that no process has reserved.
    pub next: i64,
}

impl ActiveModelBehavior for ActiveModel {}
