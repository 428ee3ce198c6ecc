//! Permissions: `docs/authority.md` lists every endpoint, frame and role, and
//! these tests compare each row with the server.

mod cookies;
pub(crate) mod frames;
mod leaks;
pub(crate) mod routes;
pub(crate) mod table;
pub(crate) mod world;

use std::collections::BTreeSet;

use table::{ROLES, Row, compare, rows};
use world::{Things, World};

fn endpoint_rows() -> Vec<Row> {
    rows("endpoint", &ROLES)
}

/// A new endpoint needs a row that says which roles may use it.
#[test]
fn authority_table_lists_exactly_the_endpoints() {
    let mut real = BTreeSet::new();
    for (path, methods) in routes::of_the_sources() {
        let shape = routes::shape(&path);
        real.extend(methods.iter().map(|method| format!("{method} {shape}")));
    }
    let listed: BTreeSet<String> = endpoint_rows()
        .iter()
        .map(|row| format!("{} {}", row.method(), routes::shape(row.path())))
        .collect();
    let missing: Vec<_> = real.difference(&listed).collect();
    assert!(
        missing.is_empty(),
        "no row in docs/authority.md: {missing:?}"
    );
    let gone: Vec<_> = listed.difference(&real).collect();
    assert!(gone.is_empty(), "no such endpoint: {gone:?}");
}

#[tokio::test]
async fn endpoints_answer_roles_as_listed() {
    let mut world = World::new().await;
    let listed = endpoint_rows();
    let mut found = Vec::new();
    for row in &listed {
        let mut cells = Vec::new();
        let things_of_others = Things::of(&world, "user", row).await;
        for role in ROLES {
            let own = match role {
                "stranger" | "deactivated" => None,
                role => Some(Things::of(&world, role, row).await),
            };
            let things = own.as_ref().unwrap_or(&things_of_others);
            let (path, with) = (things.fill(row.path()), things.fill(&row.with));
            let outcome = world.ask(role, row, (&path, &with)).await;
            assert!(outcome.status < 500, "{role} {path}: {outcome:?}");
            cells.push(outcome.cell());
            if !row.is_read_only() {
                world.refresh(role).await;
            }
        }
        found.push(Row {
            cells,
            ..row.clone()
        });
    }
    compare(&listed, &found, &ROLES);
}
