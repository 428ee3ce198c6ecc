//! Scripts in browser tests read, and never act.

use crate::code::line_of;
use crate::tree::File;
use crate::{Finding, lines};

/// What a script acts by, instead of a pointer, a finger or a key.
const ACTING: [&str; 6] = [
    ".click()",
    ".focus()",
    "dispatchEvent",
    ".value =",
    "requestSubmit",
    ".submit()",
];

/// Events of which no input is the cause.
const NOT_INPUT: [&str; 3] = [
    "dispatchEvent(new Event('visibilitychange'",
    "dispatchEvent(new Event('resize'",
    "dispatchEvent(new CloseEvent('close'",
];

pub(crate) fn acting(file: &File) -> Vec<Finding> {
    if !file.is_rust() || !file.path.starts_with("tests/it/") {
        return Vec::new();
    }
    let why = "a script of a browser test reads and never acts: it works on what is inert, covered \
               or tiny. Use the real input of support/browser/input.rs";
    let in_code: Vec<usize> = ACTING
        .iter()
        .flat_map(|word| file.code.match_indices(word))
        .map(|(at, _)| line_of(&file.code, at))
        .collect();
    let is_allowed = |at: usize| {
        let rest = file.text.get(at..).unwrap_or_default();
        NOT_INPUT.iter().any(|event| rest.starts_with(event))
    };
    ACTING
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
    for word in ACTING {
        let sample = format!("let x =\n    \"it{word}\";");
        assert_eq!(lines(acting, path, &sample), [2], "{word}");
        assert_eq!(lines(acting, "tests/tidy.rs", &sample), [0; 0], "{word}");
    }
    for event in NOT_INPUT {
        let sample = format!("let x = \"it.{event}))\";");
        assert_eq!(lines(acting, path, &sample), [0; 0], "{event}");
    }
    let rust = "found.click().await; if x.value == 1 {}";
    assert_eq!(lines(acting, path, rust), [0; 0]);
}
