//! Rows as one JSON text, which the database builds.
//!
//! Each separate row may cost a switch between the threads of database and
//! caller, which takes longer than reading most rows. One text costs one
//! switch.

use std::fmt;

use sea_orm::{ActiveEnum, ConnectionTrait, DbBackend, DbErr, QueryResult, Statement, Value};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error, Visitor};

use crate::store::db::error::Result;

/// Defines a row and the struct of its columns, which has the SQL of each field
/// by the field's name. So a column can't be read into another field.
macro_rules! json_row {
    (
        $(#[$row_meta:meta])*
        $visibility:vis struct $row:ident of $columns:ident {
            $($(#[$meta:meta])* $field:ident: $type:ty,)*
        }
    ) => {
        $(#[$row_meta])*
        #[derive(serde::Deserialize)]
        $visibility struct $row {
            $($(#[$meta])* $visibility $field: $type,)*
        }

        /// The SQL of the columns of a row.
        #[allow(unreachable_pub, reason = "a public row has columns that only the store uses")]
        $visibility struct $columns<'a> {
            $(pub(in crate::store) $field: &'a str,)*
        }

        impl $crate::store::db::json_rows::JsonColumns for $columns<'_> {
            type Row = $row;

            fn columns(&self) -> Vec<(&'static str, &str)> {
                vec![$((stringify!($field), self.$field)),*]
            }
        }
    };
}
pub(in crate::store) use json_row;

/// The columns of a row, in the order of the row's fields.
pub(in crate::store) trait JsonColumns {
    type Row: DeserializeOwned;

    /// Returns the name and the SQL of each column.
    fn columns(&self) -> Vec<(&'static str, &str)>;

    /// Returns the columns for a `SELECT` of JSON rows.
    fn list(&self) -> String {
        join_columns(self.columns(), |(_, sql)| sql.to_owned())
    }

    /// Returns the columns with their names, for a subquery.
    fn named_list(&self) -> String {
        join_columns(self.columns(), |(name, sql)| format!("{sql} AS {name}"))
    }

    /// Returns the names, for a `SELECT` from that subquery.
    fn names(&self) -> String {
        join_columns(self.columns(), |(name, _)| name.to_owned())
    }
}

fn join_columns<'a>(
    columns: Vec<(&'static str, &'a str)>,
    text: impl Fn((&'static str, &'a str)) -> String,
) -> String {
    let columns: Vec<String> = columns.into_iter().map(text).collect();
    columns.join(", ")
}

/// The name of the column of [`sql`].
const JSON_COLUMN: &str = "json_rows";

/// Returns SQL that yields all rows as one JSON text. `columns` are in the
/// order of the fields of the row type; `rest` follows them in the `SELECT`.
pub(in crate::store) fn sql(backend: DbBackend, columns: &str, rest: &str) -> String {
    let (group, array) = match backend {
        DbBackend::Sqlite => ("'[' || group_concat(q.one) || ']'", "json_array"),
        _ => ("CAST(json_agg(q.one) AS TEXT)", "json_build_array"),
    };
    format!("SELECT {group} AS {JSON_COLUMN} FROM (SELECT {array}({columns}) AS one {rest}) q")
}

/// Queries rows as one JSON text.
pub(in crate::store) async fn query_rows<T: DeserializeOwned>(
    db: &impl ConnectionTrait,
    columns: &str,
    rest: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Vec<T>> {
    let sql = sql(db.get_database_backend(), columns, rest);
    query_sql(db, sql, values).await
}

/// Runs a statement that contains SQL of [`sql`], and parses its rows.
pub(in crate::store) async fn query_sql<T: DeserializeOwned>(
    db: &impl ConnectionTrait,
    sql: String,
    values: impl IntoIterator<Item = Value>,
) -> Result<Vec<T>> {
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    match db.query_one_raw(statement).await? {
        Some(row) => parse_row(&row),
        None => Ok(Vec::new()),
    }
}

/// Parses the rows of a statement of [`sql`].
pub(in crate::store) fn parse_row<T: DeserializeOwned>(row: &QueryResult) -> Result<Vec<T>> {
    parse_column(row, JSON_COLUMN)
}

/// Parses the rows in one of several columns.
pub(in crate::store) fn parse_column<T: DeserializeOwned>(
    row: &QueryResult,
    name: &str,
) -> Result<Vec<T>> {
    // SeaORM reads a missing column as null, and both databases return null for
    // no rows.
    if !row.column_names().iter().any(|column| column == name) {
        return Err(DbErr::Type(format!("the answer has no column {name}")).into());
    }
    let piece: Option<String> = row.try_get_by(name)?;
    let rows = piece.map(|piece| serde_json::from_str::<Vec<T>>(&piece));
    let rows = rows
        .transpose()
        .map_err(|error| DbErr::Json(error.to_string()))?
        .unwrap_or_default();
    let (rows_returned, place) = (rows.len(), || find_place(row, name));
    tracing::trace!(rows_returned, place = place(), "rows in one JSON text");
    Ok(rows)
}

/// Returns the place of a column in its row.
fn find_place(row: &QueryResult, name: &str) -> usize {
    let names = row.column_names();
    let place = names.iter().position(|column| column == name);
    place.unwrap_or(names.len())
}

/// Parses a boolean, which SQLite returns as a number.
pub(in crate::store) fn flag<'de, D: Deserializer<'de>>(
    from: D,
) -> std::result::Result<bool, D::Error> {
    struct FlagVisitor;
    impl Visitor<'_> for FlagVisitor {
        type Value = bool;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a boolean")
        }

        fn visit_bool<E>(self, flag: bool) -> std::result::Result<bool, E> {
            Ok(flag)
        }

        fn visit_u64<E>(self, number: u64) -> std::result::Result<bool, E> {
            Ok(number != 0)
        }
    }
    from.deserialize_any(FlagVisitor)
}

/// Parses an enum from its number.
pub(in crate::store) fn choice<'de, D, E>(from: D) -> std::result::Result<E, D::Error>
where
    D: Deserializer<'de>,
    E: ActiveEnum<Value = i16>,
{
    let number = i16::deserialize(from)?;
    E::try_from_value(&number).map_err(D::Error::custom)
}
