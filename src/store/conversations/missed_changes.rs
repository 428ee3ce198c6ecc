//! Changes that a Room has to announce but didn't see.

use entity::{ConversationId, UserId};
use sea_orm::{ConnectionTrait, FromQueryResult, Statement};

use super::RoomRecord;
use super::room::RoomRepository;
use super::room::load_room_record;
use crate::protocol::Message;
use crate::store::db::Result;
use crate::store::messages;

/// All changes after a version, from one snapshot.
#[derive(Clone, Debug)]
pub struct MissedChanges {
    /// The changed messages in their present state, by `seq`.
    pub messages: Vec<Message>,
    /// Whether there are more changed replies than are sent.
    pub has_more: bool,
    /// The present conversation. Its version is the end of the range.
    pub record: RoomRecord,
    /// Members who left after the version, and haven't rejoined.
    pub leavers: Vec<FormerMemberRecord>,
}

/// A former member of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromQueryResult)]
pub struct FormerMemberRecord {
    pub user: UserId,
    /// The former member sees messages after this `seq`.
    pub first: i64,
    /// The last `seq` that the former member sees.
    pub last: i64,
    /// The version in which the member left.
    pub version: i64,
}

impl RoomRepository<'_> {
    /// Returns the changes of a conversation after a version.
    ///
    /// # Errors
    /// `not_found` if there is no such conversation.
    pub async fn load_missed_changes(
        self,
        id: ConversationId,
        after: i64,
    ) -> Result<MissedChanges> {
        let tx = self.db.snapshot().await?;
        let record = load_room_record(&tx, id).await?;
        let changed = messages::load_changed(&tx, id, after).await?;
        let missed = MissedChanges {
            messages: changed.messages,
            has_more: changed.has_more,
            leavers: load_leavers(&tx, id, after).await?,
            record,
        };
        tx.commit().await?;
        Ok(missed)
    }
}

/// Returns the members who left after a version. The system message of a leave
/// follows the last message that the former member sees.
async fn load_leavers(
    db: &impl ConnectionTrait,
    id: ConversationId,
    after: i64,
) -> Result<Vec<FormerMemberRecord>> {
    let sql = format!(
        "SELECT p.user_id AS \"user\", p.joined_seq AS first, p.left_seq AS last, \
         p.left_version + 1 AS version FROM participant p \
         WHERE p.conversation_id = $1 AND p.left_version >= $2 \
         AND p.left_seq >= ({})",
        messages::LAST_SEQ_BEFORE
    );
    let values = [id.into(), after.into(), 0_i64.into()];
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    Ok(FormerMemberRecord::find_by_statement(statement)
        .all(db)
        .await?)
}
