//! Lists of values in statements: `$1, $2, …`, understood by both databases.

use std::fmt::Write;

use sea_orm::DbBackend;

/// `$1, $2, …, $count`, for `IN (…)`.
pub(in crate::store) fn places(count: usize) -> String {
    places_from(1, count)
}

/// The same, from `$first` on.
pub(in crate::store) fn places_from(first: usize, count: usize) -> String {
    let mut out = String::new();
    for at in first..first + count {
        let comma = if at > first { ", " } else { "" };
        // Writing to a String can't fail.
        let _ = write!(out, "{comma}${at}");
    }
    out
}

/// Makes a list longer by its last one, up to a power of two: statements have
/// few shapes then, and the database finds each prepared. Only for where a
/// double changes nothing.
pub(in crate::store) fn pad<T: Clone>(list: &mut Vec<T>) {
    if let Some(last) = list.last().cloned() {
        list.resize(list.len().next_power_of_two(), last);
    }
}

/// `(VALUES ($1, $2), ($3, $4), …)` of `rows` rows. Both databases name its
/// columns `column1`, `column2`, …. SQLite gets a bare `?` each: it looks the
/// name of a numbered one up in a list of all, which for a full batch would
/// cost more than the batch.
pub(in crate::store) fn values(backend: DbBackend, rows: usize, columns: usize) -> String {
    let mut out = String::from("(VALUES ");
    for row in 0..rows {
        out.push_str(if row > 0 { ", (" } else { "(" });
        for column in 0..columns {
            let comma = if column > 0 { ", " } else { "" };
            let _ = match backend {
                DbBackend::Sqlite => write!(out, "{comma}?"),
                _ => write!(out, "{comma}${}", row * columns + column + 1),
            };
        }
        out.push(')');
    }
    out.push(')');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_have_few_lengths() {
        let padded = |count: usize| {
            let mut list: Vec<usize> = (0..count).collect();
            pad(&mut list);
            list
        };
        assert!(padded(0).is_empty());
        assert_eq!(padded(1), [0]);
        assert_eq!(padded(3), [0, 1, 2, 2]);
        assert_eq!(padded(4), [0, 1, 2, 3]);
    }

    #[test]
    fn places_are_numbered_through() {
        assert_eq!(places(3), "$1, $2, $3");
        let numbered = values(DbBackend::Postgres, 2, 2);
        assert_eq!(numbered, "(VALUES ($1, $2), ($3, $4))");
        let bare = values(DbBackend::Sqlite, 2, 2);
        assert_eq!(bare, "(VALUES (?, ?), (?, ?))");
    }
}
