//! A cell of a table that a spreadsheet may open.

use crate::protocol::Username;

/// What begins a formula, in each of its widths and places.
const FORMULA_SIGNS: [char; 19] = [
    '=', '＝', '﹦', '⁼', '₌', '+', '＋', '﹢', '⁺', '₊', '-', '－', '﹣', '⁻', '₋', '−', '@',
    '＠', '﹫',
];

/// Spreadsheets take a cell that begins with such a sign for a formula, and run
/// it. Where a cell begins is theirs to say: they split lines at commas,
/// semicolons, tabs, spaces or any other sign, also within quotes. So a sign
/// gets an apostrophe before it unless it follows a letter or a digit.
pub(super) fn harmless(cell: &str) -> String {
    let mut written = String::with_capacity(cell.len() + 1);
    let mut before = None;
    for (at, sign) in cell.char_indices() {
        let may_begin_cell =
            before.is_none_or(|it: char| !it.is_alphanumeric() && !FORMULA_SIGNS.contains(&it));
        let (_, rest) = cell.split_at(at);
        let is_name = before == Some(' ') && names_user(rest);
        if may_begin_cell && FORMULA_SIGNS.contains(&sign) && !is_name {
            written.push('\'');
        }
        written.push(sign);
        before = Some(sign);
    }
    // Some read no further than to the first of these.
    match cell.starts_with(['\t', '\r', '\n']) {
        true => format!("'{written}"),
        false => written,
    }
}

/// Whether a text goes on with `@username`, as our own sentences do, and with
/// nothing that would call it.
fn names_user(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('@') else {
        return false;
    };
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let end = rest.find(|c| !is_of_name(c)).unwrap_or(rest.len());
    let (name, after) = rest.split_at(end);
    Username::parse(name).is_ok() && (after.is_empty() || after.starts_with(" “"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_begins_a_formula() {
        for cell in [
            "+1",
            "-1",
            "@x",
            "\r=1",
            "＝1",
            "＋1",
            "－1",
            "＠x",
            "−1",
            "\u{200b}=1",
        ] {
            let written = harmless(cell);
            let signs = written.trim_start_matches(['\r', '\u{200b}']);
            assert!(signs.starts_with('\''), "{cell:?}: {written:?}");
        }
        for plain in [
            "a=1",
            "2026-11-21T20:24:25Z",
            "user.end-login",
            "",
            "a, b; c",
            "from @ann “ann”",
        ] {
            assert_eq!(harmless(plain), plain);
        }
    }

    #[test]
    fn no_separator_makes_formula() {
        let separators = [
            ",", ";", "\t", " ", "|", ":", "^", "~", "\n", "\r", "\r\n", "\u{2028}", "\u{85}",
            "\"", "'", "\u{3000}", "；", "，",
        ];
        for separator in separators {
            for sign in FORMULA_SIGNS {
                let cell = format!("x{separator}{sign}1+1");
                assert_eq!(harmless(&cell), format!("x{separator}'{sign}1+1"));
            }
        }
    }
}
