//! The graph of the modules of each layer.
//!
//! `src/store/users.rs` and the files below `src/store/users/` are the module
//! `users` of the layer `store`; `src/store.rs` is its root. Modules for tests
//! don't count.

use std::collections::{BTreeMap, BTreeSet};

use crate::code::find_word;
use crate::layers::{inline_modules, layer_of};
use crate::tree::SourceFile;

/// The uses inside one layer. An edge leads from a module to one that it uses,
/// with the files of these uses.
#[derive(Default)]
pub(crate) struct LayerGraph {
    edges: BTreeMap<(String, String), BTreeSet<String>>,
    /// The names that each module uses from the root.
    pub(crate) root_uses: BTreeMap<String, BTreeSet<String>>,
}

impl LayerGraph {
    /// Returns the modules that `from` uses directly or through others.
    fn reachable(&self, from: &str) -> BTreeSet<&str> {
        let mut seen = BTreeSet::new();
        let mut open = vec![from];
        while let Some(next) = open.pop() {
            for (_, used) in self.edges.keys().filter(|(user, _)| user == next) {
                if seen.insert(used.as_str()) {
                    open.push(used);
                }
            }
        }
        seen
    }

    /// Returns each set of modules that use each other.
    pub(crate) fn cycles(&self) -> BTreeSet<BTreeSet<&str>> {
        let users = self.edges.keys().map(|(user, _)| user.as_str());
        users
            .map(|user| {
                let used = self.reachable(user);
                let is_mutual = |other: &&str| self.reachable(other).contains(user);
                used.into_iter().filter(is_mutual).collect()
            })
            .filter(|cycle: &BTreeSet<_>| !cycle.is_empty())
            .collect()
    }

    /// Returns a line for each use inside a cycle.
    pub(crate) fn describe(&self, cycle: &BTreeSet<&str>) -> String {
        let inside = self.edges.iter().filter(|((user, used), _)| {
            cycle.contains(user.as_str()) && cycle.contains(used.as_str())
        });
        inside
            .map(|((user, used), files)| format!("\n    {user} -> {used} in {files:?}"))
            .collect()
    }
}

/// Returns the graph of each layer.
pub(crate) fn build_graphs(tree: &[SourceFile]) -> BTreeMap<String, LayerGraph> {
    let tests = find_test_modules(tree);
    let is_test = |path: &str| tests.iter().any(|test| is_inside(path, test));
    let files: Vec<_> = tree
        .iter()
        .filter(|file| file.is_rust() && file.path.starts_with("src/") && !is_test(&file.path))
        .collect();
    let modules: BTreeSet<_> = files
        .iter()
        .filter_map(|file| Some((layer_of(&file.path)?, module_of(&file.path)?)))
        .collect();
    let mut graphs = BTreeMap::<String, LayerGraph>::new();
    for file in files {
        let (Some(layer), Some(own)) = (layer_of(&file.path), module_of(&file.path)) else {
            continue;
        };
        let graph = graphs.entry(layer.to_owned()).or_default();
        for path in find_paths(file) {
            let mut names = path.iter().map(String::as_str);
            if names.next() != Some(layer) {
                continue;
            }
            let used = names.next().unwrap_or("*");
            if !modules.contains(&(layer, used)) {
                let names = graph.root_uses.entry(own.to_owned()).or_default();
                names.insert(used.to_owned());
            } else if used != own {
                let edge = (own.to_owned(), used.to_owned());
                graph
                    .edges
                    .entry(edge)
                    .or_default()
                    .insert(file.path.clone());
            }
        }
    }
    graphs
}

/// Returns the module of a layer to which a file belongs; none for the root.
fn module_of(path: &str) -> Option<&str> {
    let (_, inside) = path.strip_prefix("src/")?.split_once('/')?;
    inside.split(['/', '.']).next()
}

/// Returns the paths, without ending, of modules that are only for tests.
fn find_test_modules(tree: &[SourceFile]) -> Vec<String> {
    let mut found = Vec::new();
    for file in tree {
        let folder = file.path.trim_end_matches(".rs");
        for at in find_word(&file.code, "#[cfg(test)]") {
            let item = file.code.get(at..).unwrap_or_default();
            let item = item.split([';', '{']).next().unwrap_or_default();
            let mut words = item.split_whitespace().skip_while(|word| *word != "mod");
            if let (Some(_), Some(name)) = (words.next(), words.next()) {
                found.push(format!("{folder}/{name}"));
            }
        }
    }
    found
}

fn is_inside(path: &str, module: &str) -> bool {
    let rest = path.strip_prefix(module);
    rest.is_some_and(|rest| rest.starts_with('/') || rest == ".rs")
}

/// Returns the code of a file without its inline modules for tests.
fn without_tests(code: &str) -> String {
    let mut rest = code;
    let mut kept = String::new();
    while let Some((before, after)) = rest.split_once("#[cfg(test)]") {
        kept.push_str(before);
        let body = after.find(['{', ';']).unwrap_or(after.len());
        let is_module = after
            .get(..body)
            .is_some_and(|head| head.split_whitespace().any(|word| word == "mod"));
        let length = if is_module { item_length(after) } else { 0 };
        rest = after.get(length..).unwrap_or_default();
    }
    kept + rest
}

/// Returns the length of the first item in `item`, up to its `;` or last brace.
fn item_length(item: &str) -> usize {
    let mut depth = 0_usize;
    for (at, sign) in item.char_indices() {
        match sign {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && matches!(sign, ';' | '}') {
            return at + 1;
        }
    }
    item.len()
}

/// Returns the paths of a file that begin with `crate` or `super`. Each is
/// resolved from the crate's root and shortened to two names.
fn find_paths(file: &SourceFile) -> Vec<Vec<String>> {
    let code = without_tests(&file.code);
    let own: Vec<_> = file
        .path
        .trim_start_matches("src/")
        .trim_end_matches(".rs")
        .split('/')
        .collect();
    let mut found = Vec::new();
    let is_visibility = |at: &usize| {
        code.get(..*at)
            .is_some_and(|before| before.ends_with("(in "))
    };
    for at in find_word(&code, "crate::").filter(|at| !is_visibility(at)) {
        expand(
            code.get(at + "crate::".len()..).unwrap_or_default(),
            &[],
            &mut found,
        );
    }
    for at in find_word(&code, "super::") {
        let (before, path) = code.split_at_checked(at).unwrap_or_default();
        if before.ends_with("super::") {
            continue;
        }
        let rest = path.trim_start_matches("super::");
        let up = (path.len() - rest.len()) / "super::".len();
        let Some(up) = up.checked_sub(inline_modules(before)) else {
            continue;
        };
        let base = own.get(..own.len().saturating_sub(up)).unwrap_or_default();
        let base: Vec<_> = base.iter().map(|name| (*name).to_owned()).collect();
        expand(rest, &base, &mut found);
    }
    found
}

/// Adds the path or group of paths at the start of `text` to `found`, each
/// after the names of `base`. Shortens each path to two names.
fn expand(text: &str, base: &[String], found: &mut Vec<Vec<String>>) {
    let text = text.trim_start();
    if base.len() >= 2 {
        found.push(base.to_vec());
        return;
    }
    if let Some(group) = text.strip_prefix('{') {
        for part in group_parts(group) {
            expand(part, base, found);
        }
        return;
    }
    let end = text.find(|sign: char| !sign.is_alphanumeric() && sign != '_');
    let (name, rest) = text
        .split_at_checked(end.unwrap_or(text.len()))
        .unwrap_or_default();
    let mut path = base.to_vec();
    if !matches!(name, "" | "self") {
        path.push(name.to_owned());
    }
    match rest.strip_prefix("::") {
        Some(rest) => expand(rest, &path, found),
        None => found.push(path),
    }
}

/// Returns the parts of a group. `group` begins after its `{`.
fn group_parts(group: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, sign) in group.char_indices() {
        match sign {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                let part = group.get(start..at).unwrap_or_default().trim();
                parts.extend((!part.is_empty()).then_some(part));
                start = at + 1;
                if sign == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    parts
}

/// Builds the graph of the layer `store` from these files.
fn sample_graph(files: &[(&str, &str)]) -> LayerGraph {
    let files: Vec<_> = files
        .iter()
        .map(|(path, text)| SourceFile::new(path, text))
        .collect();
    build_graphs(&files).remove("store").unwrap_or_default()
}

#[test]
fn cycle_between_modules_is_found() {
    for (path, sample) in [
        ("src/store/b.rs", "use crate::store::a::X;"),
        ("src/store/b.rs", "use super::a;"),
        ("src/store/b/deep.rs", "use super::super::a::X;"),
        (
            "src/store/b/deep.rs",
            "use crate::{config, store::{b, a::{X, Y}}};",
        ),
        ("src/store/b.rs", "fn f() { crate::store::a::run() }"),
        ("src/store/b.rs", "mod inner {\n    use super::super::a;\n}"),
        (
            "src/store/b.rs",
            "#[cfg(test)]\nmod tests {\n}\nuse super::a;",
        ),
    ] {
        let graph = sample_graph(&[("src/store/a.rs", "use super::b::Y;"), (path, sample)]);
        assert_eq!(graph.cycles(), [["a", "b"].into()].into(), "{sample}");
    }
}

#[test]
fn downward_use_and_tests_form_no_cycle() {
    for (path, sample) in [
        ("src/store.rs", "pub use a::X; use crate::store::a::X;"),
        ("src/store/b.rs", "// use super::a;"),
        ("src/store/b.rs", "use crate::config::a; use super::b::own;"),
        (
            "src/store/b.rs",
            "#[cfg(test)]\nmod tests {\n    use crate::store::a;\n}",
        ),
        ("src/store/b/tests.rs", "use crate::store::a;"),
    ] {
        let user = ("src/store/a.rs", "use super::b::Y;");
        let parent = ("src/store/b.rs", "#[cfg(test)]\nmod tests;");
        let graph = sample_graph(&[user, parent, (path, sample)]);
        assert!(graph.cycles().is_empty(), "{sample}");
    }
}

#[test]
fn use_of_root_is_found() {
    for (path, sample, names) in [
        ("src/store/a.rs", "use super::Store;", ["Store"]),
        ("src/store/a.rs", "use crate::store::{self, a};", ["*"]),
        (
            "src/store/a/deep.rs",
            "use crate::store::{Store, a::X};",
            ["Store"],
        ),
    ] {
        let graph = sample_graph(&[("src/store/a.rs", ""), (path, sample)]);
        let found: Vec<_> = graph.root_uses.values().flatten().collect();
        assert_eq!(found, names, "{sample}");
    }
    let graph = sample_graph(&[("src/store/a.rs", "pub(in crate::store) fn f() {}")]);
    assert!(graph.root_uses.is_empty());
}
