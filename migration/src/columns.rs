//! Column, key and index builders for the migrations.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

/// A key that the database assigns; never reused.
pub(crate) fn generated_key() -> ColumnDef {
    let mut column = ColumnDef::new("id");
    column
        .big_integer()
        .not_null()
        .auto_increment()
        .primary_key();
    column
}

/// A key that the server assigns (see `id_block`). SQLite stores a row under
/// its key only if the type is spelled `integer`; on PostgreSQL it is a
/// `bigint`.
pub(crate) fn assigned_key(backend: DbBackend) -> ColumnDef {
    let mut column = ColumnDef::new("id");
    match backend {
        DbBackend::Sqlite => column.custom("integer"),
        _ => column.big_integer(),
    };
    column.not_null().primary_key();
    column
}

/// A `bigint`: an id, a counter, or a moment in milliseconds.
pub(crate) fn bigint(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.big_integer().not_null();
    column
}

/// A nullable `bigint`.
pub(crate) fn nullable_bigint(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.big_integer();
    column
}

/// A 32-bit count.
pub(crate) fn integer(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.integer().not_null();
    column
}

/// An enum value.
pub(crate) fn enum_column(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.small_integer().not_null();
    column
}

/// A boolean.
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

/// A nullable text of any length.
pub(crate) fn nullable_text(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.text();
    column
}

/// `column` references `table`; a referenced row can't be deleted.
pub(crate) fn references(column: &'static str, table: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .from_col(column)
        .to_tbl(table)
        .to_col("id")
        .to_owned()
}

/// `column` references `table`; the row is deleted with the referenced row.
pub(crate) fn references_cascading(
    column: &'static str,
    table: &'static str,
) -> ForeignKeyCreateStatement {
    references(column, table)
        .on_delete(ForeignKeyAction::Cascade)
        .to_owned()
}

/// An index named after its table and columns.
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

/// A unique index named after its table and columns.
pub(crate) fn unique_index(table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    index(table, columns).unique().to_owned()
}
