//! How `tests/run` checks dependencies, with a cargo stub that only prints its
//! arguments.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// The output of `tests/run dependencies`, and whether it passed.
struct Checked {
    passed: bool,
    said: String,
}

/// A simulated machine without network, and without tools except those that a
/// test adds.
struct Machine(TempDir);

impl Machine {
    /// Creates a machine whose cargo runs this script; `$*` holds its
    /// arguments.
    fn with_cargo(does: &str) -> Self {
        let machine = Self(tempfile::tempdir().unwrap());
        machine.put("cargo", &format!("echo \"cargo $*\"\n{does}"));
        machine
    }

    fn put(&self, program: &str, does: &str) {
        let path = self.0.path().join(program);
        fs::write(&path, format!("#!/bin/sh\n{does}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn has_cargo_deny(self) -> Self {
        self.put("cargo-deny", "exit 0");
        self
    }

    fn check(&self, environment: &[(&str, &str)]) -> Checked {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = self.0.path().display();
        let output = Command::new(root.join("tests/run"))
            .arg("dependencies")
            .env_clear()
            .env("PATH", format!("{folder}:/usr/bin:/bin"))
            .env("CARGO_HOME", self.0.path())
            .envs(environment.iter().copied())
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        Checked {
            passed: output.status.success(),
            said: String::from_utf8(said).unwrap(),
        }
    }
}

const CI: (&str, &str) = ("CI", "true");
/// A cargo that can't fetch the advisory database.
const OFFLINE: &str = "[ \"$*\" != 'deny fetch db' ]";

#[test]
fn missing_cargo_deny_is_installed() {
    let installs = "[ \"$1\" != install ] || {
        mkdir -p \"$CARGO_HOME/bin\" && cp \"$0\" \"$CARGO_HOME/bin/cargo-deny\"; }";
    let checked = Machine::with_cargo(installs).check(&[CI]);
    assert!(checked.passed, "{}", checked.said);
    for step in [
        "cargo install --locked --debug cargo-deny",
        "cargo deny check bans licenses sources",
        "cargo deny fetch db",
        "cargo deny --offline check advisories",
    ] {
        assert!(checked.said.contains(step), "{step}: {}", checked.said);
    }
    assert!(!checked.said.contains("SKIPPED"), "{}", checked.said);
}

#[test]
fn skipped_check_fails_only_ci() {
    let machine = Machine::with_cargo("[ \"$1\" != install ]");
    let in_ci = machine.check(&[CI]);
    assert!(!in_ci.passed, "{}", in_ci.said);
    assert!(in_ci.said.contains("cargo-deny is missing"));
    let elsewhere = machine.check(&[]);
    assert!(elsewhere.passed, "{}", elsewhere.said);
    assert!(elsewhere.said.contains("but SKIPPED: cargo deny"));
}

#[test]
fn unreachable_advisories_are_reported_loudly() {
    let machine = Machine::with_cargo(OFFLINE).has_cargo_deny();
    let checked = machine.check(&[CI]);
    assert!(checked.passed, "{}", checked.said);
    assert!(checked.said.contains("check bans licenses sources"));
    assert!(checked.said.contains("NOT CHECKED: whether a dependency"));
    assert!(
        checked
            .said
            .contains("all is well, but SKIPPED: advisories")
    );
    let required = machine.check(&[CI, ("ADVISORIES", "required")]);
    assert!(!required.passed, "{}", required.said);
}

#[test]
fn finding_fails_every_run() {
    for refused in [
        "deny check bans licenses sources",
        "deny --offline check advisories",
    ] {
        let machine = Machine::with_cargo(&format!("[ \"$*\" != '{refused}' ]")).has_cargo_deny();
        for environment in [&[CI][..], &[]] {
            let checked = machine.check(environment);
            assert!(!checked.passed, "{refused}: {}", checked.said);
        }
    }
}

/// CI sets the variable with which a skipped check counts as a failure.
#[test]
fn ci_runs_every_check() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let script = fs::read_to_string(root.join(".ci/run")).unwrap();
    assert!(script.contains("CI=true exec tests/run"), "{script}");
}
