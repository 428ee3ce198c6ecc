//! The few words that all steps are written in.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

/// A key that the database counts up, never given twice.
pub(crate) fn key() -> ColumnDef {
    let mut column = ColumnDef::new("id");
    column
        .big_integer()
        .not_null()
        .auto_increment()
        .primary_key();
    column
}

/// A key that we count up ourselves (see `id_block`). SQLite keeps a row under
/// its key only where the type is spelled `integer`; elsewhere it is a `bigint`.
pub(crate) fn given_key(backend: DbBackend) -> ColumnDef {
    let mut column = ColumnDef::new("id");
    match backend {
        DbBackend::Sqlite => column.custom("integer"),
        _ => column.big_integer(),
    };
    column.not_null().primary_key();
    column
}

/// A `bigint`: an id, a counter, or a moment in milliseconds.
pub(crate) fn big(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.big_integer().not_null();
    column
}

/// The same, where there may be none.
pub(crate) fn big_or_none(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.big_integer();
    column
}

/// A count that fits 32 bits.
pub(crate) fn count(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.integer().not_null();
    column
}

/// One of a few named values.
pub(crate) fn choice(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.small_integer().not_null();
    column
}

/// Yes or no.
pub(crate) fn flag(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.boolean().not_null();
    column
}

/// A text of any length.
pub(crate) fn text(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.text().not_null();
    column
}

/// The same, where there may be none.
pub(crate) fn text_or_none(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.text();
    column
}

/// `column` holds the id of a row of `table`; a row that is named can't be
/// deleted.
pub(crate) fn names(column: &'static str, table: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .from_col(column)
        .to_tbl(table)
        .to_col("id")
        .to_owned()
}

/// `column` holds the id of a row of `table`, and goes with it.
pub(crate) fn belongs_to(column: &'static str, table: &'static str) -> ForeignKeyCreateStatement {
    names(column, table)
        .on_delete(ForeignKeyAction::Cascade)
        .to_owned()
}

/// An index named after what it is on.
pub(crate) fn index(table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create();
    index
        .name(format!("{table}_{}", columns.join("_")))
        .table(table);
    for column in columns {
        index.col(*column);
    }
    index
}

/// The same, and no two rows may agree on it.
pub(crate) fn unique(table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    index(table, columns).unique().to_owned()
}
