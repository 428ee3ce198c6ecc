//! Receipts: the users who received and read a message, and the times.

use entity::receipt::ReceiptKind;
use entity::{ConversationId, MessageId, Millis, UserId, conversation, message};
use sea_orm::{ActiveEnum, ConnectionTrait, EntityTrait, FromQueryResult, Statement};

use super::{HistoryRepository, HistoryWindow};
use crate::protocol::message::MemberReceipt;
use crate::protocol::{ErrorCode, User};
use crate::store::db::{Result, StoreError, limit_value};
use crate::store::limits::MEMBER_EVENTS_MAX;

/// A page of a message's receipts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiptListQuery {
    pub message: MessageId,
    /// Receipts of users with higher ids.
    pub after: Option<UserId>,
    pub limit: u64,
}

impl HistoryRepository<'_> {
    /// Returns the receipts of the members at the time of sending who are still
    /// members, except the sender. Only the sender may read them.
    ///
    /// # Errors
    /// `not_found` if `window` doesn't contain the message; `forbidden` if `me`
    /// isn't its sender.
    pub async fn list_receipts(
        self,
        me: UserId,
        window: &HistoryWindow,
        request: &ReceiptListQuery,
    ) -> Result<Vec<MemberReceipt>> {
        let tx = self.db.snapshot().await?;
        let message = message::Entity::find_by_id(request.message)
            .one(&tx)
            .await?
            .filter(|it| it.conversation_id == window.conversation)
            .filter(|it| it.seq > window.after && it.seq <= window.last)
            .ok_or_else(StoreError::not_found)?;
        if message.sender_id != me {
            return Err(StoreError::refused(
                ErrorCode::Forbidden,
                "Only the sender can see who has received a message.",
            ));
        }
        let rows = load_receipt_rows(&tx, &message, request).await?;
        let overall = load_overall_receipt(&tx, message.conversation_id, message.seq).await?;
        let room = conversation::Entity::find_by_id(message.conversation_id)
            .one(&tx)
            .await?;
        tx.commit().await?;
        let is_told = room.is_some_and(|room| room.participant_count <= MEMBER_EVENTS_MAX);
        // In larger conversations, no times of single members are stored.
        let overall = is_told.then_some(overall);
        let receipts = rows.into_iter();
        Ok(receipts
            .map(|row| row.into_receipt(&message, overall.as_ref()))
            .collect())
    }
}

#[derive(FromQueryResult)]
struct ReceiptRow {
    id: UserId,
    username: String,
    display_name: String,
    delivered_seq: i64,
    read_seq: i64,
    delivered_at: Option<Millis>,
    read_at: Option<Millis>,
}

async fn load_receipt_rows(
    db: &impl ConnectionTrait,
    message: &message::Model,
    request: &ReceiptListQuery,
) -> Result<Vec<ReceiptRow>> {
    let passed = |kind: ReceiptKind| {
        let kind = kind.to_value();
        format!(
            "(SELECT r.at FROM receipt r WHERE r.conversation_id = $1 AND r.kind = {kind} \
             AND r.user_id = p.user_id AND r.up_to_seq >= $2 ORDER BY r.up_to_seq LIMIT 1)"
        )
    };
    let sql = format!(
        "SELECT u.id, u.username, u.display_name, p.delivered_seq, p.read_seq, \
         {} AS delivered_at, {} AS read_at FROM participant p JOIN \"user\" u ON u.id = p.user_id \
         WHERE p.conversation_id = $1 AND p.left_seq IS NULL AND p.joined_seq < $2 \
         AND p.user_id <> $3 AND p.user_id > $4 ORDER BY p.user_id LIMIT $5",
        passed(ReceiptKind::Delivered),
        passed(ReceiptKind::Read),
    );
    let values = [
        message.conversation_id.into(),
        message.seq.into(),
        message.sender_id.into(),
        request.after.unwrap_or(UserId(0)).into(),
        limit_value(request.limit),
    ];
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    Ok(ReceiptRow::find_by_statement(statement).all(db).await?)
}

/// The times at which all members had received and read a message.
#[derive(FromQueryResult)]
struct OverallReceipt {
    delivered_at: Option<Millis>,
    read_at: Option<Millis>,
}

async fn load_overall_receipt(
    db: &impl ConnectionTrait,
    conversation: ConversationId,
    seq: i64,
) -> Result<OverallReceipt> {
    let passed = |kind: ReceiptKind| {
        let kind = kind.to_value();
        format!(
            "(SELECT r.at FROM receipt r WHERE r.conversation_id = $1 AND r.kind = {kind} \
             AND r.user_id IS NULL AND r.up_to_seq >= $2 ORDER BY r.up_to_seq LIMIT 1)"
        )
    };
    let sql = format!(
        "SELECT {} AS delivered_at, {} AS read_at",
        passed(ReceiptKind::Delivered),
        passed(ReceiptKind::Read)
    );
    let values = [conversation.into(), seq.into()];
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    let found = OverallReceipt::find_by_statement(statement).one(db).await?;
    Ok(found.unwrap_or(OverallReceipt {
        delivered_at: None,
        read_at: None,
    }))
}

impl ReceiptRow {
    /// Builds a receipt, with times if `overall` is given. In direct
    /// conversations only the overall moves are stored, so each time is the
    /// earliest known one. Reading implies delivery.
    fn into_receipt(
        self,
        message: &message::Model,
        overall: Option<&OverallReceipt>,
    ) -> MemberReceipt {
        let seq = message.seq;
        // No time is before that of the message, even if the clock was set
        // back.
        let not_before = |at: Millis| at.max(message.created_at);
        let (delivered, read) = (self.delivered_seq >= seq, self.read_seq >= seq);
        let first = |times: &[Option<Millis>]| times.iter().flatten().min().copied();
        let times = overall.map(|overall| {
            let read_at = first(&[self.read_at, overall.read_at]);
            let delivered_at = first(&[self.delivered_at, overall.delivered_at, read_at]);
            (delivered_at, read_at)
        });
        let (delivered_at, read_at) = times.unwrap_or_default();
        MemberReceipt {
            user: User {
                id: self.id,
                username: self.username,
                display_name: self.display_name,
            },
            delivered,
            read,
            delivered_at: delivered_at.map(not_before).filter(|_| delivered),
            read_at: read_at.map(not_before).filter(|_| read),
        }
    }
}
