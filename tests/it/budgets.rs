//! What each endpoint and frame may cost: `docs/budgets.md` has a row for each.

mod growth;
mod larger;
mod table;

use std::collections::BTreeSet;

use tidings::protocol::Command;

use crate::authority::routes;

#[test]
fn every_endpoint_has_a_budget() {
    let mut real = BTreeSet::new();
    for (path, methods) in routes::of_the_sources() {
        let shape = routes::shape(&path);
        real.extend(methods.iter().map(|method| format!("{method} {shape}")));
    }
    assert_eq!(names(table::endpoints()), real, "docs/budgets.md");
}

#[test]
fn every_frame_has_a_budget() {
    let real: BTreeSet<String> = Command::TYPES.map(str::to_owned).into();
    assert_eq!(names(table::frames()), real, "docs/budgets.md");
}

fn names(rows: Vec<String>) -> BTreeSet<String> {
    let count = rows.len();
    let names: BTreeSet<_> = rows.into_iter().collect();
    assert_eq!(names.len(), count, "one row for each");
    names
}
