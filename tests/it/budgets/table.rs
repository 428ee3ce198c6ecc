//! The tables of `docs/budgets.md`.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use crate::authority::routes;

/// A row of the tables.
pub(super) struct Budget {
    name: String,
    /// The stored data that may grow without exceeding the bound.
    pub(super) grows: String,
    /// The bound on the cost.
    pub(super) bound: String,
    /// The largest number in `bound`: the permitted rows.
    pub(super) rows: u64,
}

/// Returns all rows by endpoint or frame.
pub(super) fn budgets() -> BTreeMap<String, Budget> {
    let endpoints = rows("endpoint")
        .into_iter()
        .map(|row| (shaped(&row.name), row));
    let frames = rows("frame").into_iter().map(|row| (row.name.clone(), row));
    endpoints.chain(frames).collect()
}

/// Returns the endpoints that have a row.
pub(super) fn endpoints() -> Vec<String> {
    rows("endpoint")
        .iter()
        .map(|row| shaped(&row.name))
        .collect()
}

/// Returns the frames that have a row.
pub(super) fn frames() -> Vec<String> {
    rows("frame").into_iter().map(|row| row.name).collect()
}

fn shaped(name: &str) -> String {
    let (method, path) = name.split_once(' ').unwrap();
    format!("{method} {}", routes::shape(path))
}

/// Returns the rows of the table whose first heading is `first`.
fn rows(first: &str) -> Vec<Budget> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/budgets.md");
    let page = fs::read_to_string(path).unwrap();
    let (_, table) = page.split_once(&format!("| {first} | ")).unwrap();
    let lines = table.lines().skip(2);
    let rows = lines.take_while(|line| line.starts_with("| "));
    let budgets = rows.map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [name, grows, bound] = cells[..] else {
            panic!("three cells: {line}");
        };
        assert!(!grows.is_empty() && !bound.is_empty(), "{line}");
        let counts = bound.replace(',', "");
        let counts = counts.split(|c: char| !c.is_ascii_digit());
        Budget {
            name: name.trim_matches('`').to_owned(),
            grows: grows.to_owned(),
            bound: bound.to_owned(),
            rows: counts
                .filter_map(|count| count.parse().ok())
                .max()
                .unwrap_or(0),
        }
    });
    budgets.collect()
}
