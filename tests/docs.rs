//! What the docs say is true: every example frame is a snapshot of a real one,
//! and every test that a rule names exists.
//!
//! `UPDATE_DOCS=1 cargo test --test docs` writes the snapshots into the docs.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can't go on should stop where it is"
)]

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A fenced block whose first line ends like this quotes a snapshot:
/// ` ```json snapshot=ws/hello_bound `.
const MARK: &str = "```json snapshot=";

fn snapshot(name: &str) -> String {
    let (folder, name) = name.split_once('/').expect("folder/name");
    let path = root().join(format!("tests/it/{folder}/snapshots/{name}.snap"));
    let text = fs::read_to_string(&path).unwrap_or_else(|_| panic!("no {}", path.display()));
    // Two lines of dashes enclose what insta notes about it.
    let body = text.splitn(3, "---\n").nth(2).expect("a body");
    body.trim_end().to_owned()
}

/// The page with every quoted snapshot as it is now.
fn with_snapshots(page: &str) -> String {
    let mut out = String::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        out.push_str(line);
        out.push('\n');
        if let Some(name) = line.strip_prefix(MARK) {
            lines.by_ref().find(|line| *line == "```").expect("an end");
            out.push_str(&snapshot(name));
            out.push_str("\n```\n");
        }
    }
    out
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "whether to write the docs is no setting of the server's"
)]
fn every_example_of_the_protocol_is_a_snapshot_of_a_real_one() {
    let path = root().join("docs/protocol.md");
    let page = fs::read_to_string(&path).expect("docs/protocol.md");
    assert!(page.contains(MARK), "it has examples");
    let fresh = with_snapshots(&page);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, fresh).expect("written");
    } else {
        assert!(
            page == fresh,
            "an example has drifted: UPDATE_DOCS=1 cargo test --test docs"
        );
    }
}

/// Every Rust file of ours, as one text each.
fn sources(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path: PathBuf = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(fs::read_to_string(&path).expect("a text"));
        }
    }
}

#[test]
fn every_test_that_guards_a_rule_exists() {
    let mut code = Vec::new();
    sources(&root().join("src"), &mut code);
    sources(&root().join("tests"), &mut code);
    let page = fs::read_to_string(root().join("docs/ARCHITECTURE.md")).expect("the page");
    let rules = page.split("## The rules").nth(1).expect("the rules");
    let rules = rules.split("\n## ").next().expect("the rules");
    let mut guarded = 0;
    for line in rules.lines() {
        let Some(named) = line.trim_start().strip_prefix("— ") else {
            continue;
        };
        guarded += 1;
        assert!(named.contains('`'), "nothing guards: {line}");
        for name in named.split('`').skip(1).step_by(2) {
            let function = format!("fn {name}(");
            assert!(
                code.iter().any(|text| text.contains(&function)),
                "no test is called {name}"
            );
        }
    }
    assert_eq!(guarded, 12, "every rule names what guards it");
}
