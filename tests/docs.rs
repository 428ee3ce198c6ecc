//! Checks the docs against the code. Every example frame is a snapshot of a
//! real one, and every test that a rule names exists. The fixtures of the web
//! client's tests have the fields of real frames.
//!
//! `UPDATE_DOCS=1 cargo test --test docs` writes the snapshots into the docs.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can't continue should fail at that line"
)]

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory};
use serde_json::Value;
use tidings::cli::CommandLine;
use tidings::config::SettingOverrides;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A fenced block that quotes a snapshot begins like this: ` ```json
/// snapshot=ws/hello_bound `.
const SNAPSHOT_MARK: &str = "```json snapshot=";

fn read_snapshot(name: &str) -> String {
    let (folder, name) = name.split_once('/').expect("folder/name");
    let path = root().join(format!("tests/it/{folder}/snapshots/{name}.snap"));
    let text = fs::read_to_string(&path).unwrap_or_else(|_| panic!("no {}", path.display()));
    // Insta encloses its metadata in two lines of dashes.
    let body = text.splitn(3, "---\n").nth(2).expect("a body");
    body.trim_end().to_owned()
}

/// Returns the page with every quoted snapshot replaced by the current one.
fn fill_snapshots(page: &str) -> String {
    let mut out = String::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        out.push_str(line);
        out.push('\n');
        if let Some(name) = line.strip_prefix(SNAPSHOT_MARK) {
            lines.by_ref().find(|line| *line == "```").expect("an end");
            out.push_str(&read_snapshot(name));
            out.push_str("\n```\n");
        }
    }
    out
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "UPDATE_DOCS configures this test, not the server"
)]
fn protocol_examples_are_real_snapshots() {
    for name in ["docs/protocol.md", "docs/admin.md"] {
        let path = root().join(name);
        let page = fs::read_to_string(&path).expect(name);
        assert!(page.contains(SNAPSHOT_MARK), "{name} has examples");
        let fresh = fill_snapshots(&page);
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

/// Collects the text of every Rust file below `folder`.
fn collect_sources(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path: PathBuf = entry.expect("an entry").path();
        if path.is_dir() {
            collect_sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(fs::read_to_string(&path).expect("a text"));
        }
    }
}

/// Returns the section of a page that follows `heading`.
fn section_of(page: &str, heading: &str) -> String {
    let page = fs::read_to_string(root().join("docs").join(page)).expect("the page");
    let part = page.split(heading).nth(1).expect("the heading");
    part.split("\n## ").next().expect("a part").to_owned()
}

/// Checks that each line names a test, and that every named test exists.
/// Returns the number of lines.
fn check_guards<'a>(lines: impl Iterator<Item = &'a str>) -> usize {
    let mut code = Vec::new();
    collect_sources(&root().join("src"), &mut code);
    collect_sources(&root().join("entity/src"), &mut code);
    collect_sources(&root().join("tests"), &mut code);
    let mut guarded = 0;
    for named in lines {
        guarded += 1;
        assert!(named.contains('`'), "no test guards: {named}");
        for name in named.split('`').skip(1).step_by(2) {
            let function = format!("fn {name}(");
            assert!(
                code.iter().any(|text| text.contains(&function)),
                "there is no test {name}"
            );
        }
    }
    guarded
}

#[test]
fn tests_of_each_rule_exist() {
    let rules = section_of("ARCHITECTURE.md", "## The rules");
    let guards = rules
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("— "));
    assert_eq!(check_guards(guards), 12, "every rule names its tests");
}

#[test]
fn tests_of_trust_exist() {
    let trust = section_of("ARCHITECTURE.md", "## Trust");
    let guards = trust
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("— "));
    assert_eq!(check_guards(guards), 5, "every point names its tests");
}

#[test]
fn tests_of_web_client_exist() {
    let client = section_of("ARCHITECTURE.md", "## The web client");
    let points = client.lines().filter_map(|line| line.strip_prefix("- "));
    let guards = points.map(|point| point.rsplit(" — ").next().unwrap_or_default());
    assert!(check_guards(guards) >= 27, "every point names its tests");
}

#[test]
fn tests_of_each_fault_exist() {
    let page = read_file("docs/faults.md");
    let faults = page.lines().filter(|line| {
        let id = line
            .strip_prefix("| ")
            .and_then(|line| line.split(' ').next());
        id.is_some_and(|id| {
            id.len() > 1 && id.starts_with(|sign: char| ('A'..='F').contains(&sign))
        })
    });
    // Only the last cell names tests; other cells may contain code spans.
    let tested = faults
        .filter_map(|line| line.trim_end_matches(" |").rsplit(" | ").next())
        .filter(|tests| tests.contains('`'));
    assert!(check_guards(tested) <= 62, "one row for each fault");
}

/// Returns the names under which a scraper reads each metric. A counter's name
/// ends in `_total`. A histogram has one name each for its buckets, sum and
/// count.
fn scraped_metrics() -> Vec<String> {
    let kinds = read_snapshot("ops/metrics");
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
fn metrics_of_dashboard_exist() {
    let text = fs::read_to_string(root().join("docs/grafana.json")).expect("the dashboard");
    let dashboard: Value = serde_json::from_str(&text).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let queries = panels.iter().flat_map(|panel| {
        let targets = panel["targets"].as_array().expect("targets");
        assert!(!targets.is_empty(), "{panel} has no targets");
        targets.iter().filter_map(|target| target["expr"].as_str())
    });
    let exist = scraped_metrics();
    let mut shown = 0;
    for query in queries {
        let is_part = |sign: char| sign.is_ascii_alphanumeric() || sign == '_';
        let names = query.split(|sign: char| !is_part(sign));
        for name in names.filter(|word| word.starts_with("tidings_")) {
            assert!(exist.iter().any(|known| known == name), "no {name}");
            shown += 1;
        }
    }
    assert!(shown >= exist.len() / 2, "only {shown} are shown");
}

/// Returns the environment variables that configure the server.
fn setting_variables() -> Vec<String> {
    let command = SettingOverrides::augment_args(clap::Command::new("tidings"));
    let named = command.get_arguments().filter_map(clap::Arg::get_env);
    let names: Vec<_> = named.map(|name| name.display().to_string()).collect();
    assert!(names.len() > 10, "{names:?}");
    names
}

fn read_file(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|_| panic!("no {path}"))
}

#[test]
fn documented_settings_are_the_real_ones() {
    let known = setting_variables();
    let files = [
        "README.md",
        "Dockerfile",
        "deploy/tidings.service",
        "docs/deploy.md",
    ];
    for path in files {
        let text = read_file(path);
        let is_part = |sign: char| sign.is_ascii_alphanumeric() || sign == '_';
        let names = text.split(|sign: char| !is_part(sign));
        let named: Vec<_> = names.filter(|name| name.starts_with("TIDINGS_")).collect();
        assert!(!named.is_empty(), "{path} names no setting");
        for name in named {
            assert!(known.iter().any(|it| it == name), "{path}: no {name}");
        }
    }
    let readme = read_file("README.md");
    // The server refuses `NATS_URL`, which nothing implements yet.
    for name in known.iter().filter(|name| *name != "NATS_URL") {
        assert!(readme.contains(&format!("| `{name}` |")), "no {name}");
    }
}

#[test]
fn documented_commands_exist() {
    let cli = CommandLine::command();
    let known: Vec<_> = cli.get_subcommands().map(clap::Command::get_name).collect();
    let mut commands = 0;
    for path in ["README.md", "docs/deploy.md"] {
        let page = read_file(path);
        for (at, before) in page.match_indices("tidings ") {
            let rest = page.get(at + before.len()..).unwrap_or_default();
            let word = rest.split(|sign: char| !sign.is_ascii_lowercase()).next();
            // Counts only commands at the start of a line or in backquotes, not
            // in prose.
            let is_quoted = page.get(..at).is_some_and(|all| all.ends_with(['`', '\n']));
            if let Some(word) = word.filter(|word| is_quoted && !word.is_empty()) {
                assert!(known.contains(&word), "{path}: no tidings {word}");
                commands += 1;
            }
        }
    }
    assert!(commands >= 8, "only {commands}");
}

#[test]
fn doctor_checks_are_documented() {
    let page = read_file("docs/deploy.md");
    let checks = read_file("src/store/maintenance/doctor/checks.rs");
    // Each check has its name on a line of its own. Longer strings are texts.
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

/// Returns the last cell of each row of a section's table, without the heading.
fn last_cells(part: &str) -> Vec<&str> {
    let rows = part.lines().filter_map(|line| line.strip_suffix(" |"));
    let cells = rows.map(|row| row.rsplit(" | ").next().unwrap_or_default());
    cells.skip(1).collect()
}

#[test]
fn tests_of_reliability_claims_exist() {
    let faults = section_of("reliability.md", "## Faults");
    assert_eq!(check_guards(last_cells(&faults).into_iter()), 19);
    let clients = section_of("reliability.md", "## Clients that don't behave");
    assert_eq!(check_guards(last_cells(&clients).into_iter()), 15);
}

#[test]
fn pictures_of_readme_exist() {
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

/// Collects every snapshot below `folder` that is JSON.
fn collect_snapshots(folder: &Path, found: &mut Vec<Value>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path: PathBuf = entry.expect("an entry").path();
        if path.is_dir() {
            collect_snapshots(&path, found);
        } else if path.extension().is_some_and(|end| end == "snap") {
            let text = fs::read_to_string(&path).expect("a text");
            let body = text.splitn(3, "---\n").nth(2).unwrap_or_default();
            found.extend(serde_json::from_str::<Value>(body));
        }
    }
}

/// Whether two values have the same fields. Null matches any value, and an
/// empty array matches any array.
fn have_same_shape(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Null, _) | (_, Value::Null) => true,
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, value)| {
                    let there = other.get(name);
                    there.is_some_and(|there| have_same_shape(value, there))
                })
        }
        (Value::Array(one), Value::Array(other)) => match (one.first(), other.first()) {
            (Some(one), Some(other)) => have_same_shape(one, other),
            _ => true,
        },
        (Value::Object(_) | Value::Array(_), _) | (_, Value::Object(_) | Value::Array(_)) => false,
        // Snapshots replace ids and times, so values aren't compared.
        _ => true,
    }
}

#[test]
fn web_client_fixtures_match_server_frames() {
    let mut real = Vec::new();
    collect_snapshots(&root().join("tests/it"), &mut real);
    let frames = fs::read_dir(root().join("tests/fixtures/frames")).expect("frames");
    let mut count = 0;
    for entry in frames {
        let path = entry.expect("an entry").path();
        let text = fs::read_to_string(&path).expect("a text");
        let frame: Value = serde_json::from_str(&text).expect("JSON");
        let mut of_type = real.iter().filter(|real| real["type"] == frame["type"]);
        assert!(
            of_type.any(|real| have_same_shape(&frame, real)),
            "no snapshot has the same fields as {}",
            path.display()
        );
        count += 1;
    }
    assert!(count > 10, "{count} frames");
}
