//! Calls of the store about changed names, whose query plans `plans` checks.

use entity::UserId;
use tidings::store::{RenameAudienceCursor, Store};

/// Runs each statement that finds or sends changed names.
pub(super) async fn everything(store: &Store, me: UserId) {
    store.name_changes().load_version().await.unwrap();
    store.name_changes().list_since(0).await.unwrap();
    store.name_changes().load_missed(me, 0).await.unwrap();
    let mut place = Some(RenameAudienceCursor::START);
    while let Some(from) = place {
        place = store
            .name_changes()
            .load_audience(me, from)
            .await
            .unwrap()
            .next;
    }
    store.maintenance().load_epoch().await.unwrap();
}
