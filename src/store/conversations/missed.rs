//! What a Room has to tell that it didn't see happen.

use entity::{ConversationId, UserId};
use sea_orm::{ConnectionTrait, FromQueryResult, Statement};

use super::{RoomRecord, Store, room};
use crate::protocol::Message;
use crate::store::{Result, messages};

/// Everything after a version, as of one moment.
#[derive(Clone, Debug)]
pub struct Missed {
    /// The messages that changed, in their present state, in the order of
    /// `seq`.
    pub messages: Vec<Message>,
    /// More messages quote what changed than are sent.
    pub has_more: bool,
    /// The conversation as it is now; it says up to which version this goes.
    pub record: RoomRecord,
    /// Those who went meanwhile, and haven't come back.
    pub leavers: Vec<Leaver>,
}

/// Somebody who is no longer in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromQueryResult)]
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
        let changed = messages::changed(&tx, id, after).await?;
        let missed = Missed {
            messages: changed.messages,
            has_more: changed.has_more,
            leavers: leavers(&tx, id, after).await?,
            record,
        };
        tx.commit().await?;
        Ok(missed)
    }
}

/// Whoever went, went by the message after the last one they see.
async fn leavers(db: &impl ConnectionTrait, id: ConversationId, after: i64) -> Result<Vec<Leaver>> {
    let sql = format!(
        "SELECT p.user_id AS \"user\", p.joined_seq AS first, p.left_seq AS last, \
         p.left_version + 1 AS version FROM participant p \
         WHERE p.conversation_id = $1 AND p.left_version >= $2 \
         AND p.left_seq >= ({})",
        messages::LAST_BEFORE
    );
    let values = [id.into(), after.into(), 0_i64.into()];
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    Ok(Leaver::find_by_statement(statement).all(db).await?)
}
