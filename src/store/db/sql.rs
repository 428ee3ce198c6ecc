//! Lists of bind parameters in SQL: `$1, $2, …`, which both databases accept.

use std::fmt::Write;

use sea_orm::DbBackend;

/// Returns `$1, $2, …, $count`, for `IN (…)`.
pub(in crate::store) fn placeholders(count: usize) -> String {
    placeholders_from(1, count)
}

/// Returns `count` parameters from `$first`.
pub(in crate::store) fn placeholders_from(first: usize, count: usize) -> String {
    let mut out = String::new();
    for at in first..first + count {
        let comma = if at > first { ", " } else { "" };
        // Writing to a `String` can't fail.
        let _ = write!(out, "{comma}${at}");
    }
    out
}

/// Repeats the last item up to a length that is a power of two. This makes the
/// number of different statements small, so that the database has most of them
/// prepared. Use it only for lists in which duplicates have no effect.
pub(in crate::store) fn pad_to_power_of_two<T: Clone>(list: &mut Vec<T>) {
    if let Some(last) = list.last().cloned() {
        list.resize(list.len().next_power_of_two(), last);
    }
}

/// Returns `(VALUES ($1, $2), ($3, $4), …)` with `rows` rows. Both databases
/// name the columns `column1`, `column2`, …. SQLite gets bare `?`, because it
/// searches a list of all parameters for each numbered one, which is slow in
/// long statements.
pub(in crate::store) fn values_list(backend: DbBackend, rows: usize, columns: usize) -> String {
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
    fn padding_limits_list_lengths() {
        let padded = |count: usize| {
            let mut list: Vec<usize> = (0..count).collect();
            pad_to_power_of_two(&mut list);
            list
        };
        assert!(padded(0).is_empty());
        assert_eq!(padded(1), [0]);
        assert_eq!(padded(3), [0, 1, 2, 2]);
        assert_eq!(padded(4), [0, 1, 2, 3]);
    }

    #[test]
    fn placeholders_are_numbered_consecutively() {
        assert_eq!(placeholders(3), "$1, $2, $3");
        let numbered = values_list(DbBackend::Postgres, 2, 2);
        assert_eq!(numbered, "(VALUES ($1, $2), ($3, $4))");
        let bare = values_list(DbBackend::Sqlite, 2, 2);
        assert_eq!(bare, "(VALUES (?, ?), (?, ?))");
    }
}
