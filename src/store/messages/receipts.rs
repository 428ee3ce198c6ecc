//! Who has a message, who has seen it, and since when.

use entity::{ConversationId, MessageId, Millis, UserId, conversation, message};
use sea_orm::{ConnectionTrait, EntityTrait, FromQueryResult, Statement};

use crate::protocol::message::Receipt;
use crate::protocol::{Code, User};
use crate::store::conversations::Window;
use crate::store::{Result, Store, StoreError, TELLS_EACH_UP_TO, count};

/// Which of a message's receipts are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiptsRequest {
    pub message: MessageId,
    /// Those of people with higher ids.
    pub after: Option<UserId>,
    pub limit: u64,
}

impl Store {
    /// How far a message has come with each of those who were in when it was
    /// sent and still are, its sender aside; for its sender.
    ///
    /// # Errors
    /// `not_found` where the window doesn't show it; `forbidden` to others.
    pub async fn receipts(
        &self,
        me: UserId,
        window: &Window,
        request: &ReceiptsRequest,
    ) -> Result<Vec<Receipt>> {
        let tx = self.snapshot().await?;
        let message = message::Entity::find_by_id(request.message)
            .one(&tx)
            .await?
            .filter(|it| it.conversation_id == window.conversation)
            .filter(|it| it.seq > window.first && it.seq <= window.last)
            .ok_or_else(StoreError::not_found)?;
        if message.sender_id != me {
            return Err(StoreError::refused(
                Code::Forbidden,
                "Only its sender learns who has a message.",
            ));
        }
        let rows = rows(&tx, &message, request).await?;
        let overall = overall(&tx, (message.conversation_id, message.seq)).await?;
        let room = conversation::Entity::find_by_id(message.conversation_id)
            .one(&tx)
            .await?;
        tx.commit().await?;
        let is_told = room.is_some_and(|room| room.participant_count <= TELLS_EACH_UP_TO);
        // Of larger rooms no person's times are kept.
        let overall = is_told.then_some(overall);
        let receipts = rows.into_iter();
        Ok(receipts
            .map(|row| row.into_receipt(&message, overall.as_ref()))
            .collect())
    }
}

#[derive(FromQueryResult)]
struct Row {
    id: UserId,
    username: String,
    display_name: String,
    delivered_seq: i64,
    read_seq: i64,
    delivered_at: Option<Millis>,
    read_at: Option<Millis>,
}

async fn rows(
    db: &impl ConnectionTrait,
    message: &message::Model,
    request: &ReceiptsRequest,
) -> Result<Vec<Row>> {
    let passed = |kind: i16| {
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
        passed(0),
        passed(1),
    );
    let values = [
        message.conversation_id.into(),
        message.seq.into(),
        message.sender_id.into(),
        request.after.unwrap_or(UserId(0)).into(),
        count(request.limit),
    ];
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    Ok(Row::find_by_statement(statement).all(db).await?)
}

/// When all had a message, and had seen it.
#[derive(FromQueryResult)]
struct Overall {
    delivered_at: Option<Millis>,
    read_at: Option<Millis>,
}

async fn overall(
    db: &impl ConnectionTrait,
    (conversation, seq): (ConversationId, i64),
) -> Result<Overall> {
    let passed = |kind: i16| {
        format!(
            "(SELECT r.at FROM receipt r WHERE r.conversation_id = $1 AND r.kind = {kind} \
             AND r.user_id IS NULL AND r.up_to_seq >= $2 ORDER BY r.up_to_seq LIMIT 1)"
        )
    };
    let sql = format!(
        "SELECT {} AS delivered_at, {} AS read_at",
        passed(0),
        passed(1)
    );
    let values = [conversation.into(), seq.into()];
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    let found = Overall::find_by_statement(statement).one(db).await?;
    Ok(found.unwrap_or(Overall {
        delivered_at: None,
        read_at: None,
    }))
}

impl Row {
    /// With its times, where there is an overall one to go by: of two people
    /// only the overall moves are kept, so the time is the first that is
    /// known; and reading implies delivery.
    fn into_receipt(self, message: &message::Model, overall: Option<&Overall>) -> Receipt {
        let seq = message.seq;
        // Of a clock that was set back, no time is before the message.
        let not_before = |at: Millis| at.max(message.created_at);
        let (delivered, read) = (self.delivered_seq >= seq, self.read_seq >= seq);
        let first = |times: &[Option<Millis>]| times.iter().flatten().min().copied();
        let times = overall.map(|overall| {
            let read_at = first(&[self.read_at, overall.read_at]);
            let delivered_at = first(&[self.delivered_at, overall.delivered_at, read_at]);
            (delivered_at, read_at)
        });
        let (delivered_at, read_at) = times.unwrap_or_default();
        Receipt {
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
