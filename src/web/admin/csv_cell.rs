//! Escapes CSV cells against formula injection in spreadsheets.

use crate::protocol::Username;

/// The characters that begin a formula, with their full-width, small,
/// superscript and subscript variants.
const FORMULA_SIGNS: [char; 19] = [
    '=', '＝', '﹦', '⁼', '₌', '+', '＋', '﹢', '⁺', '₊', '-', '－', '﹣', '⁻', '₋', '−', '@',
    '＠', '﹫',
];

/// Returns the cell with an apostrophe before each sign that could begin a
/// formula.
///
/// Spreadsheets run a cell that begins with such a sign as a formula. Where
/// they split cells varies: at commas, semicolons, tabs, spaces or other signs,
/// even inside quotes. So a sign is escaped unless it follows a letter, a digit
/// or another such sign.
pub(super) fn escape_formulas(cell: &str) -> String {
    let mut written = String::with_capacity(cell.len() + 1);
    let mut before = None;
    for (at, sign) in cell.char_indices() {
        let may_begin_cell =
            before.is_none_or(|it: char| !it.is_alphanumeric() && !FORMULA_SIGNS.contains(&it));
        let (_, rest) = cell.split_at(at);
        let is_name = before == Some(' ') && starts_with_mention(rest);
        if may_begin_cell && FORMULA_SIGNS.contains(&sign) && !is_name {
            written.push('\'');
        }
        written.push(sign);
        before = Some(sign);
    }
    // Some spreadsheets also run a cell that begins with a tab or a line break.
    if cell.starts_with(['\t', '\r', '\n']) {
        format!("'{written}")
    } else {
        written
    }
}

/// Returns whether `text` is a mention that the server wrote into an entry's
/// detail: `@username`, followed by the end or ` “`. Such a mention can't call
/// a function.
fn starts_with_mention(text: &str) -> bool {
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
    fn formula_signs_are_escaped() {
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
            let written = escape_formulas(cell);
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
            assert_eq!(escape_formulas(plain), plain);
        }
    }

    #[test]
    fn signs_after_separators_are_escaped() {
        let separators = [
            ",", ";", "\t", " ", "|", ":", "^", "~", "\n", "\r", "\r\n", "\u{2028}", "\u{85}",
            "\"", "'", "\u{3000}", "；", "，",
        ];
        for separator in separators {
            for sign in FORMULA_SIGNS {
                let cell = format!("x{separator}{sign}1+1");
                assert_eq!(escape_formulas(&cell), format!("x{separator}'{sign}1+1"));
            }
        }
    }
}
