//! Profiles as other users see them.

use entity::connection::ConnectionRowState;
use entity::{UserId, user};
use sea_orm::ConnectionTrait;

use super::UserRepository;
use crate::protocol::user::Relationship;
use crate::protocol::{User, UserProfile};
use crate::store::blocked_pairs::find_block;
use crate::store::connections::select_pair;
use crate::store::db::Result;
use crate::store::presence::{load_status, share_conversation};

impl UserRepository<'_> {
    /// Returns the profile of `them` as `me` sees it.
    pub async fn load_profile(self, me: UserId, them: &user::Model) -> Result<UserProfile> {
        let tx = self.db.snapshot().await?;
        let blocker = find_block(&tx, me, them.id).await?;
        let connection = match blocker {
            Some(blocker) if blocker == me => Relationship::Blocked,
            _ => load_connection_standing(&tx, me, them.id).await?,
        };
        let may_know = blocker.is_none()
            && (me == them.id
                || connection == Relationship::Connected
                || share_conversation(&tx, me, them.id).await?);
        let status = if may_know {
            Some(load_status(&tx, them.id).await?)
        } else {
            None
        };
        tx.commit().await?;
        Ok(UserProfile {
            user: User::from(them),
            about: them.about.clone(),
            is_online: status.map(|status| status.is_online),
            last_seen: status.and_then(|status| status.last_seen),
            connection,
        })
    }
}

/// A suppressed request is visible only to its requester.
async fn load_connection_standing(
    db: &impl ConnectionTrait,
    me: UserId,
    them: UserId,
) -> Result<Relationship> {
    let row = select_pair(me, them).one(db).await?;
    Ok(match row {
        None => Relationship::None,
        Some(row) if row.state == ConnectionRowState::Connected => Relationship::Connected,
        Some(row) if row.requested_by == me => Relationship::Requested,
        Some(row) if row.state == ConnectionRowState::Requested => Relationship::Incoming,
        Some(_) => Relationship::None,
    })
}
