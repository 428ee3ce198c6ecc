//! Reads and writes the tables of `docs/authority.md`.

use std::fs;
use std::path::PathBuf;

/// The senders of requests, in the order of the columns.
pub(crate) const ROLES: [&str; 8] = [
    "stranger",
    "deactivated",
    "user",
    "participant",
    "former",
    "group admin",
    "owner",
    "admin",
];

/// The roles that can open a socket.
pub(crate) const SOCKETS: [&str; 6] = [
    "user",
    "participant",
    "former",
    "group admin",
    "owner",
    "admin",
];

/// A row of a table.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// A method with a path, or a frame's type.
    pub(crate) target: String,
    /// The body to send: JSON or a form's fields.
    pub(crate) with: String,
    /// The response to each role.
    pub(crate) cells: Vec<String>,
}

impl Row {
    pub(crate) fn method(&self) -> &str {
        self.target.split_once(' ').unwrap().0
    }

    pub(crate) fn path(&self) -> &str {
        self.target.split_once(' ').unwrap().1
    }

    /// Whether the request changes nothing.
    pub(crate) fn is_read_only(&self) -> bool {
        self.method() == "GET" || self.method() == "HEAD"
    }
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/authority.md")
}

/// Returns the rows of the table whose first heading is `first`.
pub(crate) fn rows(first: &str, roles: &[&str]) -> Vec<Row> {
    let page = fs::read_to_string(path()).unwrap();
    let mut rows = Vec::new();
    let mut is_in = false;
    for line in page.lines() {
        let Some(cells) = cells(line) else {
            is_in = false;
            continue;
        };
        if cells[0] == first {
            assert_eq!(cells[2..], *roles, "the columns of {first}");
            is_in = true;
        } else if is_in && !cells[0].starts_with("---") {
            let code = |text: &str| text.trim_matches('`').to_owned();
            rows.push(Row {
                target: code(cells[0]),
                with: code(cells[1]),
                cells: cells[2..].iter().map(|cell| (*cell).to_owned()).collect(),
            });
        }
    }
    assert!(!rows.is_empty(), "no table of {first}");
    rows
}

fn cells(line: &str) -> Option<Vec<&str>> {
    let inner = line.strip_prefix("| ")?.strip_suffix(" |")?;
    Some(inner.split(" | ").map(str::trim).collect())
}

/// Compares the rows with the server's responses. With `UPDATE_DOCS=1`, writes
/// the responses into the table instead.
#[expect(
    clippy::disallowed_methods,
    reason = "UPDATE_DOCS configures this test, not the server"
)]
pub(crate) fn compare(listed: &[Row], found: &[Row], roles: &[&str]) {
    if std::env::var_os("UPDATE_DOCS").is_some() {
        return write(listed, found);
    }
    let mut wrong = Vec::new();
    for (row, found) in listed.iter().zip(found) {
        for (at, role) in roles.iter().enumerate() {
            let (expected, is) = (row.cells.get(at), &found.cells[at]);
            if expected != Some(is) {
                let expected = expected.map_or("nothing", |text| text);
                wrong.push(format!(
                    "{} {}, {role}: the table has {expected}, the server answers {is}",
                    row.target, row.with
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

fn write(listed: &[Row], found: &[Row]) {
    let mut page = fs::read_to_string(path()).unwrap();
    for (row, found) in listed.iter().zip(found) {
        let with = match &*row.with {
            "" => String::new(),
            with => format!("`{with}`"),
        };
        let start = format!("| `{}` | {with} |", row.target);
        let at = page.find(&start).unwrap_or_else(|| panic!("{start}"));
        let end = at + page[at..].find('\n').unwrap();
        let line = format!("{start} {} |", found.cells.join(" | "));
        page.replace_range(at..end, &line);
    }
    fs::write(path(), page).unwrap();
}
