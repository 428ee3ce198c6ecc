//! Many users for tests of paging. They are written to the database, because
//! hashing a hundred passwords takes seconds.

use entity::Millis;
use tidings::protocol::{DisplayName, Username};
use tidings::store::{ConnectionRequestOutcome, NewUser};

use crate::support::{TestApp, TestUser};

/// Connects `person` with `count` new users and opens a conversation with each.
/// Returns the conversations' ids.
pub(super) async fn befriend(app: &TestApp, person: &TestUser, count: usize) -> Vec<i64> {
    let store = app.store().await;
    let name = Username::parse(&person.username).unwrap();
    let me = store.users().find_by_name(&name).await.unwrap().unwrap();
    let mut opened = Vec::new();
    for at in 0..count {
        let new = NewUser {
            username: Username::parse(&format!("friend{at}")).unwrap(),
            display_name: DisplayName::parse("A friend").unwrap(),
            password_hash: "none".to_owned(),
            is_admin: false,
        };
        let now = Millis::now();
        let them = store.users().create(new, now).await.unwrap();
        let asked = store.connections().request(&them, &me, now).await.unwrap();
        let ConnectionRequestOutcome::Requested(change) = asked else {
            panic!("{asked:?}");
        };
        let id = change.caller_view.id;
        store.connections().accept(&me, id).await.unwrap();
        let (id, _) = store
            .conversations()
            .open_direct(me.id, them.id, now)
            .await
            .unwrap();
        opened.push(id.0);
    }
    store.close().await;
    opened
}
