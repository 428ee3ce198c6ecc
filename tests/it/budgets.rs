//! The permitted cost of each endpoint and frame, which `docs/budgets.md`
//! lists.

mod growth;
mod larger;
mod table;

use std::collections::BTreeSet;

use tidings::protocol::ClientCommand;

use crate::authority::routes;

#[test]
fn endpoints_have_budgets() {
    let mut real = BTreeSet::new();
    for (path, methods) in routes::of_the_sources() {
        let shape = routes::shape(&path);
        real.extend(methods.iter().map(|method| format!("{method} {shape}")));
    }
    assert_eq!(names(table::endpoints()), real, "docs/budgets.md");
}

#[test]
fn frames_have_budgets() {
    let real: BTreeSet<String> = ClientCommand::TYPES.map(str::to_owned).into();
    assert_eq!(names(table::frames()), real, "docs/budgets.md");
}

fn names(rows: Vec<String>) -> BTreeSet<String> {
    let count = rows.len();
    let names: BTreeSet<_> = rows.into_iter().collect();
    assert_eq!(names.len(), count, "one row for each");
    names
}
