//! The epoch of the database's history and its mark, in a single row.

use sea_orm::entity::prelude::*;

/// The row of `epoch`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "epoch")]
pub struct Model {
    /// Always 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    /// Random; each restore sets a new one.
    pub epoch: String,
    /// Rises while the database is in use. A mark below that of the epoch note
    /// in the data folder means that the database is an older copy.
    pub mark: i64,
}

impl ActiveModelBehavior for ActiveModel {}
