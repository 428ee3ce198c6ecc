//! Checks that no layer imports from a layer above or beside it.

use crate::code::{find_word, split_group};
use crate::tree::SourceFile;
use crate::{TidyFinding, finding_lines};

/// The crate's modules from the top layer down, each with the other modules
/// that it may use.
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

/// Returns the layer to which a file of the crate belongs.
pub(crate) fn layer_of(path: &str) -> Option<&str> {
    let inside = path.strip_prefix("src/")?;
    Some(inside.split(['/', '.']).next().unwrap_or(inside))
}

/// Finds each use of a layer that isn't below the file's own. Skips `lib.rs`,
/// which lists all layers, and `main.rs`, which is above them.
pub(crate) fn check_upward(file: &SourceFile) -> Vec<TidyFinding> {
    let Some(own) = layer_of(&file.path).filter(|own| !matches!(*own, "lib" | "main")) else {
        return Vec::new();
    };
    let Some((_, below)) = LAYERS.iter().find(|(name, _)| *name == own) else {
        let why = format!("{own} has no layer: add it to docs/ARCHITECTURE.md and to LAYERS");
        return vec![file.finding_in(1, &why)];
    };
    find_imports(file)
        .into_iter()
        .filter(|(_, used)| *used != own && !below.contains(used))
        .map(|(at, used)| file.finding(at, &explain_upward(own, used)))
        .collect()
}

fn explain_upward(own: &str, used: &str) -> String {
    if LAYERS.iter().any(|(name, _)| *name == used) {
        format!(
            "{own} must not import {used}, which is above or beside it: send a message in \
             engine/ports.rs instead, or move the shared code below both"
        )
    } else {
        format!("crate::{used} hides which layer is used: import by the module's path")
    }
}

/// Returns each name imported from the crate's root, with its offset.
fn find_imports(file: &SourceFile) -> Vec<(usize, &str)> {
    let code = &file.code;
    let by_crate = find_word(code, "crate::").map(|at| (at, at + "crate::".len()));
    let by_super = find_word(code, "super::")
        .filter(|at| !code.get(..*at).is_some_and(|c| c.ends_with("super::")))
        .filter_map(|at| Some((at, at + resolve_super(file, at)?)));
    by_crate
        .chain(by_super)
        .flat_map(|(at, path)| {
            split_group(code, path)
                .into_iter()
                .map(move |name| (at, name))
        })
        .collect()
}

/// Returns the length of the run of `super::` at `at` if it leads to the
/// crate's root.
fn resolve_super(file: &SourceFile, at: usize) -> Option<usize> {
    let (before, path) = file.code.split_at_checked(at)?;
    let run = path.len() - path.trim_start_matches("super::").len();
    let depth = file.path.matches('/').count() + inline_modules(before);
    (run == depth * "super::".len()).then_some(run)
}

/// Returns the number of `mod name { … }` that are still open after `before`.
pub(crate) fn inline_modules(before: &str) -> usize {
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

#[test]
fn upward_import_is_found() {
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
        assert_eq!(
            finding_lines(check_upward, path, sample).len(),
            1,
            "{sample}"
        );
    }
}

#[test]
fn downward_import_is_allowed() {
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
        let found = finding_lines(check_upward, path, sample);
        assert_eq!(found, [0; 0], "{sample}");
    }
}
