//! House rules that neither rustc nor clippy knows, each told with its reason.
//!
//! A rule is a function from a file to what is wrong with it. One half of the
//! tests runs each over the whole tree; the other half shows that it does fire.

#[path = "tidy/code.rs"]
mod code;
#[path = "tidy/layers.rs"]
mod layers;
#[path = "tidy/scripts.rs"]
mod scripts;
#[path = "tidy/tree.rs"]
mod tree;

use std::io;

use code::{group, line_of, words};
use tree::{File, tree};

/// What is wrong, where, and why that is a rule.
struct Finding {
    path: String,
    line: usize,
    why: String,
}

type Rule = fn(&File) -> Vec<Finding>;

/// The longest a Rust file may be, in lines.
const LONGEST: usize = 400;

/// Files that may be longer, each with its reason.
const MAY_BE_LONGER: &[(&str, &str)] = &[];

/// Where machines keep somebody's work. Put together, so that these lines
/// aren't such paths.
const SOMEBODYS_FOLDERS: [&str; 6] = [
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
    concat!("/ro", "ot/"),
    concat!("/wo", "rk/"),
    concat!("/wo", "rkspace/"),
    concat!("/wo", "rkspaces/"),
];

// --- The rules ------------------------------------------------------------

fn environment(file: &File) -> Vec<Finding> {
    if !file.is_ours() || file.path == "src/config.rs" {
        return Vec::new();
    }
    let named = words(&file.code, "std::env").collect::<Vec<_>>();
    let grouped = words(&file.code, "std::{")
        .filter(|at| group(&file.code, at + "std::".len()).contains(&"env"))
        .collect();
    let why = "only config.rs reads the environment, so that every setting has one name, one \
               default and one check: add it to Settings";
    [named, grouped]
        .concat()
        .into_iter()
        .map(|at| file.finding(at, why))
        .collect()
}

fn sockets(file: &File) -> Vec<Finding> {
    if !file.path.starts_with("src/") || file.path == "src/engine/session/socket.rs" {
        return Vec::new();
    }
    let why = "actix-web-actors goes with the next actix-web: only engine/session/socket.rs may \
               know it, so that one file has to change then";
    file.each(&["actix_web_actors", "WebsocketContext"], why)
}

fn length(file: &File) -> Vec<Finding> {
    let lines = file.text.lines().count();
    if !file.is_rust() || lines <= LONGEST || may_be_longer(&file.path) {
        return Vec::new();
    }
    let why = format!(
        "{lines} lines, and {LONGEST} are enough: split it by sense, or give the reason for its \
         length in MAY_BE_LONGER"
    );
    vec![file.finding_in(LONGEST + 1, &why)]
}

fn ignored(file: &File) -> Vec<Finding> {
    let why = "a test that doesn't run proves nothing: mend it or take it out";
    file.each(&["#[ignore"], why)
}

fn unfinished(file: &File) -> Vec<Finding> {
    let why = "this is for while one writes: finish it before it is committed";
    file.each(&["todo!", "unimplemented!", "dbg!"], why)
}

fn printing(file: &File) -> Vec<Finding> {
    let speaks = file.path == "src/main.rs" || layers::layer(&file.path) == Some("cli");
    if !file.path.starts_with("src/") || speaks {
        return Vec::new();
    }
    let why = "only main and cli speak to a terminal: what a server has to say goes to tracing";
    file.each(&["print!", "println!", "eprint!", "eprintln!"], why)
}

fn machine(file: &File) -> Vec<Finding> {
    let why = "a path of somebody's machine: it exists nowhere else";
    let text = &file.text;
    let found = SOMEBODYS_FOLDERS
        .iter()
        .flat_map(|folder| text.match_indices(folder));
    found
        .filter(|(at, _)| begins_a_path(text, *at))
        .map(|(at, _)| file.finding_in(line_of(text, at), why))
        .collect()
}

/// Whether no path and no address goes on here.
fn begins_a_path(text: &str, at: usize) -> bool {
    let before = text.get(..at).and_then(|text| text.chars().next_back());
    !before.is_some_and(|sign| sign.is_alphanumeric() || "-_.}".contains(sign))
}

fn may_be_longer(path: &str) -> bool {
    MAY_BE_LONGER.iter().any(|(longer, _)| *longer == path)
}

impl File {
    /// One finding for each place where one of `words` stands in the code.
    fn each(&self, all: &[&str], why: &str) -> Vec<Finding> {
        all.iter()
            .flat_map(|word| words(&self.code, word))
            .map(|at| self.finding(at, why))
            .collect()
    }

    fn finding(&self, at: usize, why: &str) -> Finding {
        self.finding_in(line_of(&self.code, at), why)
    }

    fn finding_in(&self, line: usize, why: &str) -> Finding {
        Finding {
            path: self.path.clone(),
            line,
            why: why.to_owned(),
        }
    }
}

// --- The tree -------------------------------------------------------------

/// Fails with a line for each thing that `rule` finds in the tree.
fn check(rule: Rule) -> io::Result<()> {
    let findings: Vec<_> = tree()?
        .iter()
        .flat_map(rule)
        .map(|found| format!("{}:{}: {}", found.path, found.line, found.why))
        .collect();
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
    Ok(())
}

#[test]
fn no_layer_knows_one_above_it() -> io::Result<()> {
    check(layers::upward)
}

#[test]
fn only_config_reads_the_environment() -> io::Result<()> {
    check(environment)
}

#[test]
fn only_one_file_knows_actix_web_actors() -> io::Result<()> {
    check(sockets)
}

#[test]
fn no_file_is_too_long() -> io::Result<()> {
    check(length)
}

#[test]
fn every_file_that_may_be_longer_is() -> io::Result<()> {
    let tree = tree()?;
    for (path, reason) in MAY_BE_LONGER {
        let needed = |file: &File| file.path == *path && file.text.lines().count() > LONGEST;
        assert!(
            tree.iter().any(needed),
            "{path} needs no exception ({reason})"
        );
    }
    Ok(())
}

#[test]
fn no_test_is_ignored() -> io::Result<()> {
    check(ignored)
}

#[test]
fn nothing_is_left_unfinished() -> io::Result<()> {
    check(unfinished)
}

#[test]
fn only_main_and_cli_print() -> io::Result<()> {
    check(printing)
}

#[test]
fn no_browser_script_acts() -> io::Result<()> {
    check(scripts::acting)
}

#[test]
fn no_machine_is_named() -> io::Result<()> {
    check(machine)
}

#[test]
fn the_tree_is_all_there() -> io::Result<()> {
    let tree = tree()?;
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

/// The lines on which `rule` finds something in a file of this path and text.
fn lines(rule: Rule, path: &str, text: &str) -> Vec<usize> {
    let findings = rule(&File::new(path, text));
    findings.iter().map(|found| found.line).collect()
}

#[test]
fn the_environment_is_seen_however_it_is_named() {
    for sample in [
        "let x = std::env::var(\"X\");",
        "use std::env;",
        "use std::{env, fs};",
        "use std::{\n    fs,\n    env::{self, var},\n};",
    ] {
        assert_eq!(lines(environment, "src/web.rs", sample), [1], "{sample}");
        assert_eq!(lines(environment, "src/config.rs", sample), [0; 0]);
        assert_eq!(lines(environment, "tests/it/main.rs", sample), [0; 0]);
    }
    for sample in [
        "// std::env::var",
        "use std::{fs, ffi::env};",
        "my_std::environment();",
        "env!(\"CARGO_MANIFEST_DIR\")",
    ] {
        assert_eq!(lines(environment, "src/web.rs", sample), [0; 0], "{sample}");
    }
}

#[test]
fn actix_web_actors_is_seen_outside_its_file() {
    let sample = "\nuse actix_web_actors::ws::{self, WebsocketContext};";
    assert_eq!(lines(sockets, "src/web/sockets.rs", sample), [2, 2]);
    assert_eq!(
        lines(sockets, "src/engine/session/socket.rs", sample),
        [0; 0]
    );
}

#[test]
fn a_long_file_is_seen() {
    let long = "\n".repeat(LONGEST + 1);
    assert_eq!(lines(length, "migration/src/a.rs", &long), [LONGEST + 1]);
    assert_eq!(lines(length, "tests/it/main.rs", &long), [LONGEST + 1]);
    assert_eq!(lines(length, "docs/a.md", &long), [0; 0]);
    let enough = "\n".repeat(LONGEST);
    assert_eq!(lines(length, "src/a.rs", &enough), [0; 0]);
}

#[test]
fn what_has_no_business_in_a_commit_is_seen() {
    let path = "tests/it/main.rs";
    assert_eq!(lines(ignored, path, "#[test]\n#[ignore = \"slow\"]"), [2]);
    assert_eq!(lines(unfinished, path, "\n\ntodo!()"), [3]);
    assert_eq!(lines(unfinished, path, "unimplemented!(\"x\")"), [1]);
    assert_eq!(lines(unfinished, path, "dbg!(x); not_dbg!(x)"), [1]);
    assert_eq!(lines(unfinished, path, "\"todo!()\" // dbg!(x)"), [0; 0]);

    for folder in SOMEBODYS_FOLDERS {
        let path = format!("\nsee {folder}main");
        assert_eq!(lines(machine, "docs/a.md", &path), [2], "{folder}");
        let inside = format!("GET https://some.where{folder}");
        assert_eq!(lines(machine, "src/a.rs", &inside), [0; 0], "{folder}");
    }
    assert_eq!(lines(machine, "src/a.rs", "\n// GET /network/"), [0; 0]);
}

#[test]
fn printing_is_seen_but_in_main_and_cli() {
    let sample = "fn f() {\n    println!(\"x\");\n    eprint!(\"x\");\n}";
    assert_eq!(lines(printing, "src/web/api.rs", sample).len(), 2);
    for path in ["src/main.rs", "src/cli.rs", "src/cli/user.rs", "tests/a.rs"] {
        assert_eq!(lines(printing, path, sample), [0; 0], "{path}");
    }
}

#[test]
fn an_upward_import_is_seen_however_it_is_written() {
    for (path, sample) in [
        ("src/store.rs", "use crate::engine::Room;"),
        (
            "src/store/users.rs",
            "use crate::{\n    protocol::{User, web},\n    engine,\n};",
        ),
        ("src/store.rs", "use super::web;"),
        ("src/store/users.rs", "use super::super::{protocol, web};"),
        (
            "src/auth.rs",
            "mod tests {\n    use super::super::store;\n}",
        ),
        ("src/engine/hub.rs", "fn f() { crate::app::start() }"),
        ("src/protocol.rs", "use crate::telemetry;"),
        ("src/web.rs", "use crate::cli;"),
        ("src/cli.rs", "use crate::web;"),
        ("src/auth.rs", "use crate::Everything;"),
        ("src/auth.rs", "use crate::*;"),
        ("src/newcomer.rs", ""),
    ] {
        assert_eq!(lines(layers::upward, path, sample).len(), 1, "{sample}");
    }
}

#[test]
fn a_downward_import_is_none_of_our_business() {
    for (path, sample) in [
        (
            "src/web/api.rs",
            "use crate::{engine::Hub, web::auth, store};",
        ),
        (
            "src/engine/room.rs",
            "use super::hub; use super::super::store;",
        ),
        ("src/store.rs", "mod tests {\n    use super::web;\n}"),
        ("src/store.rs", "// crate::web\nlet x = \"crate::web\";"),
        ("src/store.rs", "use mycrate::web; pub(crate) fn f() {}"),
        ("src/lib.rs", "pub use crate::app::Application;"),
        ("src/main.rs", "use crate::anything;"),
        (
            "src/cli/user.rs",
            "use crate::{app, store, auth, config, protocol};",
        ),
        ("tests/it/main.rs", "use crate::support;"),
    ] {
        let found = lines(layers::upward, path, sample);
        assert_eq!(found, [0; 0], "{sample}");
    }
}
