//! What the docs say is true: every example frame is a snapshot of a real one,
//! and every test that a rule names exists. What the web client's own tests are
//! fed with is what the server says, too.
//!
//! `UPDATE_DOCS=1 cargo test --test docs` writes the snapshots into the docs.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can't go on should stop where it is"
)]

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory};
use serde_json::Value;
use tidings::cli::Cli;
use tidings::config::Overrides;

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
    for name in ["docs/protocol.md", "docs/admin.md"] {
        let path = root().join(name);
        let page = fs::read_to_string(&path).expect(name);
        assert!(page.contains(MARK), "{name} has examples");
        let fresh = with_snapshots(&page);
        if std::env::var_os("UPDATE_DOCS").is_some() {
            fs::write(&path, fresh).expect("written");
        } else {
            assert!(
                page == fresh,
                "an example in {name} has drifted: UPDATE_DOCS=1 cargo test --test docs"
            );
        }
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

/// A part of a page, by its heading.
fn part(page: &str, heading: &str) -> String {
    let page = fs::read_to_string(root().join("docs").join(page)).expect("the page");
    let part = page.split(heading).nth(1).expect("the heading");
    part.split("\n## ").next().expect("a part").to_owned()
}

/// Every test that one of these lines names exists; how many lines name any.
fn check_guards<'a>(lines: impl Iterator<Item = &'a str>) -> usize {
    let mut code = Vec::new();
    sources(&root().join("src"), &mut code);
    sources(&root().join("entity/src"), &mut code);
    sources(&root().join("tests"), &mut code);
    let mut guarded = 0;
    for named in lines {
        guarded += 1;
        assert!(named.contains('`'), "nothing guards: {named}");
        for name in named.split('`').skip(1).step_by(2) {
            let function = format!("fn {name}(");
            assert!(
                code.iter().any(|text| text.contains(&function)),
                "no test is called {name}"
            );
        }
    }
    guarded
}

#[test]
fn every_test_that_guards_a_rule_exists() {
    let rules = part("ARCHITECTURE.md", "## The rules");
    let guards = rules
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("— "));
    assert_eq!(check_guards(guards), 12, "every rule names what guards it");
}

#[test]
fn every_test_that_guards_what_trust_rests_on_exists() {
    let trust = part("ARCHITECTURE.md", "## Trust");
    let guards = trust
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("— "));
    assert_eq!(check_guards(guards), 5, "every point names what guards it");
}

#[test]
fn every_test_that_guards_the_web_client_exists() {
    let client = part("ARCHITECTURE.md", "## The web client");
    let points = client.lines().filter_map(|line| line.strip_prefix("- "));
    let guards = points.map(|point| point.rsplit(" — ").next().unwrap_or_default());
    assert_eq!(check_guards(guards), 14, "every point names what guards it");
}

#[test]
fn tests_of_each_fault_exist() {
    let page = text("docs/faults.md");
    let faults = page.lines().filter(|line| {
        let id = line
            .strip_prefix("| ")
            .and_then(|line| line.split(' ').next());
        id.is_some_and(|id| {
            id.len() > 1 && id.starts_with(|sign: char| ('A'..='F').contains(&sign))
        })
    });
    // The fault itself may contain code; only the last cell names tests.
    let tested = faults
        .filter_map(|line| line.trim_end_matches(" |").rsplit(" | ").next())
        .filter(|tests| tests.contains('`'));
    assert!(check_guards(tested) <= 62, "one row for each fault");
}

/// What a scraper gets of each metric: a counter's total, a histogram's parts.
fn scraped() -> Vec<String> {
    let kinds = snapshot("ops/metrics");
    let metrics = kinds
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "));
    let names = metrics.flat_map(|metric| {
        let (name, kind) = metric.split_once(' ').expect("a kind");
        let ends: &[&str] = match kind {
            "counter" => &["_total"],
            "histogram" => &["_bucket", "_sum", "_count"],
            "info" => &["_info"],
            _ => &[""],
        };
        ends.iter().map(move |end| format!("{name}{end}"))
    });
    names.collect()
}

#[test]
fn every_metric_of_the_dashboard_exists() {
    let text = fs::read_to_string(root().join("docs/grafana.json")).expect("the dashboard");
    let dashboard: Value = serde_json::from_str(&text).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let asked = panels.iter().flat_map(|panel| {
        let targets = panel["targets"].as_array().expect("targets");
        assert!(!targets.is_empty(), "{panel} shows nothing");
        targets.iter().filter_map(|target| target["expr"].as_str())
    });
    let exist = scraped();
    let mut shown = 0;
    for query in asked {
        let is_part = |sign: char| sign.is_ascii_alphanumeric() || sign == '_';
        let names = query.split(|sign: char| !is_part(sign));
        for name in names.filter(|word| word.starts_with("tidings_")) {
            assert!(exist.iter().any(|known| known == name), "no {name}");
            shown += 1;
        }
    }
    assert!(shown >= exist.len() / 2, "only {shown} are shown");
}

/// The names by which the environment says what the settings are.
fn variables() -> Vec<String> {
    let command = Overrides::augment_args(clap::Command::new("tidings"));
    let named = command.get_arguments().filter_map(clap::Arg::get_env);
    let names: Vec<_> = named.map(|name| name.display().to_string()).collect();
    assert!(names.len() > 10, "{names:?}");
    names
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|_| panic!("no {path}"))
}

#[test]
fn every_setting_that_is_named_exists_and_the_readme_names_all() {
    let known = variables();
    let files = [
        "README.md",
        "Dockerfile",
        "deploy/tidings.service",
        "docs/deploy.md",
    ];
    for path in files {
        let text = text(path);
        let is_part = |sign: char| sign.is_ascii_alphanumeric() || sign == '_';
        let names = text.split(|sign: char| !is_part(sign));
        let named: Vec<_> = names.filter(|name| name.starts_with("TIDINGS_")).collect();
        assert!(!named.is_empty(), "{path} sets nothing");
        for name in named {
            assert!(known.iter().any(|it| it == name), "{path}: no {name}");
        }
    }
    let readme = text("README.md");
    // Refused as long as there is nothing behind it.
    for name in known.iter().filter(|name| *name != "NATS_URL") {
        assert!(readme.contains(&format!("| `{name}` |")), "no {name}");
    }
}

#[test]
fn every_command_that_operators_are_told_exists() {
    let cli = Cli::command();
    let known: Vec<_> = cli.get_subcommands().map(clap::Command::get_name).collect();
    let mut told = 0;
    for path in ["README.md", "docs/deploy.md"] {
        let page = text(path);
        for (at, before) in page.match_indices("tidings ") {
            let rest = page.get(at + before.len()..).unwrap_or_default();
            let word = rest.split(|sign: char| !sign.is_ascii_lowercase()).next();
            // In a command's line or in its quotes, not in prose.
            let is_quoted = page.get(..at).is_some_and(|all| all.ends_with(['`', '\n']));
            if let Some(word) = word.filter(|word| is_quoted && !word.is_empty()) {
                assert!(known.contains(&word), "{path}: no tidings {word}");
                told += 1;
            }
        }
    }
    assert!(told >= 8, "only {told}");
}

/// The doctor says what each of its checks is about, and so does the page.
#[test]
fn every_check_of_the_doctor_is_told() {
    let page = text("docs/deploy.md");
    let checks = text("src/store/doctor/checks.rs");
    let names = checks.lines().filter_map(|line| {
        let name = line.strip_prefix("        \"")?.strip_suffix("\",")?;
        (name.len() < 20).then_some(name)
    });
    let names: Vec<_> = names.collect();
    assert!(names.len() >= 15, "{names:?}");
    let others = ["schema", "integrity", "orphans", "unread", "deleted"];
    for name in names.iter().chain(&others) {
        assert!(page.contains(&format!("`{name}`")), "no {name}");
    }
}

/// The last cells of a part's table, below its head.
fn last_cells(part: &str) -> Vec<&str> {
    let rows = part.lines().filter_map(|line| line.strip_suffix(" |"));
    let cells = rows.map(|row| row.rsplit(" | ").next().unwrap_or_default());
    cells.skip(1).collect()
}

#[test]
fn every_fault_names_the_test_that_shows_what_becomes_of_it() {
    let faults = part("reliability.md", "## Faults");
    assert_eq!(check_guards(last_cells(&faults).into_iter()), 19);
    let clients = part("reliability.md", "## Clients that don't behave");
    assert_eq!(check_guards(last_cells(&clients).into_iter()), 15);
}

#[test]
fn every_picture_of_the_readme_is_there() {
    let page = fs::read_to_string(root().join("README.md")).expect("the README");
    let named = page.split("docs/pictures/").skip(1);
    let names: Vec<_> = named
        .filter_map(|rest| rest.split(['"', ')']).next())
        .collect();
    assert!(names.len() >= 3, "light, dark and a phone: {names:?}");
    for name in names {
        let path = root().join("docs/pictures").join(name);
        assert!(path.is_file(), "no {}", path.display());
    }
}

/// Every snapshot of something in JSON.
fn snapshots(folder: &Path, found: &mut Vec<Value>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path: PathBuf = entry.expect("an entry").path();
        if path.is_dir() {
            snapshots(&path, found);
        } else if path.extension().is_some_and(|end| end == "snap") {
            let text = fs::read_to_string(&path).expect("a text");
            let body = text.splitn(3, "---\n").nth(2).unwrap_or_default();
            found.extend(serde_json::from_str::<Value>(body));
        }
    }
}

/// Whether two are made of the same fields, as far as both have something
/// there.
fn are_alike(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Null, _) | (_, Value::Null) => true,
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, value)| {
                    let there = other.get(name);
                    there.is_some_and(|there| are_alike(value, there))
                })
        }
        (Value::Array(one), Value::Array(other)) => match (one.first(), other.first()) {
            (Some(one), Some(other)) => are_alike(one, other),
            _ => true,
        },
        (Value::Object(_) | Value::Array(_), _) | (_, Value::Object(_) | Value::Array(_)) => false,
        // Ids and times are replaced in snapshots.
        _ => true,
    }
}

#[test]
fn the_web_client_is_tested_on_what_the_server_says() {
    let mut real = Vec::new();
    snapshots(&root().join("tests/it"), &mut real);
    let frames = fs::read_dir(root().join("tests/fixtures/frames")).expect("frames");
    let mut count = 0;
    for entry in frames {
        let path = entry.expect("an entry").path();
        let text = fs::read_to_string(&path).expect("a text");
        let frame: Value = serde_json::from_str(&text).expect("JSON");
        let mut of_type = real.iter().filter(|real| real["type"] == frame["type"]);
        assert!(
            of_type.any(|real| are_alike(&frame, real)),
            "no snapshot is made of the same fields as {}",
            path.display()
        );
        count += 1;
    }
    assert!(count > 10, "{count} frames");
}
