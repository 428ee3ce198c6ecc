//! Rules of this repository that rustc and clippy don't check, each with its
//! reason.
//!
//! A rule is a function from a file to its violations. The first half of the
//! tests runs each rule over the whole tree. The second half proves that each
//! rule finds a violation.

#[path = "tidy/actions.rs"]
mod actions;
#[path = "tidy/code.rs"]
mod code;
#[path = "tidy/cycles.rs"]
mod cycles;
#[path = "tidy/graph.rs"]
mod graph;
#[path = "tidy/layers.rs"]
mod layers;
#[path = "tidy/prose.rs"]
mod prose;
#[path = "tidy/scripts.rs"]
mod scripts;
#[path = "tidy/tree.rs"]
mod tree;
#[path = "tidy/tuples.rs"]
mod tuples;
#[path = "tidy/wording.rs"]
mod wording;

use std::io;

use code::{find_word, line_of, split_group};
use tree::{SourceFile, read_tree};

/// A violation of a rule: its place and the rule's reason.
struct TidyFinding {
    path: String,
    line: usize,
    why: String,
}

type TidyRule = fn(&SourceFile) -> Vec<TidyFinding>;

/// The maximum length of a Rust file, in lines.
const LONGEST: usize = 400;

/// Files that may exceed [`LONGEST`], each with the reason.
const LONG_FILES: &[(&str, &str)] = &[];

/// Paths of folders that exist only on a developer's machine. `concat!`
/// assembles them, because whole paths would violate the rule.
const DEVELOPER_FOLDERS: [&str; 6] = [
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
    concat!("/ro", "ot/"),
    concat!("/wo", "rk/"),
    concat!("/wo", "rkspace/"),
    concat!("/wo", "rkspaces/"),
];

// --- The rules ------------------------------------------------------------

fn check_environment(file: &SourceFile) -> Vec<TidyFinding> {
    if !file.is_own_code() || file.path == "src/config.rs" {
        return Vec::new();
    }
    let named = find_word(&file.code, "std::env").collect::<Vec<_>>();
    let grouped = find_word(&file.code, "std::{")
        .filter(|at| split_group(&file.code, at + "std::".len()).contains(&"env"))
        .collect();
    let why = "only config.rs may read the environment, so that every setting has one name, one \
               default and one validation: add it to Settings";
    [named, grouped]
        .concat()
        .into_iter()
        .map(|at| file.finding(at, why))
        .collect()
}

fn check_sockets(file: &SourceFile) -> Vec<TidyFinding> {
    if !file.path.starts_with("src/") || file.path == "src/engine/session/socket.rs" {
        return Vec::new();
    }
    let why = "the next actix-web drops actix-web-actors: only engine/session/socket.rs may use \
               it, so that only one file has to change";
    file.find_words(&["actix_web_actors", "WebsocketContext"], why)
}

fn check_length(file: &SourceFile) -> Vec<TidyFinding> {
    let lines = file.text.lines().count();
    if !file.is_rust() || lines <= LONGEST || is_long_file(&file.path) {
        return Vec::new();
    }
    let why = format!(
        "{lines} lines, more than the limit of {LONGEST}: split the file by topic, or add it with \
         a reason to MAY_BE_LONGER"
    );
    vec![file.finding_in(LONGEST + 1, &why)]
}

fn check_ignored(file: &SourceFile) -> Vec<TidyFinding> {
    let why = "an ignored test proves nothing: fix it or delete it";
    file.find_words(&["#[ignore"], why)
}

fn check_unfinished(file: &SourceFile) -> Vec<TidyFinding> {
    let why = "this is a placeholder or a debugging aid: replace it before the commit";
    file.find_words(&["todo!", "unimplemented!", "dbg!"], why)
}

fn check_printing(file: &SourceFile) -> Vec<TidyFinding> {
    let may_print = file.path == "src/main.rs" || layers::layer_of(&file.path) == Some("cli");
    if !file.path.starts_with("src/") || may_print {
        return Vec::new();
    }
    let why = "only main and cli may print to a terminal: the server logs with tracing";
    file.find_words(&["print!", "println!", "eprint!", "eprintln!"], why)
}

fn check_machine_paths(file: &SourceFile) -> Vec<TidyFinding> {
    let why = "this path exists only on one developer's machine";
    let text = &file.text;
    let found = DEVELOPER_FOLDERS
        .iter()
        .flat_map(|folder| text.match_indices(folder));
    found
        .filter(|(at, _)| begins_a_path(text, *at))
        .map(|(at, _)| file.finding_in(line_of(text, at), why))
        .collect()
}

/// Whether a path begins at `at`, rather than a later part of a path or URL.
fn begins_a_path(text: &str, at: usize) -> bool {
    let before = text.get(..at).and_then(|text| text.chars().next_back());
    !before.is_some_and(|sign| sign.is_alphanumeric() || "-_.}".contains(sign))
}

fn is_long_file(path: &str) -> bool {
    LONG_FILES.iter().any(|(longer, _)| *longer == path)
}

impl SourceFile {
    /// Returns a finding for each place in the code that has one of the words
    /// in `all`.
    fn find_words(&self, all: &[&str], why: &str) -> Vec<TidyFinding> {
        all.iter()
            .flat_map(|word| find_word(&self.code, word))
            .map(|at| self.finding(at, why))
            .collect()
    }

    fn finding(&self, at: usize, why: &str) -> TidyFinding {
        self.finding_in(line_of(&self.code, at), why)
    }

    fn finding_in(&self, line: usize, why: &str) -> TidyFinding {
        TidyFinding {
            path: self.path.clone(),
            line,
            why: why.to_owned(),
        }
    }
}

// --- The tree -------------------------------------------------------------

/// Fails with one line for each violation of `rule` in the tree.
fn check(rule: TidyRule) -> io::Result<()> {
    let findings: Vec<_> = read_tree()?
        .iter()
        .flat_map(rule)
        .map(|found| format!("{}:{}: {}", found.path, found.line, found.why))
        .collect();
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
    Ok(())
}

#[test]
fn layers_import_only_lower_layers() -> io::Result<()> {
    check(layers::check_upward)
}

#[test]
fn environment_is_read_only_by_config() -> io::Result<()> {
    check(check_environment)
}

#[test]
fn actix_web_actors_has_one_user() -> io::Result<()> {
    check(check_sockets)
}

#[test]
fn shown_texts_have_plain_words() -> io::Result<()> {
    check(wording::check_wording)
}

#[test]
fn files_have_bounded_length() -> io::Result<()> {
    check(check_length)
}

#[test]
fn actions_are_matched_in_few_files() -> io::Result<()> {
    let tree = read_tree()?;
    let files = tree.iter().filter(|file| actions::matches_on_action(file));
    let paths: Vec<&str> = files.map(|file| file.path.as_str()).collect();
    assert!(paths.len() <= actions::MATCHING_FILES_MAX, "{paths:#?}");
    Ok(())
}

#[test]
fn exceptions_to_length_are_needed() -> io::Result<()> {
    let tree = read_tree()?;
    for (path, reason) in LONG_FILES {
        let needed = |file: &SourceFile| file.path == *path && file.text.lines().count() > LONGEST;
        assert!(
            tree.iter().any(needed),
            "{path} needs no exception ({reason})"
        );
    }
    Ok(())
}

#[test]
fn tests_are_never_ignored() -> io::Result<()> {
    check(check_ignored)
}

#[test]
fn code_has_no_placeholders() -> io::Result<()> {
    check(check_unfinished)
}

#[test]
fn only_main_and_cli_print() -> io::Result<()> {
    check(check_printing)
}

#[test]
fn browser_scripts_never_act() -> io::Result<()> {
    check(scripts::check_acting)
}

#[test]
fn files_name_no_developer_machine() -> io::Result<()> {
    check(check_machine_paths)
}

#[test]
fn tree_contains_every_part() -> io::Result<()> {
    let tree = read_tree()?;
    for path in [
        "Cargo.toml",
        "src/lib.rs",
        "src/config/error.rs",
        "entity/src/lib.rs",
        "migration/src/lib.rs",
        "tests/run",
        "tests/tidy.rs",
        ".ci/run",
    ] {
        assert!(tree.iter().any(|file| file.path == path), "{path}");
    }
    Ok(())
}

// --- The rules themselves -------------------------------------------------

/// Returns the lines at which `rule` finds a violation in a file with this path
/// and text.
fn finding_lines(rule: TidyRule, path: &str, text: &str) -> Vec<usize> {
    let findings = rule(&SourceFile::new(path, text));
    findings.iter().map(|found| found.line).collect()
}

#[test]
fn environment_access_is_found() {
    for sample in [
        "let x = std::env::var(\"X\");",
        "use std::env;",
        "use std::{env, fs};",
        "use std::{\n    fs,\n    env::{self, var},\n};",
    ] {
        assert_eq!(
            finding_lines(check_environment, "src/web.rs", sample),
            [1],
            "{sample}"
        );
        assert_eq!(
            finding_lines(check_environment, "src/config.rs", sample),
            [0; 0]
        );
        assert_eq!(
            finding_lines(check_environment, "tests/it/main.rs", sample),
            [0; 0]
        );
    }
    for sample in [
        "// std::env::var",
        "use std::{fs, ffi::env};",
        "my_std::environment();",
        "env!(\"CARGO_MANIFEST_DIR\")",
    ] {
        assert_eq!(
            finding_lines(check_environment, "src/web.rs", sample),
            [0; 0],
            "{sample}"
        );
    }
}

#[test]
fn actix_web_actors_import_is_found() {
    let sample = "\nuse actix_web_actors::ws::{self, WebsocketContext};";
    assert_eq!(
        finding_lines(check_sockets, "src/web/sockets.rs", sample),
        [2, 2]
    );
    assert_eq!(
        finding_lines(check_sockets, "src/engine/session/socket.rs", sample),
        [0; 0]
    );
}

#[test]
fn overlong_file_is_found() {
    let long = "\n".repeat(LONGEST + 1);
    assert_eq!(
        finding_lines(check_length, "migration/src/a.rs", &long),
        [LONGEST + 1]
    );
    assert_eq!(
        finding_lines(check_length, "tests/it/main.rs", &long),
        [LONGEST + 1]
    );
    assert_eq!(finding_lines(check_length, "docs/a.md", &long), [0; 0]);
    let enough = "\n".repeat(LONGEST);
    assert_eq!(finding_lines(check_length, "src/a.rs", &enough), [0; 0]);
}

#[test]
fn unfinished_code_and_paths_are_found() {
    let path = "tests/it/main.rs";
    assert_eq!(
        finding_lines(check_ignored, path, "#[test]\n#[ignore = \"slow\"]"),
        [2]
    );
    assert_eq!(finding_lines(check_unfinished, path, "\n\ntodo!()"), [3]);
    assert_eq!(
        finding_lines(check_unfinished, path, "unimplemented!(\"x\")"),
        [1]
    );
    assert_eq!(
        finding_lines(check_unfinished, path, "dbg!(x); not_dbg!(x)"),
        [1]
    );
    assert_eq!(
        finding_lines(check_unfinished, path, "\"todo!()\" // dbg!(x)"),
        [0; 0]
    );

    for folder in DEVELOPER_FOLDERS {
        let path = format!("\nsee {folder}main");
        assert_eq!(
            finding_lines(check_machine_paths, "docs/a.md", &path),
            [2],
            "{folder}"
        );
        let inside = format!("GET https://some.where{folder}");
        assert_eq!(
            finding_lines(check_machine_paths, "src/a.rs", &inside),
            [0; 0],
            "{folder}"
        );
    }
    assert_eq!(
        finding_lines(check_machine_paths, "src/a.rs", "\n// GET /network/"),
        [0; 0]
    );
}

#[test]
fn printing_outside_cli_is_found() {
    let sample = "fn f() {\n    println!(\"x\");\n    eprint!(\"x\");\n}";
    assert_eq!(
        finding_lines(check_printing, "src/web/api.rs", sample).len(),
        2
    );
    for path in ["src/main.rs", "src/cli.rs", "src/cli/user.rs", "tests/a.rs"] {
        assert_eq!(
            finding_lines(check_printing, path, sample),
            [0; 0],
            "{path}"
        );
    }
}
