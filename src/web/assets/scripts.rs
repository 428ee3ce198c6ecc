//! Joins the modules of an entry point into one script, so that a page needs
//! one request for its scripts.
//!
//! Each module becomes a function, which returns the module's exports. They are
//! in `$modules`, which the script exports. A module that `import()` loads stays
//! a script of its own, and takes from `$modules` what the entry point has
//! already loaded. So no module exists twice.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::web::assets::module_syntax::{
    ImportedNames, ModuleImport, ScriptModule, UnknownSyntax, parse_module,
};

/// The scripts that pages load as modules.
pub(super) const ENTRY_POINTS: [&str; 7] = [
    "account.js",
    "admin.js",
    "admin_frame.js",
    "main.js",
    "profile.js",
    "reset.js",
    "settings.js",
];

/// A script that could not be joined.
#[derive(Debug, thiserror::Error)]
enum JoinError {
    #[error(transparent)]
    Syntax(#[from] UnknownSyntax),
    #[error("{0}: no such module")]
    Missing(String),
    #[error("{0}: the module imports itself through others")]
    Cycle(String),
}

/// Returns the joined scripts of all entry points by path. If one can't be
/// joined, its script throws the reason: tests and developers see it in the
/// browser's console.
pub(super) fn join_all(sources: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut joined = BTreeMap::new();
    for entry in ENTRY_POINTS {
        match join_entry(sources, entry) {
            Ok(scripts) => joined.extend(scripts),
            Err(error) => {
                tracing::error!(entry, %error, "can't join the scripts of a page");
                let script = format!("throw new Error({:?});\n", error.to_string());
                joined.insert(entry.to_owned(), script);
            }
        }
    }
    joined
}

/// Returns the script of an entry point, and the scripts that it loads later.
/// Those are in a folder with the name of the entry point.
fn join_entry(
    sources: &BTreeMap<String, String>,
    entry: &str,
) -> Result<BTreeMap<String, String>, JoinError> {
    let mut joiner = ScriptJoiner {
        sources,
        folder: entry.trim_end_matches(".js"),
        modules: BTreeMap::new(),
        order: Vec::new(),
    };
    joiner.load_in_order(entry, &mut BTreeSet::new())?;
    let mut scripts = BTreeMap::from([(entry.to_owned(), joiner.entry_script())]);
    let mut due = joiner.lazy_modules();
    while let Some(path) = due.pop() {
        let target = format!("{}/{path}", joiner.folder);
        if scripts.contains_key(&target) {
            continue;
        }
        let module = joiner.parse(&path)?;
        let others = module.imports.iter().map(|it| &it.path);
        let others = others.chain(module.lazy.values());
        due.extend(others.filter(|it| !joiner.is_in_entry(it)).cloned());
        scripts.insert(target, joiner.lazy_script(&path, &module));
    }
    Ok(scripts)
}

struct ScriptJoiner<'a> {
    sources: &'a BTreeMap<String, String>,
    /// The name of the entry point without `.js`.
    folder: &'a str,
    /// The modules of the entry point's script.
    modules: BTreeMap<String, ScriptModule>,
    /// Their paths, each after those of its imports.
    order: Vec<String>,
}

impl ScriptJoiner<'_> {
    fn parse(&self, path: &str) -> Result<ScriptModule, JoinError> {
        let source = self.sources.get(path);
        let source = source.ok_or_else(|| JoinError::Missing(path.to_owned()))?;
        Ok(parse_module(path, source)?)
    }

    /// Loads a module after all that it imports.
    fn load_in_order(
        &mut self,
        path: &str,
        importers: &mut BTreeSet<String>,
    ) -> Result<(), JoinError> {
        if self.is_in_entry(path) {
            return Ok(());
        }
        if !importers.insert(path.to_owned()) {
            return Err(JoinError::Cycle(path.to_owned()));
        }
        let module = self.parse(path)?;
        for import in &module.imports {
            self.load_in_order(&import.path, importers)?;
        }
        importers.remove(path);
        self.modules.insert(path.to_owned(), module);
        self.order.push(path.to_owned());
        Ok(())
    }

    fn is_in_entry(&self, path: &str) -> bool {
        self.modules.contains_key(path)
    }

    /// Returns the modules that the entry point's script may load later.
    fn lazy_modules(&self) -> Vec<String> {
        let lazy = self.modules.values().flat_map(|it| it.lazy.values());
        lazy.filter(|it| !self.is_in_entry(it)).cloned().collect()
    }

    fn entry_script(&self) -> String {
        let mut script = "const $modules={};\n".to_owned();
        for (path, module) in self
            .order
            .iter()
            .filter_map(|it| self.modules.get_key_value(it))
        {
            script += &format!("$modules[{path:?}]=(()=>{{\n");
            for import in &module.imports {
                script += &reference(import);
            }
            let base = format!("new URL(\"../../js/{path}\",import.meta.url).href");
            let body = module.body.replace("import.meta.url", &base);
            script += &self.load_lazily(module, body, |lazy| format!("./{}/{lazy}", self.folder));
            script += &format!("return {{{}}};\n}})();\n", pairs(&module.exports, ":"));
        }
        script + "export{$modules as modules};\n"
    }

    /// Returns the script of a module that is loaded later. Its folder mirrors
    /// `static/js`, so imports of other such modules stay as they are.
    fn lazy_script(&self, path: &str, module: &ScriptModule) -> String {
        let above = "../".repeat(path.matches('/').count() + 1);
        let mut script = format!(
            "import{{modules as $modules}}from\"{above}{}.js\";\n",
            self.folder
        );
        for import in &module.imports {
            script += &if self.is_in_entry(&import.path) {
                reference(import)
            } else {
                statement(import)
            };
        }
        let base = format!("new URL(\"{above}../../js/{path}\",import.meta.url).href");
        let body = module.body.replace("import.meta.url", &base);
        let root = "../".repeat(path.matches('/').count());
        script += &self.load_lazily(module, body, |lazy| format!("./{root}{lazy}"));
        let exports = module.exports.iter();
        let exports: Vec<_> = exports
            .map(|(name, own)| format!("{own} as {name}"))
            .collect();
        script + &format!("export{{{}}};\n", exports.join(","))
    }

    /// Replaces the specifiers of dynamic imports.
    fn load_lazily(
        &self,
        module: &ScriptModule,
        mut body: String,
        place: impl Fn(&str) -> String,
    ) -> String {
        for (specifier, path) in &module.lazy {
            let loaded = if self.is_in_entry(path) {
                format!("Promise.resolve($modules[{path:?}])")
            } else {
                format!("import({:?})", place(path))
            };
            body = body.replace(&format!("import('{specifier}')"), &loaded);
        }
        body
    }
}

/// Returns a declaration of what a module imports from `$modules`.
fn reference(import: &ModuleImport) -> String {
    let path = &import.path;
    match &import.names {
        ImportedNames::None => String::new(),
        ImportedNames::Namespace(own) => format!("const {own}=$modules[{path:?}];\n"),
        ImportedNames::Named(names) => {
            format!("const {{{}}}=$modules[{path:?}];\n", pairs(names, ":"))
        }
    }
}

/// Returns an import statement.
fn statement(import: &ModuleImport) -> String {
    let specifier = &import.specifier;
    match &import.names {
        ImportedNames::None => format!("import{specifier:?};\n"),
        ImportedNames::Namespace(own) => format!("import*as {own} from{specifier:?};\n"),
        ImportedNames::Named(names) => {
            format!("import{{{}}}from{specifier:?};\n", pairs(names, " as "))
        }
    }
}

fn pairs(names: &[(String, String)], between: &str) -> String {
    let mut list = String::new();
    for (name, own) in names {
        let _ = if name == own {
            write!(list, "{name},")
        } else {
            write!(list, "{name}{between}{own},")
        };
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::assets::catalog::StaticFiles;
    use crate::web::assets::comments::blank_comments;

    fn sources(files: &[(&str, &str)]) -> BTreeMap<String, String> {
        let files = files.iter();
        files
            .map(|&(path, text)| (path.to_owned(), text.to_owned()))
            .collect()
    }

    #[test]
    fn entry_point_holds_its_modules() {
        let files = sources(&[
            (
                "main.js",
                "import { b } from './lib/b.js';\nimport './lib/c.js';\nb();\n",
            ),
            (
                "lib/b.js",
                "import * as a from './a.js';\nexport function b() {\n  \
                 import('../sheets/s.js');\n  import('./c.js');\n  return a.a;\n}\n",
            ),
            ("lib/a.js", "export const a = import.meta.url;\n"),
            ("lib/c.js", "export { a as c } from './a.js';\n"),
            (
                "sheets/s.js",
                "import { a } from '../lib/a.js';\nimport { t as u } from './t.js';\n\
                 export const s = () => [a, u, import('../lib/c.js'), import('./t.js')];\n",
            ),
            ("sheets/t.js", "export const t = 1;\n"),
        ]);
        let scripts = join_entry(&files, "main.js").unwrap();
        let names: Vec<_> = scripts.keys().map(String::as_str).collect();
        assert_eq!(names, ["main.js", "main/sheets/s.js", "main/sheets/t.js"]);
        assert_eq!(
            scripts["main.js"],
            r#"const $modules={};
$modules["lib/a.js"]=(()=>{
const a = new URL("../../js/lib/a.js",import.meta.url).href;
return {a,};
})();
$modules["lib/b.js"]=(()=>{
const a=$modules["lib/a.js"];
function b() {
import("./main/sheets/s.js");
Promise.resolve($modules["lib/c.js"]);
return a.a;
}
return {b,};
})();
$modules["lib/c.js"]=(()=>{
const {a:$a,}=$modules["lib/a.js"];
return {c:$a,};
})();
$modules["main.js"]=(()=>{
const {b,}=$modules["lib/b.js"];
b();
return {};
})();
export{$modules as modules};
"#
        );
        assert_eq!(
            scripts["main/sheets/s.js"],
            r#"import{modules as $modules}from"../../main.js";
const {a,}=$modules["lib/a.js"];
import{t as u,}from"./t.js";
const s = () => [a, u, Promise.resolve($modules["lib/c.js"]), import("./../sheets/t.js")];
export{s as s};
"#
        );
    }

    #[test]
    fn failed_join_throws_its_reason() {
        let cycle = sources(&[
            ("main.js", "import './a.js';\n"),
            ("a.js", "import './main.js';\n"),
        ]);
        for (files, reason) in [
            (cycle, "main.js: the module imports itself through others"),
            (
                sources(&[("main.js", "import './a.js';\n")]),
                "a.js: no such module",
            ),
            (
                sources(&[("main.js", "export default 1;\n")]),
                "main.js: can't join: export default 1;",
            ),
        ] {
            let script = &join_all(&files)["main.js"];
            assert_eq!(*script, format!("throw new Error(\"{reason}\");\n"));
        }
    }

    /// The browser test `joined_scripts_export_what_sources_export` runs them.
    #[test]
    fn every_entry_point_can_be_joined() {
        let scripts = StaticFiles::iter().filter_map(|path| {
            let own = path.strip_prefix("js/")?.to_owned();
            let source = blank_comments(&StaticFiles::get(&path)?.data);
            Some((own, String::from_utf8(source).unwrap()))
        });
        let scripts: BTreeMap<_, _> = scripts.collect();
        for entry in ENTRY_POINTS {
            join_entry(&scripts, entry).unwrap();
        }
        for (path, source) in &scripts {
            parse_module(path, source).unwrap();
        }
    }
}
