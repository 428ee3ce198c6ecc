//! Runs a program with only the system calls that the unit in `deploy/` allows.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tempfile::TempDir;
use tokio::process::Command;

use super::binary::run_to_end;

/// A program that runs other programs under the filter.
pub(crate) struct SyscallFilter {
    folder: TempDir,
}

impl SyscallFilter {
    /// Builds the filter from the `SystemCallFilter=` lines of a unit.
    pub(crate) async fn of_unit(unit: &str) -> Self {
        // The C program uses this error code for calls that are not allowed.
        assert!(unit.contains("\nSystemCallErrorNumber=EPERM\n"));
        let folder = tempfile::tempdir().unwrap();
        let mut header = String::new();
        for call in allowed_calls(unit, &call_groups().await) {
            // Skips a call that this architecture doesn't have.
            writeln!(
                header,
                "#ifdef SYS_{call}\nSKIP_IF(SYS_{call}, 0, 1), ANSWER(SECCOMP_RET_ALLOW),\n#endif"
            )
            .unwrap();
        }
        fs::write(folder.path().join("allowed.h"), header).unwrap();
        let filter = Self { folder };
        let source = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut compile = piped("cc");
        compile
            .arg("-I")
            .arg(filter.folder.path())
            .arg("-o")
            .arg(filter.program())
            .arg(source.join("tests/it/support/syscall_filter.c"));
        run_to_end(compile, "").await.expect_success();
        filter
    }

    /// Returns the path of the program, whose arguments are a program and its
    /// arguments.
    pub(crate) fn program(&self) -> PathBuf {
        self.folder.path().join("syscall_filter")
    }
}

type CallGroups = BTreeMap<String, Vec<String>>;

/// Returns systemd's groups of system calls, such as `@resources`.
async fn call_groups() -> CallGroups {
    let mut list = piped("systemd-analyze");
    list.args(["--no-pager", "syscall-filter"]);
    let listed = run_to_end(list, "").await.expect_success();
    let mut groups = CallGroups::new();
    let mut group = None;
    for line in listed.lines() {
        match line.trim() {
            name if line.starts_with('@') => group = Some(name.to_owned()),
            call if line.starts_with(' ') && !call.starts_with('#') => {
                let group = group.clone().unwrap();
                groups.entry(group).or_default().push(call.to_owned());
            }
            _ => {}
        }
    }
    groups
}

/// Returns the system calls that the unit's `SystemCallFilter=` lines allow. As
/// in systemd, a line with `~` removes calls, and `@default` is always allowed.
fn allowed_calls(unit: &str, groups: &CallGroups) -> BTreeSet<String> {
    let mut allowed = calls_of("@default", groups);
    let lines = unit.lines();
    let lines = lines.filter_map(|line| line.strip_prefix("SystemCallFilter="));
    for line in lines {
        let (names, is_denied) = match line.strip_prefix('~') {
            Some(names) => (names, true),
            None => (line, false),
        };
        for call in names.split(' ').flat_map(|name| calls_of(name, groups)) {
            if is_denied {
                allowed.remove(&call)
            } else {
                allowed.insert(call)
            };
        }
    }
    allowed
}

fn calls_of(name: &str, groups: &CallGroups) -> BTreeSet<String> {
    if !name.starts_with('@') {
        return BTreeSet::from([name.to_owned()]);
    }
    let members = &groups[name];
    members
        .iter()
        .flat_map(|member| calls_of(member, groups))
        .collect()
}

fn piped(program: &str) -> Command {
    let mut command = Command::new(program);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}
