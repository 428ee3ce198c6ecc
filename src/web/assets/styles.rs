//! Joins the style sheets of a page into one.
//!
//! An entry of `static/css/entry/` imports the sheets of a kind of page. Its
//! `@import` rules are replaced by the sheets.

use std::collections::BTreeMap;

/// The folder of the entries.
const ENTRIES: &str = "entry/";

/// Returns the joined sheets by path.
pub(super) fn join_all(sheets: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let entries = sheets.iter().filter(|(path, _)| path.starts_with(ENTRIES));
    entries
        .map(|(path, entry)| (path.clone(), join_entry(sheets, entry)))
        .collect()
}

/// Replaces the imports of an entry. An import of a sheet that does not exist
/// stays, so that the browser reports it.
fn join_entry(sheets: &BTreeMap<String, String>, entry: &str) -> String {
    let mut joined = String::new();
    for line in compact(entry).lines() {
        match imported(line).and_then(|path| sheets.get(path)) {
            Some(sheet) => joined += &compact(sheet),
            None => {
                joined += line;
                joined.push('\n');
            }
        }
    }
    joined
}

/// Returns the path in `@import "../path";`.
fn imported(line: &str) -> Option<&str> {
    line.strip_prefix("@import \"../")?.strip_suffix("\";")
}

/// Leaves out comments, indentation and empty lines. Strings stay as they are.
fn compact(sheet: &str) -> String {
    let plain = without_comments(sheet);
    let lines = plain.lines().map(str::trim).filter(|it| !it.is_empty());
    lines.flat_map(|line| [line, "\n"]).collect()
}

fn without_comments(sheet: &str) -> String {
    let mut shown = String::with_capacity(sheet.len());
    let mut quote = None;
    let mut rest = sheet;
    while let Some(next) = rest.chars().next() {
        if quote.is_none() && rest.starts_with("/*") {
            rest = rest.split_once("*/").map_or("", |(_, after)| after);
            continue;
        }
        match quote {
            Some(open) if open == next => quote = None,
            None if next == '"' || next == '\'' => quote = Some(next),
            _ => {}
        }
        shown.push(next);
        rest = rest.get(next.len_utf8()..).unwrap_or_default();
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::assets::catalog::StaticFiles;

    #[test]
    fn imports_are_replaced_by_sheets() {
        let sheets = BTreeMap::from(
            [
                (
                    "entry/a.css",
                    "/* All. */\n@import \"../b.css\";\n@import \"../c/d.css\";\n",
                ),
                (
                    "b.css",
                    "b {\n  /* A\n     comment */\n  top: 0; /* x */\n\n}\n",
                ),
                ("c/d.css", "d {\n  content: \"/* y */\";\n}\n"),
            ]
            .map(|(path, text)| (path.to_owned(), text.to_owned())),
        );
        let joined = join_all(&sheets);
        assert_eq!(joined.len(), 1);
        let expected = "b {\ntop: 0;\n}\nd {\ncontent: \"/* y */\";\n}\n";
        assert_eq!(joined["entry/a.css"], expected);
    }

    /// A relative URL in a sheet would lead elsewhere from a joined sheet.
    #[test]
    fn entries_import_existing_sheets() {
        let sheets = StaticFiles::iter().filter_map(|path| {
            let own = path.strip_prefix("css/")?.to_owned();
            let text = StaticFiles::get(&path)?.data;
            Some((own, String::from_utf8(text.into_owned()).unwrap()))
        });
        let sheets: BTreeMap<_, _> = sheets.collect();
        let joined = join_all(&sheets);
        assert!(!joined.is_empty());
        for (path, sheet) in &joined {
            assert!(!sheet.contains("@import"), "{path}");
            assert!(!sheet.contains("url("), "{path}");
        }
    }
}
