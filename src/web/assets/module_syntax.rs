//! Reads the imports and exports of a module of `static/js`.
//!
//! It knows the forms that the client uses, each at the start of a line. An
//! unknown form is an error, which a test finds.

use std::collections::BTreeMap;

/// A module, split into its imports, its exports and the rest.
#[derive(Debug)]
pub(super) struct ScriptModule {
    pub(super) imports: Vec<ModuleImport>,
    /// Exported names, each with the name inside the module.
    pub(super) exports: Vec<(String, String)>,
    pub(super) body: String,
    /// The modules that `import()` loads, by their specifier in the body.
    pub(super) lazy: BTreeMap<String, String>,
}

#[derive(Debug)]
pub(super) struct ModuleImport {
    /// The path of the imported module.
    pub(super) path: String,
    pub(super) specifier: String,
    pub(super) names: ImportedNames,
}

#[derive(Debug)]
pub(super) enum ImportedNames {
    /// `import './a.js'`
    None,
    /// `import * as name from './a.js'`
    Namespace(String),
    /// `import { name, name as own } from './a.js'`: names with own names
    Named(Vec<(String, String)>),
}

/// A form of import or export that can't be joined.
#[derive(Debug, thiserror::Error)]
#[error("{path}: can't join: {statement}")]
pub(super) struct UnknownSyntax {
    path: String,
    statement: String,
}

/// The start of a dynamic import.
const LAZY_IMPORT: &str = "import('";

/// Splits a module without comments. Lines lose their indentation.
pub(super) fn parse_module(path: &str, source: &str) -> Result<ScriptModule, UnknownSyntax> {
    let mut module = ScriptModule {
        imports: Vec::new(),
        exports: Vec::new(),
        body: String::new(),
        lazy: BTreeMap::new(),
    };
    let mut lines = source.lines();
    while let Some(line) = lines.next() {
        let mut statement = line.to_owned();
        let is_list = line.starts_with("import ") || line.starts_with("export {");
        while is_list && !statement.ends_with(';') {
            let Some(next) = lines.next() else { break };
            statement.push(' ');
            statement.push_str(next.trim());
        }
        module
            .add_statement(path, &statement)
            .ok_or_else(|| UnknownSyntax {
                path: path.to_owned(),
                statement,
            })?;
    }
    Ok(module)
}

impl ScriptModule {
    /// Adds a line, or a whole import or export statement.
    fn add_statement(&mut self, path: &str, statement: &str) -> Option<()> {
        if let Some(rest) = statement.strip_prefix("import ") {
            self.imports.push(parse_import(path, rest)?);
        } else if let Some(rest) = statement.strip_prefix("export {") {
            self.add_export_list(path, rest)?;
        } else if let Some(rest) = statement.strip_prefix("export ") {
            let name = declared_name(rest)?;
            self.exports.push((name.clone(), name));
            self.add_line(path, rest)?;
        } else {
            self.add_line(path, statement)?;
        }
        Some(())
    }

    /// Adds `a, b as c };` or `a, b as c } from './d.js';`.
    fn add_export_list(&mut self, path: &str, rest: &str) -> Option<()> {
        let (names, rest) = rest.split_once('}')?;
        let mut names = parse_names(names)?;
        if let Some(from) = rest.strip_prefix(" from ") {
            let (own, specifier) = (|name: &str| format!("${name}"), quoted(from)?);
            self.imports.push(ModuleImport {
                path: resolve(path, &specifier)?,
                specifier,
                names: ImportedNames::Named(
                    names.iter().map(|(it, _)| (it.clone(), own(it))).collect(),
                ),
            });
            for (name, _) in &mut names {
                *name = own(name);
            }
        } else if rest != ";" {
            return None;
        }
        let exports = names.into_iter().map(|(own, exported)| (exported, own));
        self.exports.extend(exports);
        Some(())
    }

    fn add_line(&mut self, path: &str, line: &str) -> Option<()> {
        let line = line.trim();
        if line.matches("import(").count() != line.matches(LAZY_IMPORT).count() {
            return None;
        }
        for (at, _) in line.match_indices(LAZY_IMPORT) {
            let (specifier, _) = line.get(at + LAZY_IMPORT.len()..)?.split_once("')")?;
            let lazy = resolve(path, specifier)?;
            self.lazy.insert(specifier.to_owned(), lazy);
        }
        if !line.is_empty() {
            self.body.push_str(line);
            self.body.push('\n');
        }
        Some(())
    }
}

fn parse_import(path: &str, rest: &str) -> Option<ModuleImport> {
    let (names, from) = match rest.split_once(" from ") {
        Some((names, from)) => (parse_imported(names)?, from),
        None => (ImportedNames::None, rest),
    };
    let specifier = quoted(from)?;
    Some(ModuleImport {
        path: resolve(path, &specifier)?,
        specifier,
        names,
    })
}

fn parse_imported(names: &str) -> Option<ImportedNames> {
    if let Some(name) = names.strip_prefix("* as ") {
        return is_name(name).then(|| ImportedNames::Namespace(name.to_owned()));
    }
    let list = names.strip_prefix('{')?.strip_suffix('}')?;
    Some(ImportedNames::Named(parse_names(list)?))
}

/// Reads `a, b as c`.
fn parse_names(list: &str) -> Option<Vec<(String, String)>> {
    let items = list.split(',').map(str::trim).filter(|it| !it.is_empty());
    let pairs = items.map(|item| {
        let (name, own) = item.split_once(" as ").unwrap_or((item, item));
        (is_name(name) && is_name(own)).then(|| (name.to_owned(), own.to_owned()))
    });
    pairs.collect()
}

/// Returns the name of an exported declaration. `let` and `var` are unknown
/// forms: importers would have to follow their changes.
fn declared_name(declaration: &str) -> Option<String> {
    let forms = ["const ", "class ", "function ", "async function "];
    let rest = forms
        .iter()
        .find_map(|form| declaration.strip_prefix(form))?;
    let end = rest.find(|it| !is_name_character(it))?;
    let name = rest.get(..end).filter(|name| is_name(name))?;
    Some(name.to_owned())
}

fn is_name(text: &str) -> bool {
    text.starts_with(|it: char| is_name_character(it) && !it.is_ascii_digit())
        && text.chars().all(is_name_character)
}

fn is_name_character(it: char) -> bool {
    it.is_ascii_alphanumeric() || it == '_' || it == '$'
}

/// Reads `'./a.js';`.
fn quoted(text: &str) -> Option<String> {
    let inner = text.strip_prefix('\'')?.strip_suffix("';")?;
    (!inner.contains('\'')).then(|| inner.to_owned())
}

/// Returns the path that a relative specifier in a module means.
fn resolve(path: &str, specifier: &str) -> Option<String> {
    let mut folders: Vec<&str> = path.split('/').collect();
    folders.pop();
    let mut rest = specifier.strip_prefix("./").unwrap_or(specifier);
    while let Some(above) = rest.strip_prefix("../") {
        folders.pop()?;
        rest = above;
    }
    let is_relative = specifier.starts_with("./") || specifier.starts_with("../");
    if !is_relative || rest.contains("./") {
        return None;
    }
    folders.push(rest);
    Some(folders.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_and_exports_are_read() {
        let source = "import { a, b as c } from '../lib/x.js';\nimport * as y from './y.js';\n\
                      import {\n  d,\n  e,\n} from './z.js';\nimport './effect.js';\n\n\
                      export const one = () => a(\n  c);\nexport class Two {\n}\n\
                      export async function three() {\n  await import('../sheets/s.js');\n}\n\
                      export { d as four, e };\nexport { five } from './five.js';\n";
        let module = parse_module("view/m.js", source).unwrap();
        let paths: Vec<_> = module.imports.iter().map(|it| it.path.as_str()).collect();
        let expected = [
            "lib/x.js",
            "view/y.js",
            "view/z.js",
            "view/effect.js",
            "view/five.js",
        ];
        assert_eq!(paths, expected);
        let exports: Vec<_> = module
            .exports
            .iter()
            .map(|(name, own)| format!("{name}={own}"))
            .collect();
        let expected = [
            "one=one",
            "Two=Two",
            "three=three",
            "four=d",
            "e=e",
            "five=$five",
        ];
        assert_eq!(exports, expected);
        assert_eq!(
            module.body,
            "const one = () => a(\nc);\nclass Two {\n}\nasync function three() {\n\
             await import('../sheets/s.js');\n}\n"
        );
        assert_eq!(module.lazy["../sheets/s.js"], "sheets/s.js");
    }

    #[test]
    fn unknown_forms_are_errors() {
        for source in [
            "import x from './x.js';",
            "import { x } from 'x';",
            "import { x } from \"./x.js\";",
            "import { x } from './x.js'",
            "import { x } from '../../x.js';",
            "export let x = 1;",
            "export default x;",
            "export * from './x.js';",
            "export const { x } = y;",
            "export function* x() {}",
            "import(x);",
        ] {
            let error = parse_module("view/m.js", source).unwrap_err();
            assert!(error.to_string().starts_with("view/m.js: "), "{source}");
        }
    }
}
