//! The number of files that match on the action of a message or on its outcome:
//! each of them may have to change for a new action.

use crate::code::find_word;
use crate::tree::SourceFile;

/// The maximum number of files. With the parser of frames, an endpoint and its
/// route, a new action then changes at most 14 files.
pub(crate) const MATCHING_FILES_MAX: usize = 11;

/// The enums of an action, from the frame to the announced change. The files
/// that define them match on `Self`.
const ENUMS: [(&str, &str); 4] = [
    ("MessageAction", "src/protocol/action.rs"),
    ("ConversationAction", "src/protocol/action.rs"),
    ("AppendOutcome", "src/store/append/outcome.rs"),
    ("CommittedChange", "src/store/append/outcome.rs"),
];

/// Returns whether the file matches on one of the enums. Tests don't count.
pub(crate) fn matches_on_action(file: &SourceFile) -> bool {
    if !file.path.starts_with("src/") || file.path.contains("/tests") {
        return false;
    }
    let code = file.code.split("#[cfg(test)]\nmod tests {").next();
    let code = code.unwrap_or_default();
    ENUMS.iter().any(|(name, home)| {
        let variant = format!("{name}::");
        file.path == *home || find_word(code, &variant).any(|at| is_pattern(code, at))
    })
}

/// Returns whether the variant at `at` is a pattern rather than a value.
fn is_pattern(code: &str, at: usize) -> bool {
    let (before, rest) = code.split_at_checked(at).unwrap_or((code, ""));
    let statement = before.rsplit([';', '{', '}']).next().unwrap_or_default();
    if statement.contains("matches!(") {
        return true;
    }
    let name = |sign: char| sign.is_alphanumeric() || matches!(sign, '_' | ':');
    let rest = rest.trim_start_matches(name).trim_start();
    let rest = skip_group(rest).trim_start();
    let rest = rest.trim_start_matches(|sign: char| sign == ')' || sign.is_whitespace());
    let is_binding = rest.starts_with('=') && !rest.starts_with("==");
    is_binding || rest.starts_with('|') || rest.starts_with("if ")
}

/// Skips the fields of a variant.
fn skip_group(code: &str) -> &str {
    let mut depth = 0_usize;
    for (at, sign) in code.char_indices() {
        match sign {
            '(' | '{' => depth += 1,
            ')' | '}' if depth > 0 => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            let end = if at == 0 && !matches!(sign, '(' | '{') {
                0
            } else {
                at + sign.len_utf8()
            };
            return code.get(end..).unwrap_or_default();
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_matching(code: &str) -> bool {
        matches_on_action(&SourceFile::new("src/engine/room.rs", code))
    }

    #[test]
    fn match_patterns_are_found() {
        for pattern in [
            "match it { MessageAction::Delete => 1 }",
            "match it { MessageAction::Edit(text) if text.is_empty() => 1 }",
            "match it { ConversationAction::Act { action, .. } => 1 }",
            "if let AppendOutcome::Written(change) = outcome {}",
            "match it { Some(AppendOutcome::Unchanged(Some(it))) => 1 }",
            "matches!(outcome, AppendOutcome::Stale)",
            "match it { CommittedChange::Marked { .. } | CommittedChange::Edited { .. } => 1 }",
        ] {
            assert!(is_matching(pattern), "{pattern}");
        }
        for value in [
            "let action = MessageAction::Delete;",
            "Err(problem) => AppendOutcome::Refused(problem),",
            "send(ConversationAction::Act { message, action })",
            "let it = ConversationAction::mark(kind, message);",
            "use crate::protocol::{ConversationAction, MessageAction};",
            "all.map(CommittedChange::version)",
        ] {
            assert!(!is_matching(value), "{value}");
        }
    }
}
