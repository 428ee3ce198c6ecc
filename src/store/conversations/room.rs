//! What a Room starts from.

use entity::conversation::{self, Kind};
use entity::participant::Role;
use entity::{ConversationId, Millis, UserId};
use sea_orm::{ConnectionTrait, EntityTrait};
use serde::Deserialize;

use super::views::UNREAD;
use crate::protocol::User;
use crate::store::{Result, Store, StoreError, piece};

/// What a Room knows of its conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomRecord {
    pub id: ConversationId,
    pub kind: Kind,
    pub open: bool,
    pub opened_by: UserId,
    pub last_seq: i64,
    pub version: i64,
    pub members_version: i64,
    pub members: Vec<RoomMember>,
}

/// Somebody in a Room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomMember {
    pub user: User,
    pub role: Role,
    pub joined_at: Millis,
    /// They see what comes after it.
    pub joined_seq: i64,
    /// Their account is switched off: they hear, but don't speak.
    pub is_deactivated: bool,
    /// How many messages wait for them.
    pub unread: i64,
    pub muted_until: Option<Millis>,
    /// They put it away.
    pub archived: bool,
}

impl Store {
    /// What a Room starts from.
    ///
    /// # Errors
    /// `not_found` where there is no such conversation.
    pub async fn room(&self, id: ConversationId) -> Result<RoomRecord> {
        let tx = self.snapshot().await?;
        let found = room(&tx, id).await?;
        tx.commit().await?;
        Ok(found)
    }
}

#[derive(Deserialize)]
struct Row {
    user_id: UserId,
    username: String,
    display_name: String,
    #[serde(deserialize_with = "piece::choice")]
    role: Role,
    joined_at: i64,
    joined_seq: i64,
    deactivated_at: Option<i64>,
    unread: i64,
    muted_until: Option<i64>,
    #[serde(deserialize_with = "piece::flag")]
    archived: bool,
}

pub(super) async fn room(db: &impl ConnectionTrait, id: ConversationId) -> Result<RoomRecord> {
    let row = conversation::Entity::find_by_id(id)
        .one(db)
        .await?
        .ok_or_else(StoreError::not_found)?;
    let columns = format!(
        "p.user_id, u.username, u.display_name, p.role, p.joined_at, p.joined_seq, \
         u.deactivated_at, {UNREAD}, p.muted_until, p.archived"
    );
    let rest = "FROM participant p JOIN conversation c ON c.id = p.conversation_id \
         JOIN \"user\" u ON u.id = p.user_id \
         WHERE p.conversation_id = $1 AND p.left_seq IS NULL ORDER BY p.user_id";
    let people: Vec<Row> = piece::rows(db, (&columns, rest), [id.into()]).await?;
    Ok(RoomRecord {
        id,
        kind: row.kind,
        open: row.open,
        opened_by: row.opened_by,
        last_seq: row.last_seq,
        version: row.version,
        members_version: row.members_version,
        members: people.into_iter().map(RoomMember::from).collect(),
    })
}

impl From<Row> for RoomMember {
    fn from(row: Row) -> Self {
        Self {
            user: User {
                id: row.user_id,
                username: row.username,
                display_name: row.display_name,
            },
            role: row.role,
            joined_at: Millis(row.joined_at),
            joined_seq: row.joined_seq,
            is_deactivated: row.deactivated_at.is_some(),
            unread: row.unread,
            muted_until: row.muted_until.map(Millis),
            archived: row.archived,
        }
    }
}
