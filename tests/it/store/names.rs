//! The statements that tell of changed names, for `plans` to look at.

use entity::UserId;
use tidings::store::{KnownByPlace, Store};

/// What tells of changed names.
pub(super) async fn everything(store: &Store, me: UserId) {
    store.people_version().await.unwrap();
    store.renamed_since(0).await.unwrap();
    store.missed_names(me, 0).await.unwrap();
    let mut place = Some(KnownByPlace::START);
    while let Some(from) = place {
        place = store.known_by(me, from).await.unwrap().next;
    }
    store.epoch().await.unwrap();
}
