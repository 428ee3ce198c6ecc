//! What a Room has to tell that it didn't see happen.

use entity::{ConversationId, UserId, participant};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::{RoomRecord, Store, room};
use crate::protocol::Message;
use crate::store::{Result, messages};

/// Everything after a version, as of one moment.
#[derive(Clone, Debug)]
pub struct Missed {
    /// The messages that changed, in their present state, in the order of
    /// `seq`.
    pub messages: Vec<Message>,
    /// The conversation as it is now; it says up to which version this goes.
    pub record: RoomRecord,
    /// Those who went meanwhile, and haven't come back.
    pub leavers: Vec<Leaver>,
}

/// Somebody who is no longer in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaver {
    pub user: UserId,
    /// They saw what stands after this `seq`.
    pub first: i64,
    /// And up to this.
    pub last: i64,
    /// In which version they went.
    pub version: i64,
}

impl Store {
    /// What happened in a conversation after a version.
    ///
    /// # Errors
    /// `not_found` where there is no such conversation.
    pub async fn missed(&self, id: ConversationId, after: i64) -> Result<Missed> {
        let tx = self.snapshot().await?;
        let record = room(&tx, id).await?;
        let missed = Missed {
            messages: messages::changed(&tx, id, after).await?,
            leavers: leavers(&tx, id, after).await?,
            record,
        };
        tx.commit().await?;
        Ok(missed)
    }
}

async fn leavers(db: &impl ConnectionTrait, id: ConversationId, after: i64) -> Result<Vec<Leaver>> {
    let rows = participant::Entity::find()
        .filter(participant::Column::ConversationId.eq(id))
        .filter(participant::Column::Version.gt(after))
        .filter(participant::Column::LeftVersion.gte(after))
        .all(db)
        .await?;
    let leavers = rows.into_iter().filter_map(|row| {
        Some(Leaver {
            user: row.user_id,
            first: row.joined_seq,
            last: row.left_seq?,
            version: row.left_version? + 1,
        })
    });
    Ok(leavers.collect())
}
