//! Blocks, and their removal.

use entity::{Millis, UserId, user};

use super::connections;
use crate::protocol::Problem;
use crate::web::AppData;

/// Blocks a user, and notifies both users if this ended a connection.
pub(in crate::web) async fn block_user(
    app: &AppData,
    me: &user::Model,
    them: &user::Model,
) -> Result<(), Problem> {
    match app.store.blocks().create(me, them, Millis::now()).await? {
        Some(change) => connections::notify_both(app, me.id, &change).await,
        // The two may exchange statuses as members of a group. After this call,
        // neither receives the other's status.
        None => app.engine.wait_for_statuses().await,
    }
    Ok(())
}

/// Removes a block. If the two share a group, each receives the other's status
/// again.
pub(in crate::web) async fn unblock_user(
    app: &AppData,
    me: UserId,
    them: UserId,
) -> Result<(), Problem> {
    app.store.blocks().delete(me, them).await?;
    app.engine.exchange_statuses(me, them).await;
    Ok(())
}
