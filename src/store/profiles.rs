//! People as one who looks them up sees them.

use entity::connection::State;
use entity::{UserId, user, user_status};
use sea_orm::{ConnectionTrait, EntityTrait, Statement};

use super::connections::pair;
use super::{Result, Store};
use crate::protocol::user::Standing;
use crate::protocol::{Profile, User};

/// People of larger conversations are told nothing of each other's status.
const SHARE_A_ROOM: &str = "SELECT 1 FROM participant mine \
     JOIN participant theirs ON theirs.conversation_id = mine.conversation_id \
     AND theirs.user_id = $2 AND theirs.left_seq IS NULL \
     JOIN conversation c ON c.id = mine.conversation_id AND c.participant_count <= 100 \
     WHERE mine.user_id = $1 AND mine.left_seq IS NULL LIMIT 1";

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
            true => Some(user_status::Entity::find_by_id(them.id).one(&tx).await?),
            false => None,
        };
        tx.commit().await?;
        Ok(Profile {
            user: User::from(them),
            about: them.about.clone(),
            // Who was never here has no row yet.
            is_online: status
                .as_ref()
                .map(|row| row.as_ref().is_some_and(|row| row.is_online)),
            last_seen: status.flatten().and_then(|row| row.last_seen),
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

async fn share_a_room(db: &impl ConnectionTrait, me: UserId, them: UserId) -> Result<bool> {
    let statement = Statement::from_sql_and_values(
        db.get_database_backend(),
        SHARE_A_ROOM,
        [me.into(), them.into()],
    );
    Ok(db.query_one_raw(statement).await?.is_some())
}
