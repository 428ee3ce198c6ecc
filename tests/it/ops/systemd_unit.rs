//! The binary under the restrictions of `deploy/tidings.service`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{SyscallFilter, TestBinary, TestUser, warnings};

fn unit() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(root.join("deploy/tidings.service")).unwrap()
}

/// Returns the value of a setting that the unit has once.
fn setting(unit: &str, name: &str) -> String {
    let lines = unit.lines();
    let mut values = lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    let value = values.next().unwrap_or_else(|| panic!("{name} is missing"));
    assert_eq!(values.next(), None, "{name}");
    value.to_owned()
}

/// Returns the threads of a process, as folders of `/proc`.
fn threads(process: u32) -> Vec<PathBuf> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    threads.map(|thread| thread.unwrap().path()).collect()
}

/// Returns the niceness of a thread, which is field 19 of its `stat`.
fn niceness(thread: &Path) -> i32 {
    let stat = fs::read_to_string(thread.join("stat")).unwrap();
    // The name, field 2, may contain any character.
    let (_, rest) = stat.rsplit_once(") ").unwrap();
    rest.split(' ').nth(16).unwrap().parse().unwrap()
}

/// The only sign of a denied system call may be a log line, so normal use must
/// log no warning. The test also checks that password hashing has a lower
/// priority.
#[tokio::test]
async fn binary_works_under_unit_filter() {
    let unit = unit();
    let filter = SyscallFilter::of_unit(&unit).await;
    let binary = TestBinary::migrated().await;
    let mut serving = binary.serve_filtered(&filter).await;
    let ann = TestUser::register(&serving.site, "ann").await;
    let ben = TestUser::register(&serving.site, "ben").await;
    ann.connect_with(&ben).await;
    let id = ann.open_direct_used(&ben).await;
    let mut socket = ben.log_in_again().await.chat_socket(id).await;
    ann.send(id, "Hello").await.expect(201);
    socket.expect_message().await;
    ann.history(id).await;

    let threads = threads(serving.id());
    let most: usize = setting(&unit, "TasksMax").parse().unwrap();
    assert!(threads.len() < most, "{} threads", threads.len());
    let is_hashing = |thread: &&PathBuf| {
        let name = fs::read_to_string(thread.join("comm")).unwrap();
        name.trim() == "hashing"
    };
    let hashing: Vec<_> = threads.iter().filter(is_hashing).collect();
    assert!(!hashing.is_empty());
    assert!(hashing.into_iter().all(|thread| niceness(thread) > 0));

    let log = binary.log();
    assert_eq!(warnings(&log).next(), None, "{log}");
    serving.signal("TERM").await;
    assert!(serving.wait_for_exit().await.success());
}

/// The unit limits the whole process, independently of the machine's size.
#[test]
fn unit_bounds_memory_tasks_and_cores() {
    let unit = unit();
    assert_eq!(setting(&unit, "MemoryMax"), "2G");
    assert_eq!(setting(&unit, "TasksMax"), "256");
    assert_eq!(setting(&unit, "LimitCORE"), "0");
    let limits = tidings::config::Settings::default().limits;
    // Each event loop may add four threads, each SQLite connection one.
    let threads = limits.event_loops * (1 + 4) + limits.event_loops + 32;
    assert!(threads < 256, "{threads}");
}
