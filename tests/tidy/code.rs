//! A minimal Rust scanner: separates code from comments and literals, and whole
//! names from parts of names.

/// Returns `text` with each character of a comment or literal replaced by a
/// space. Line breaks stay.
pub(crate) fn strip_comments(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(sign) = rest.chars().next() {
        let hidden = comment(rest)
            .or_else(|| string(rest, is_raw(&code)))
            .or_else(|| character(rest));
        let length = hidden.unwrap_or(sign.len_utf8()).min(rest.len());
        let (now, later) = rest.split_at_checked(length).unwrap_or((rest, ""));
        match hidden {
            Some(_) => code.extend(now.chars().map(|c| if c == '\n' { c } else { ' ' })),
            None => code.push_str(now),
        }
        rest = later;
    }
    code
}

/// Returns the offsets at which `word` occurs in `code` as a whole name.
pub(crate) fn find_word<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(word)
        .map(|(at, _)| at)
        .filter(move |at| {
            let before = code.get(..*at).and_then(|c| c.chars().next_back());
            let after = code.get(at + word.len()..).and_then(|c| c.chars().next());
            let joins = |here: Option<char>, there: Option<char>| {
                here.is_some_and(is_name) && there.is_some_and(is_name)
            };
            !joins(before, word.chars().next()) && !joins(word.chars().next_back(), after)
        })
}

/// Returns the first name of each path in the `{…}` at `start`. If there is no
/// brace, returns the one name at `start`.
pub(crate) fn split_group(code: &str, start: usize) -> Vec<&str> {
    let path = code.get(start..).unwrap_or_default();
    let Some(inside) = path.strip_prefix('{') else {
        return vec![first_name(path)];
    };
    let mut depth = 0_usize;
    let mut names = Vec::new();
    let mut part = 0;
    for (at, sign) in inside.char_indices() {
        match sign {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                let name = first_name(inside.get(part..at).unwrap_or_default().trim());
                names.extend((!name.is_empty()).then_some(name));
                part = at + 1;
                if sign == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    names
}

/// Returns the line of the byte at `at`, counted from 1.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|b| *b == b'\n').count()
}

/// Returns the name that begins `path`, or its first character if that isn't
/// part of a name.
fn first_name(path: &str) -> &str {
    let end = path.find(|c| !is_name(c)).unwrap_or(path.len());
    let end = if end == 0 { path.len().min(1) } else { end };
    path.get(..end).unwrap_or_default()
}

fn is_name(sign: char) -> bool {
    sign.is_alphanumeric() || sign == '_'
}

// Each of the following functions returns the length in bytes of the comment or
// literal that begins `rest`, if there is one.

fn comment(rest: &str) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    let mut at = rest.starts_with("/*").then_some(2)?;
    let mut depth = 1;
    while depth > 0 {
        let later = rest.get(at..).filter(|later| !later.is_empty())?;
        match later {
            _ if later.starts_with("/*") => depth += 1,
            _ if later.starts_with("*/") => depth -= 1,
            _ => {
                at += later.chars().next()?.len_utf8();
                continue;
            }
        }
        at += 2;
    }
    Some(at)
}

fn string(rest: &str, is_raw: bool) -> Option<usize> {
    if is_raw {
        let hashes = rest.len() - rest.trim_start_matches('#').len();
        let open = hashes + 1;
        let inside = rest.get(hashes..)?.strip_prefix('"')?;
        let close = format!("\"{}", "#".repeat(hashes));
        return Some(open + inside.find(&close)? + close.len());
    }
    let inside = rest.strip_prefix('"')?;
    let mut signs = inside.char_indices();
    while let Some((at, sign)) = signs.next() {
        match sign {
            '\\' => _ = signs.next(),
            '"' => return Some(1 + at + 1),
            _ => {}
        }
    }
    None
}

/// A lifetime doesn't match: no quote ends it.
fn character(rest: &str) -> Option<usize> {
    let mut signs = rest.strip_prefix('\'')?.char_indices();
    let (_, first) = signs.next()?;
    if first == '\\' {
        signs.next()?;
        let (end, _) = signs.find(|(_, sign)| *sign == '\'')?;
        return Some(1 + end + 1);
    }
    let (end, second) = signs.next()?;
    (second == '\'').then_some(1 + end + 1)
}

/// Whether a raw string may follow `code`: the code ends in the whole name `r`,
/// `br` or `cr`.
fn is_raw(code: &str) -> bool {
    let prefix = code.len() - code.trim_end_matches(is_name).len();
    let prefix = code.get(code.len() - prefix..).unwrap_or_default();
    matches!(prefix, "r" | "br" | "cr")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blanked() {
        for (text, code) in [
            ("a // b\nc", "a     \nc"),
            ("a /* b /* c */ d */ e", "a                   e"),
            (r#"a "b\"c" d"#, "a        d"),
            ("a r#\"b\"c\"# d", "a r        d"),
            (r#"a br"\" b"#, "a br    b"),
            ("a 'b' '\\'' '\"' c", "a              c"),
            ("&'a str, 'b: 'c", "&'a str, 'b: 'c"),
            ("a \"b\n\" c", "a   \n  c"),
            ("r#type \"x\"", "r#type    "),
        ] {
            assert_eq!(strip_comments(text), code, "{text}");
        }
    }

    #[test]
    fn group_returns_first_names() {
        assert_eq!(split_group("a::b", 0), ["a"]);
        assert_eq!(
            split_group("{a, b::{c, d}, e as f,}; g", 0),
            ["a", "b", "e"]
        );
        assert_eq!(split_group("*;", 0), ["*"]);
    }
}
