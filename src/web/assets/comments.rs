//! Leaves out the comments of scripts: they are a fifth of what a browser loads.

/// Empties the lines of a script that are only a comment. The other lines keep
/// their numbers. Template literals end on their line, so that no line of them begins
/// like a comment.
pub(super) fn blank_comments(script: &[u8]) -> Vec<u8> {
    let mut is_inside = false;
    let mut shown = Vec::with_capacity(script.len());
    for line in script.split_inclusive(|&byte| byte == b'\n') {
        let text = line.trim_ascii();
        let begins_block = text.starts_with(b"/*");
        let is_comment = is_inside || begins_block || text.starts_with(b"//");
        is_inside = (is_inside || begins_block) && !text.ends_with(b"*/");
        shown.extend_from_slice(if is_comment { b"\n" } else { line });
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::assets::catalog::StaticFiles;

    #[test]
    fn comment_lines_are_blank() {
        let script = "/** Says\n * so. */\nlet a = 1; // one\n  // two\n  /* x */\nlet b = '//';\n";
        let shown = blank_comments(script.as_bytes());
        let expected = "\n\nlet a = 1; // one\n\n\nlet b = '//';\n";
        assert_eq!(String::from_utf8(shown).unwrap(), expected);
    }

    /// Returns a line without patterns and quoted marks, in which a backtick begins
    /// no template literal.
    fn without_patterns(line: &str) -> String {
        let line = line.replace("'`'", "");
        match (line.find("/["), line.rfind("]/")) {
            (Some(start), Some(end)) if start < end => [&line[..start], &line[end..]].concat(),
            _ => line,
        }
    }

    /// Otherwise a joined script would lose the indentation inside of a literal.
    #[test]
    fn template_literals_end_on_their_line() {
        for path in StaticFiles::iter().filter(|path| path.ends_with(".js")) {
            let script = StaticFiles::get(&path).unwrap().data;
            let shown = blank_comments(&script);
            for line in String::from_utf8_lossy(&shown).lines() {
                let ticks = without_patterns(line).matches('`').count();
                assert_eq!(ticks % 2, 0, "{path}: {line}");
            }
        }
    }
}
