//! People as one who looks them up sees them.

use entity::connection::State;
use entity::{UserId, user};
use sea_orm::ConnectionTrait;

use super::audience::share_a_room;
use super::connections::pair;
use super::presence::status_of;
use super::{Result, Store};
use crate::protocol::user::Standing;
use crate::protocol::{Profile, User};

impl Store {
    /// Somebody as `me` sees them.
    pub async fn profile(&self, me: UserId, them: &user::Model) -> Result<Profile> {
        let tx = self.snapshot().await?;
        let blocker = Self::block_between(&tx, me, them.id).await?;
        let connection = match blocker {
            Some(blocker) if blocker == me => Standing::Blocked,
            _ => standing(&tx, me, them.id).await?,
        };
        let may_know = blocker.is_none()
            && (me == them.id
                || connection == Standing::Connected
                || share_a_room(&tx, me, them.id).await?);
        let status = match may_know {
            true => Some(status_of(&tx, them.id).await?),
            false => None,
        };
        tx.commit().await?;
        Ok(Profile {
            user: User::from(them),
            about: them.about.clone(),
            is_online: status.map(|status| status.is_online),
            last_seen: status.and_then(|status| status.last_seen),
            connection,
        })
    }
}

/// A swallowed request is one for who made it, and nothing for the other.
async fn standing(db: &impl ConnectionTrait, me: UserId, them: UserId) -> Result<Standing> {
    let row = pair(me, them).one(db).await?;
    Ok(match row {
        None => Standing::None,
        Some(row) if row.state == State::Connected => Standing::Connected,
        Some(row) if row.requested_by == me => Standing::Requested,
        Some(row) if row.state == State::Requested => Standing::Incoming,
        Some(_) => Standing::None,
    })
}
