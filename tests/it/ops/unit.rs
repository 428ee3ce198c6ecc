//! The binary under what `deploy/tidings.service` allows it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{Binary, Person, SyscallFilter};

fn unit() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(root.join("deploy/tidings.service")).unwrap()
}

/// The value of a line of the unit that is there once.
fn setting(unit: &str, name: &str) -> String {
    let lines = unit.lines();
    let mut values = lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    let value = values.next().unwrap_or_else(|| panic!("{name} is missing"));
    assert_eq!(values.next(), None, "{name}");
    value.to_owned()
}

/// The threads of a process, as folders of `/proc`.
fn threads(process: u32) -> Vec<PathBuf> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    threads.map(|thread| thread.unwrap().path()).collect()
}

/// The niceness of a thread: what stands nineteenth in its `stat`.
fn niceness(thread: &Path) -> i32 {
    let stat = fs::read_to_string(thread.join("stat")).unwrap();
    // The name, which is second, may hold anything.
    let (_, rest) = stat.rsplit_once(") ").unwrap();
    rest.split(' ').nth(16).unwrap().parse().unwrap()
}

/// What is refused to a program may be a line in its log alone: a day's work
/// leaves none there, and the threads that hash passwords run after the others.
#[tokio::test]
async fn binary_works_under_unit_filter() {
    let unit = unit();
    let filter = SyscallFilter::of_unit(&unit).await;
    let binary = Binary::migrated().await;
    let mut serving = binary.serve_under(&filter).await;
    let ann = Person::register(&serving.site, "ann").await;
    let ben = Person::register(&serving.site, "ben").await;
    ann.connect_with(&ben).await;
    let id = ann.talk_with(&ben).await;
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
    for level in ["WARN", "ERROR"] {
        assert!(!log.contains(level), "{log}");
    }
    serving.signal("TERM").await;
    assert!(serving.ended().await.success());
}

/// The bounds of the whole process, whatever the machine.
#[test]
fn unit_bounds_memory_tasks_and_cores() {
    let unit = unit();
    assert_eq!(setting(&unit, "MemoryMax"), "2G");
    assert_eq!(setting(&unit, "TasksMax"), "256");
    assert_eq!(setting(&unit, "LimitCORE"), "0");
    let limits = tidings::config::Settings::default().limits;
    // Each event loop may have four threads beside it, each SQLite connection one.
    let threads = limits.event_loops * (1 + 4) + limits.event_loops + 32;
    assert!(threads < 256, "{threads}");
}
