//! Rows in one piece: the database puts all of them into one JSON text.
//!
//! Each row that comes by itself may cost a change from the database's thread
//! to the asker's and back, which takes longer than reading most rows does;
//! one text costs one.

use std::fmt;

use sea_orm::{ActiveEnum, ConnectionTrait, DbBackend, DbErr, QueryResult, Statement, Value};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error, Visitor};

use super::Result;

/// A statement that answers all of its rows in one piece: `columns`, in the
/// order of the fields of what they are read into, and what stands behind
/// them in a `SELECT`.
pub(super) fn sql(backend: DbBackend, columns: &str, rest: &str) -> String {
    let (group, array) = match backend {
        DbBackend::Sqlite => ("'[' || group_concat(q.one) || ']'", "json_array"),
        _ => ("CAST(json_agg(q.one) AS TEXT)", "json_build_array"),
    };
    format!("SELECT {group} FROM (SELECT {array}({columns}) AS one {rest}) q")
}

/// Reads rows in one piece.
pub(super) async fn rows<T: DeserializeOwned>(
    db: &impl ConnectionTrait,
    (columns, rest): (&str, &str),
    values: impl IntoIterator<Item = Value>,
) -> Result<Vec<T>> {
    let sql = sql(db.get_database_backend(), columns, rest);
    read(db, sql, values).await
}

/// The same, by a statement that [`sql`] made, or that has one in it.
pub(super) async fn read<T: DeserializeOwned>(
    db: &impl ConnectionTrait,
    sql: String,
    values: impl IntoIterator<Item = Value>,
) -> Result<Vec<T>> {
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    match db.query_one_raw(statement).await? {
        Some(row) => of(&row),
        None => Ok(Vec::new()),
    }
}

/// The rows that came in one piece.
pub(super) fn of<T: DeserializeOwned>(row: &QueryResult) -> Result<Vec<T>> {
    at(row, 0)
}

/// The same, of one of several pieces.
pub(super) fn at<T: DeserializeOwned>(row: &QueryResult, place: usize) -> Result<Vec<T>> {
    // Neither database answers anything where there are no rows.
    let piece: Option<String> = row.try_get_by_index(place)?;
    let rows = piece.map(|piece| serde_json::from_str::<Vec<T>>(&piece));
    let rows = rows
        .transpose()
        .map_err(|error| DbErr::Json(error.to_string()))?
        .unwrap_or_default();
    tracing::trace!(rows_returned = rows.len(), place, "rows in one piece");
    Ok(rows)
}

/// SQLite's booleans are numbers.
pub(super) fn flag<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<bool, D::Error> {
    struct Flag;
    impl Visitor<'_> for Flag {
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
    from.deserialize_any(Flag)
}

/// A number that stands for one of a few.
pub(super) fn choice<'de, D, E>(from: D) -> std::result::Result<E, D::Error>
where
    D: Deserializer<'de>,
    E: ActiveEnum<Value = i16>,
{
    let number = i16::deserialize(from)?;
    E::try_from_value(&number).map_err(D::Error::custom)
}
