//! Who may do what: `docs/authority.md` has a table of every door and every
//! role, and this asks the server everything that stands there.

mod cookies;
pub(crate) mod frames;
mod leaks;
pub(crate) mod routes;
pub(crate) mod table;
pub(crate) mod world;

use std::collections::BTreeSet;

use table::{ROLES, Row, compare, rows};
use world::{Things, World};

fn doors() -> Vec<Row> {
    rows("door", &ROLES)
}

/// A new door has to say who may come in.
#[test]
fn every_door_has_a_row_and_every_row_a_door() {
    let mut real = BTreeSet::new();
    for (path, methods) in routes::of_the_sources() {
        let shape = routes::shape(&path);
        real.extend(methods.iter().map(|method| format!("{method} {shape}")));
    }
    let listed: BTreeSet<String> = doors()
        .iter()
        .map(|row| format!("{} {}", row.method(), routes::shape(row.path())))
        .collect();
    let missing: Vec<_> = real.difference(&listed).collect();
    assert!(
        missing.is_empty(),
        "say in docs/authority.md who may: {missing:?}"
    );
    let gone: Vec<_> = listed.difference(&real).collect();
    assert!(gone.is_empty(), "there is no such door: {gone:?}");
}

#[tokio::test]
async fn every_door_answers_each_role_as_the_table_says() {
    let mut world = World::new().await;
    let said = doors();
    let mut found = Vec::new();
    for row in &said {
        let mut cells = Vec::new();
        let things_of_others = Things::of(&world, "user", row).await;
        for role in ROLES {
            let own = match role {
                "stranger" | "deactivated" => None,
                role => Some(Things::of(&world, role, row).await),
            };
            let things = own.as_ref().unwrap_or(&things_of_others);
            let (path, with) = (things.fill(row.path()), things.fill(&row.with));
            let told = world.ask(role, row, (&path, &with)).await;
            assert!(told.status < 500, "{role} {path}: {told:?}");
            cells.push(told.cell());
            if !row.only_looks() {
                world.refresh(role).await;
            }
        }
        found.push(Row {
            cells,
            ..row.clone()
        });
    }
    compare(&said, &found, &ROLES);
}
