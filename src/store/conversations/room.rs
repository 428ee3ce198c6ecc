//! The records that Rooms load.

use entity::conversation::{self, ConversationKind};
use entity::participant::MemberRole;
use entity::{ConversationId, Millis, UserId};
use sea_orm::{ConnectionTrait, EntityTrait};

use crate::protocol::User;
use crate::store::db::json_rows::{self, JsonColumns, json_row};
use crate::store::db::{Db, Result, StoreError};
use crate::store::unread::UNREAD;

/// A Room's record of its conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomRecord {
    pub id: ConversationId,
    pub kind: ConversationKind,
    pub open: bool,
    pub opened_by: UserId,
    pub last_seq: i64,
    pub version: i64,
    pub members_version: i64,
    pub members: Vec<RoomMember>,
}

/// A member of a Room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomMember {
    pub user: User,
    pub role: MemberRole,
    pub joined_at: Millis,
    /// The member sees messages after this `seq`.
    pub joined_seq: i64,
    /// Deactivated members receive messages but can't send.
    pub is_deactivated: bool,
    /// The number of unread messages.
    pub unread: i64,
    pub muted_until: Option<Millis>,
    /// Whether the member archived the conversation.
    pub archived: bool,
}

/// The records that Rooms load.
#[derive(Clone, Copy)]
pub struct RoomRepository<'a> {
    pub(super) db: &'a Db,
}

impl<'a> RoomRepository<'a> {
    /// Creates a repository on these connections.
    pub(in crate::store) fn new(db: &'a Db) -> Self {
        Self { db }
    }
}

impl RoomRepository<'_> {
    /// Loads the record of a Room.
    ///
    /// # Errors
    /// `not_found` if there is no such conversation.
    pub async fn load(self, id: ConversationId) -> Result<RoomRecord> {
        let tx = self.db.snapshot().await?;
        let found = load_room_record(&tx, id).await?;
        tx.commit().await?;
        Ok(found)
    }
}

json_row! {
    struct RoomMemberRow of RoomMemberColumns {
        user_id: UserId,
        username: String,
        display_name: String,
        #[serde(deserialize_with = "json_rows::choice")]
        role: MemberRole,
        joined_at: i64,
        joined_seq: i64,
        deactivated_at: Option<i64>,
        unread: i64,
        muted_until: Option<i64>,
        #[serde(deserialize_with = "json_rows::flag")]
        archived: bool,
    }
}

pub(super) async fn load_room_record(
    db: &impl ConnectionTrait,
    id: ConversationId,
) -> Result<RoomRecord> {
    let row = conversation::Entity::find_by_id(id)
        .one(db)
        .await?
        .ok_or_else(StoreError::not_found)?;
    let columns = RoomMemberColumns {
        user_id: "p.user_id",
        username: "u.username",
        display_name: "u.display_name",
        role: "p.role",
        joined_at: "p.joined_at",
        joined_seq: "p.joined_seq",
        deactivated_at: "u.deactivated_at",
        unread: UNREAD,
        muted_until: "p.muted_until",
        archived: "p.archived",
    };
    let rest = "FROM participant p JOIN conversation c ON c.id = p.conversation_id \
         JOIN \"user\" u ON u.id = p.user_id \
         WHERE p.conversation_id = $1 AND p.left_seq IS NULL ORDER BY p.user_id";
    let people: Vec<RoomMemberRow> =
        json_rows::query_rows(db, &columns.list(), rest, [id.into()]).await?;
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

impl From<RoomMemberRow> for RoomMember {
    fn from(row: RoomMemberRow) -> Self {
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
