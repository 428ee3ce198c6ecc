//! The tables of `docs/authority.md`, read and written.

use std::fs;
use std::path::PathBuf;

/// Who asks, in the order of the columns.
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

/// Those who have a socket.
pub(crate) const SOCKETS: [&str; 6] = [
    "user",
    "participant",
    "former",
    "group admin",
    "owner",
    "admin",
];

/// One line of a table.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// What is asked: a method with a path, or a frame's type.
    pub(crate) door: String,
    /// What is sent there: JSON, or a form's fields.
    pub(crate) with: String,
    /// What each role is answered.
    pub(crate) cells: Vec<String>,
}

impl Row {
    pub(crate) fn method(&self) -> &str {
        self.door.split_once(' ').unwrap().0
    }

    pub(crate) fn path(&self) -> &str {
        self.door.split_once(' ').unwrap().1
    }

    /// Whether nothing changes by it.
    pub(crate) fn only_looks(&self) -> bool {
        self.method() == "GET" || self.method() == "HEAD"
    }
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/authority.md")
}

/// The rows of the table whose first heading is `first`.
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
                door: code(cells[0]),
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

/// What was found against what the table says: the same, or with
/// `UPDATE_DOCS=1` the table is made to say it.
#[expect(
    clippy::disallowed_methods,
    reason = "whether to write the docs is no setting of the server's"
)]
pub(crate) fn compare(said: &[Row], found: &[Row], roles: &[&str]) {
    if std::env::var_os("UPDATE_DOCS").is_some() {
        return write(said, found);
    }
    let mut wrong = Vec::new();
    for (said, found) in said.iter().zip(found) {
        for (at, role) in roles.iter().enumerate() {
            let (said_so, is) = (said.cells.get(at), &found.cells[at]);
            if said_so != Some(is) {
                let said_so = said_so.map_or("nothing", |text| text);
                wrong.push(format!(
                    "{} {}, {role}: the table says {said_so}, the server {is}",
                    said.door, said.with
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

fn write(said: &[Row], found: &[Row]) {
    let mut page = fs::read_to_string(path()).unwrap();
    for (said, found) in said.iter().zip(found) {
        let with = match &*said.with {
            "" => String::new(),
            with => format!("`{with}`"),
        };
        let start = format!("| `{}` | {with} |", said.door);
        let at = page.find(&start).unwrap_or_else(|| panic!("{start}"));
        let end = at + page[at..].find('\n').unwrap();
        let line = format!("{start} {} |", found.cells.join(" | "));
        page.replace_range(at..end, &line);
    }
    fs::write(path(), page).unwrap();
}
