//! Calls of the store about changed names, whose query plans `plans` checks.

use entity::UserId;
use tidings::store::{RenameAudienceCursor, Store};

/// Runs each statement that finds or sends changed names.
pub(super) async fn everything(store: &Store, me: UserId) {
    store.load_people_version().await.unwrap();
    store.list_renamed_since(0).await.unwrap();
    store.load_missed_renames(me, 0).await.unwrap();
    let mut place = Some(RenameAudienceCursor::START);
    while let Some(from) = place {
        place = store.load_rename_audience(me, from).await.unwrap().next;
    }
    store.load_epoch().await.unwrap();
}
