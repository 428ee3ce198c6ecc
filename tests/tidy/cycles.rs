//! Checks that the modules of a layer use each other without a cycle, and don't
//! use the layer's root.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use crate::graph::{LayerGraph, build_graphs};
use crate::tree::{SourceFile, read_tree};

/// A permitted cycle: all modules of one strongly connected component of the
/// layer's graph.
struct KnownCycle {
    layer: &'static str,
    modules: &'static [&'static str],
    reason: &'static str,
}

/// The permitted uses of a layer's root: the number of modules that use its
/// items, and the names of these items.
struct RootUse {
    layer: &'static str,
    modules: usize,
    names: &'static [&'static str],
    reason: &'static str,
}

const KNOWN_CYCLES: &[KnownCycle] = &[];

const ROOT_USES: &[RootUse] = &[
    RootUse {
        layer: "auth",
        modules: 3,
        names: &["FormerSecret", "Secret"],
        reason: "the root defines the secret",
    },
    RootUse {
        layer: "cli",
        modules: 6,
        names: &["CliError", "database_error"],
        reason: "the root defines the errors of commands",
    },
    RootUse {
        layer: "config",
        modules: 3,
        names: &[
            "PublicUrl",
            "RateLimits",
            "Registration",
            "SettingOverrides",
            "Settings",
            "SettingsError",
            "is_private_address",
        ],
        reason: "the root defines the settings",
    },
    RootUse {
        layer: "counters",
        modules: 2,
        names: &["AtomicCounter", "Histogram", "HistogramSnapshot"],
        reason: "the root defines the kinds of counters",
    },
    RootUse {
        layer: "engine",
        modules: 11,
        names: &["Engine", "EngineInner", "ShutdownDeadline"],
        reason: "subjects add methods to the engine",
    },
    RootUse {
        layer: "protocol",
        modules: 11,
        names: &[
            "ClientId",
            "Connection",
            "Conversation",
            "Emoji",
            "ErrorCode",
            "FieldError",
            "Message",
            "MessageText",
            "Problem",
            "User",
        ],
        reason: "the root re-exports the types of the wire",
    },
    RootUse {
        layer: "web",
        modules: 18,
        names: &["AppData", "AppState"],
        reason: "the root defines the state of handlers",
    },
];

/// Returns a line for each cycle that isn't known, and for each known one that
/// no longer exists.
fn check_cycles(graphs: &BTreeMap<String, LayerGraph>, known: &[KnownCycle]) -> Vec<String> {
    let mut lines = Vec::new();
    for (layer, graph) in graphs {
        for cycle in graph.cycles() {
            let is_known = |known: &KnownCycle| known.layer == layer && is_same(known, &cycle);
            if !known.iter().any(is_known) {
                let edges = graph.describe(&cycle);
                lines.push(format!("{layer}: these modules use each other:{edges}"));
            }
        }
    }
    for known in known {
        let graph = graphs.get(known.layer);
        let exists = graph.is_some_and(|graph| graph.cycles().iter().any(|c| is_same(known, c)));
        if !exists {
            let KnownCycle {
                layer,
                modules,
                reason,
            } = known;
            lines.push(format!(
                "{layer}: {modules:?} needs no exception ({reason})"
            ));
        }
    }
    lines
}

fn is_same(known: &KnownCycle, cycle: &BTreeSet<&str>) -> bool {
    known.modules.iter().copied().collect::<BTreeSet<_>>() == *cycle
}

/// Returns a line for each layer whose use of its root differs from the known
/// one.
fn check_root_uses(graphs: &BTreeMap<String, LayerGraph>, known: &[RootUse]) -> Vec<String> {
    let mut lines = Vec::new();
    for (layer, graph) in graphs {
        let names: BTreeSet<_> = graph
            .root_uses
            .values()
            .flatten()
            .map(String::as_str)
            .collect();
        let known = known.iter().find(|known| known.layer == layer);
        let expected = known.map_or((0, BTreeSet::new()), |known| {
            (known.modules, known.names.iter().copied().collect())
        });
        if expected != (graph.root_uses.len(), names) {
            let reason = known.map_or("no exception", |known| known.reason);
            let uses = &graph.root_uses;
            let count = uses.len();
            lines.push(format!(
                "{layer}: {count} modules use the root, not {} as listed ({reason}): {uses:?}",
                expected.0
            ));
        }
    }
    lines
}

#[test]
fn modules_of_layers_form_no_cycle() -> io::Result<()> {
    let lines = check_cycles(&build_graphs(&read_tree()?), KNOWN_CYCLES);
    assert!(lines.is_empty(), "\n{}\n", lines.join("\n"));
    Ok(())
}

#[test]
fn modules_use_no_layer_root() -> io::Result<()> {
    let lines = check_root_uses(&build_graphs(&read_tree()?), ROOT_USES);
    assert!(lines.is_empty(), "\n{}\n", lines.join("\n"));
    Ok(())
}

#[test]
fn exceptions_must_match_exactly() {
    let files = [
        SourceFile::new("src/store/a.rs", "use super::{Store, b};"),
        SourceFile::new("src/store/b.rs", "use super::a;"),
    ];
    let graphs = build_graphs(&files);
    let cycle = |modules| KnownCycle {
        layer: "store",
        modules,
        reason: "sample",
    };
    assert_eq!(check_cycles(&graphs, &[]).len(), 1);
    assert_eq!(check_cycles(&graphs, &[cycle(&["a", "b"])]).len(), 0);
    assert_eq!(check_cycles(&graphs, &[cycle(&["a", "b", "c"])]).len(), 2);
    let root = |modules, names| RootUse {
        layer: "store",
        modules,
        names,
        reason: "sample",
    };
    assert_eq!(check_root_uses(&graphs, &[]).len(), 1);
    assert_eq!(check_root_uses(&graphs, &[root(1, &["Store"])]).len(), 0);
    assert_eq!(check_root_uses(&graphs, &[root(2, &["Store"])]).len(), 1);
}
