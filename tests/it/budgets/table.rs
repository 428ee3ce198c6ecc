//! The tables of `docs/budgets.md`.

use std::fs;
use std::path::PathBuf;

use crate::authority::routes;

/// The endpoints that have a row.
pub(super) fn endpoints() -> Vec<String> {
    let rows = rows("endpoint").into_iter();
    let names = rows.map(|name| {
        let (method, path) = name.split_once(' ').unwrap();
        format!("{method} {}", routes::shape(path))
    });
    names.collect()
}

/// The frames that have a row.
pub(super) fn frames() -> Vec<String> {
    rows("frame")
}

/// The names in the table whose first heading is `first`.
fn rows(first: &str) -> Vec<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/budgets.md");
    let page = fs::read_to_string(path).unwrap();
    let (_, table) = page.split_once(&format!("| {first} | ")).unwrap();
    let lines = table.lines().skip(2);
    let rows = lines.take_while(|line| line.starts_with("| "));
    let names = rows.map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [name, grows, bound] = cells[..] else {
            panic!("three cells: {line}");
        };
        assert!(!grows.is_empty() && !bound.is_empty(), "{line}");
        name.trim_matches('`').to_owned()
    });
    names.collect()
}
