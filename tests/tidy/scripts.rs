//! Scripts in browser tests may read but not act.

use crate::code::line_of;
use crate::tree::SourceFile;
use crate::{TidyFinding, finding_lines};

/// Calls and assignments by which a script acts in place of a pointer, a finger
/// or a key.
const ACTING_CALLS: [&str; 6] = [
    ".click()",
    ".focus()",
    "dispatchEvent",
    ".value =",
    "requestSubmit",
    ".submit()",
];

/// Events that no user input causes, so a script may dispatch them.
const NOT_INPUT: [&str; 3] = [
    "dispatchEvent(new Event('visibilitychange'",
    "dispatchEvent(new Event('resize'",
    "dispatchEvent(new CloseEvent('close'",
];

pub(crate) fn check_acting(file: &SourceFile) -> Vec<TidyFinding> {
    if !file.is_rust() || !file.path.starts_with("tests/it/") {
        return Vec::new();
    }
    let why = "a script in a browser test may read but not act: it would work even on an inert, \
               covered or tiny control. Use the real input of support/browser/input.rs";
    let in_code: Vec<usize> = ACTING_CALLS
        .iter()
        .flat_map(|word| file.code.match_indices(word))
        .map(|(at, _)| line_of(&file.code, at))
        .collect();
    let is_allowed = |at: usize| {
        let rest = file.text.get(at..).unwrap_or_default();
        NOT_INPUT.iter().any(|event| rest.starts_with(event))
    };
    ACTING_CALLS
        .iter()
        .flat_map(|word| file.text.match_indices(word))
        .filter(|(at, _)| !is_allowed(*at))
        .map(|(at, _)| line_of(&file.text, at))
        .filter(|line| !in_code.contains(line))
        .map(|line| file.finding_in(line, why))
        .collect()
}

#[test]
fn acting_script_is_found_in_tests() {
    let path = "tests/it/browser/a.rs";
    for word in ACTING_CALLS {
        let sample = format!("let x =\n    \"it{word}\";");
        assert_eq!(finding_lines(check_acting, path, &sample), [2], "{word}");
        assert_eq!(
            finding_lines(check_acting, "tests/tidy.rs", &sample),
            [0; 0],
            "{word}"
        );
    }
    for event in NOT_INPUT {
        let sample = format!("let x = \"it.{event}))\";");
        assert_eq!(
            finding_lines(check_acting, path, &sample),
            [0; 0],
            "{event}"
        );
    }
    let rust = "found.click().await; if x.value == 1 {}";
    assert_eq!(finding_lines(check_acting, path, rust), [0; 0]);
}
