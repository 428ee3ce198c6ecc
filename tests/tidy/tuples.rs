//! Checks that no parameter of a function is an anonymous tuple. Elements of
//! collections and the parameters of a path may be tuples.

use std::io;

use crate::code::find_word;
use crate::tree::SourceFile;
use crate::{TidyFinding, check, finding_lines};

/// Finds each parameter whose type is a tuple, a reference to one, or an
/// `Option` of one.
fn check_tuples(file: &SourceFile) -> Vec<TidyFinding> {
    if !file.path.starts_with("src/") {
        return Vec::new();
    }
    let why = "an anonymous tuple doesn't say what its parts mean: use separate parameters, or a \
               struct with named fields";
    find_word(&file.code, "fn ")
        .filter_map(|at| parameters_start(&file.code, at))
        .flat_map(|start| split_list(&file.code, start))
        .filter(|(_, parameter)| is_tuple(type_of(parameter)))
        .map(|(at, _)| file.finding(at, why))
        .collect()
}

/// Returns the offset after the `(` of the parameters of the `fn` at `at`.
fn parameters_start(code: &str, at: usize) -> Option<usize> {
    let mut nesting = Nesting::default();
    for (offset, sign) in code.get(at..)?.char_indices() {
        if sign == '(' && nesting.depth == 0 {
            return Some(at + offset + 1);
        }
        nesting.count(sign);
    }
    None
}

/// Returns the items of the list that begins at `start`, up to the bracket that
/// closes it. Each item has its offset.
fn split_list(code: &str, start: usize) -> Vec<(usize, &str)> {
    let mut nesting = Nesting::default();
    let mut items = Vec::new();
    let mut item = start;
    for (offset, sign) in code.get(start..).unwrap_or_default().char_indices() {
        let is_end = nesting.depth == 0 && matches!(sign, ')' | ']' | '}');
        if is_end || (nesting.depth == 0 && sign == ',') {
            items.push((item, code.get(item..start + offset).unwrap_or_default()));
            item = start + offset + 1;
        }
        if is_end {
            break;
        }
        nesting.count(sign);
    }
    items.retain(|(_, text)| !text.trim().is_empty());
    items
}

/// Returns the type of a parameter; an empty text for `self`.
fn type_of(parameter: &str) -> &str {
    let mut nesting = Nesting::default();
    for (at, sign) in parameter.char_indices() {
        if sign == ':' && nesting.depth == 0 {
            return parameter.get(at + 1..).unwrap_or_default().trim();
        }
        nesting.count(sign);
    }
    ""
}

fn is_tuple(kind: &str) -> bool {
    if let Some(inner) = kind.strip_prefix("Option<") {
        return is_tuple(inner);
    }
    if let Some(referenced) = kind.strip_prefix('&') {
        let words = referenced.split_inclusive(' ');
        let marks = words.take_while(|word| word.starts_with('\'') || *word == "mut ");
        let length = marks.map(str::len).sum();
        return is_tuple(referenced.get(length..).unwrap_or_default());
    }
    kind.starts_with('(') && split_list(kind, 1).len() > 1
}

/// The number of open brackets. An arrow closes none.
#[derive(Default)]
struct Nesting {
    depth: usize,
    last: Option<char>,
}

impl Nesting {
    fn count(&mut self, sign: char) {
        match sign {
            '(' | '[' | '{' | '<' => self.depth += 1,
            '>' if self.last == Some('-') => {}
            ')' | ']' | '}' | '>' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        self.last = Some(sign);
    }
}

#[test]
fn parameters_are_no_tuples() -> io::Result<()> {
    check(check_tuples)
}

#[test]
fn tuple_parameter_is_found() {
    for sample in [
        "fn f((a, b): (A, B)) {}",
        "fn f(a: A, pair: (Vec<A>, B)) {}",
        "async fn f<T: Fn(A) -> B>(&self, pair: &(A, T)) {}",
        "fn f(pair: &'a mut (A, B)) {}",
        "fn f(pair: Option<(A, B)>) {}",
        "fn f(\n    a: fn(A) -> B, (a, b): (A, B),\n) {}",
    ] {
        assert_eq!(
            finding_lines(check_tuples, "src/a.rs", sample).len(),
            1,
            "{sample}"
        );
        assert_eq!(
            finding_lines(check_tuples, "tests/a.rs", sample),
            [0; 0],
            "{sample}"
        );
    }
    for sample in [
        "fn f(self, a: A<(B, C)>, d: &[(D, E)]) -> (A, B) {}",
        "fn f(a: impl Fn((A, B)), (b): (B), (): ()) {}",
        "fn f(Path((a, b)): Path<(A, B)>) {}",
        "fn f(a: std::vec::Vec<(A, B)>) {}",
        "type F = fn((A, B));",
        "x.map(|(a, b)| f((a, b)))",
    ] {
        assert_eq!(
            finding_lines(check_tuples, "src/a.rs", sample),
            [0; 0],
            "{sample}"
        );
    }
}
