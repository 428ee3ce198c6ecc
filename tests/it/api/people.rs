//! Many people at once, for lists that have pages: made in the database, since
//! a hundred passwords would take seconds to hash.

use entity::Millis;
use tidings::protocol::{DisplayName, Username};
use tidings::store::{NewUser, RequestOutcome};

use crate::support::{Person, TestApp};

/// Connects `person` with `count` new people, and opens a conversation with
/// each: the conversations' ids.
pub(super) async fn befriend(app: &TestApp, person: &Person, count: usize) -> Vec<i64> {
    let store = app.store().await;
    let name = Username::parse(&person.username).unwrap();
    let me = store.user_named(&name).await.unwrap().unwrap();
    let mut opened = Vec::new();
    for at in 0..count {
        let new = NewUser {
            username: Username::parse(&format!("friend{at}")).unwrap(),
            display_name: DisplayName::parse("A friend").unwrap(),
            password_hash: "none".to_owned(),
            is_admin: false,
        };
        let now = Millis::now();
        let them = store.create_user(new, now).await.unwrap();
        let asked = store.request_connection(&them, &me, now).await.unwrap();
        let RequestOutcome::Requested(change) = asked else {
            panic!("{asked:?}");
        };
        let id = change.mine.id;
        store.accept_connection(&me, id).await.unwrap();
        let (id, _) = store.open_direct(me.id, them.id, now).await.unwrap();
        opened.push(id.0);
    }
    store.close().await;
    opened
}
