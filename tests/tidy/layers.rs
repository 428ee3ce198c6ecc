//! Who may know whom.

use crate::Finding;
use crate::code::{group, words};
use crate::tree::File;

/// Each module of the crate with those that it may use beside itself: the
/// order of the design, top down.
const LAYERS: &[(&str, &[&str])] = &[
    (
        "cli",
        &[
            "app",
            "demo",
            "store",
            "auth",
            "protocol",
            "telemetry",
            "config",
        ],
    ),
    (
        "app",
        &["web", "engine", "store", "auth", "telemetry", "config"],
    ),
    (
        "web",
        &[
            "engine",
            "store",
            "auth",
            "counters",
            "protocol",
            "telemetry",
            "config",
        ],
    ),
    (
        "engine",
        &["store", "counters", "protocol", "telemetry", "config"],
    ),
    ("demo", &["store", "protocol"]),
    ("store", &["protocol", "telemetry", "config"]),
    ("auth", &["protocol"]),
    ("counters", &["protocol"]),
    ("protocol", &[]),
    ("telemetry", &["config"]),
    ("config", &[]),
];

/// The layer that a file of the crate belongs to.
pub(crate) fn layer(path: &str) -> Option<&str> {
    let inside = path.strip_prefix("src/")?;
    Some(inside.split(['/', '.']).next().unwrap_or(inside))
}

/// Finds the use of a layer that isn't below. `lib.rs` lists them all, and
/// `main.rs` stands above.
pub(crate) fn upward(file: &File) -> Vec<Finding> {
    let Some(own) = layer(&file.path).filter(|own| !matches!(*own, "lib" | "main")) else {
        return Vec::new();
    };
    let Some((_, below)) = LAYERS.iter().find(|(name, _)| *name == own) else {
        let why = format!("{own} is in no layer: give it its place in the design, and here");
        return vec![file.finding_in(1, &why)];
    };
    imports(file)
        .into_iter()
        .filter(|(_, used)| *used != own && !below.contains(used))
        .map(|(at, used)| file.finding(at, &reason(own, used)))
        .collect()
}

fn reason(own: &str, used: &str) -> String {
    if LAYERS.iter().any(|(name, _)| *name == used) {
        format!(
            "{own} must not know {used}, which stands above or beside it: send what has to go \
             there as a message, or move what is shared below both"
        )
    } else {
        format!("crate::{used} hides which layer is used: name it by its module")
    }
}

/// Each use of something at the crate's root, and where it stands.
fn imports(file: &File) -> Vec<(usize, &str)> {
    let code = &file.code;
    let by_crate = words(code, "crate::").map(|at| (at, at + "crate::".len()));
    let by_super = words(code, "super::")
        .filter(|at| !code.get(..*at).is_some_and(|c| c.ends_with("super::")))
        .filter_map(|at| Some((at, at + climb(file, at)?)));
    by_crate
        .chain(by_super)
        .flat_map(|(at, path)| group(code, path).into_iter().map(move |name| (at, name)))
        .collect()
}

/// The length of the run of `super::` at `at`, if it ends at the crate's root.
fn climb(file: &File, at: usize) -> Option<usize> {
    let (before, path) = file.code.split_at_checked(at)?;
    let run = path.len() - path.trim_start_matches("super::").len();
    let depth = file.path.matches('/').count() + inline_modules(before);
    (run == depth * "super::".len()).then_some(run)
}

/// How many `mod name { … }` are open after `before`.
fn inline_modules(before: &str) -> usize {
    let mut open = Vec::new();
    for (at, sign) in before.char_indices() {
        match sign {
            '{' => open.push(opens_module(before.get(..at).unwrap_or_default())),
            '}' => _ = open.pop(),
            _ => {}
        }
    }
    open.into_iter().filter(|is_module| *is_module).count()
}

fn opens_module(before: &str) -> bool {
    before.split_whitespace().rev().nth(1) == Some("mod")
}
