//! The marks that a batch moves: each sender's own, and the overall ones.

use std::collections::{BTreeMap, HashMap};

use entity::{ConversationId, Millis, UserId, receipt};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ConnectionTrait, EntityTrait, Statement, Value};

use super::super::plan::{Move, Plan};
use super::super::sql;
use super::execute;
use crate::store::Result;

/// In rooms of more people, only the overall marks' times are kept.
const TIMES_OF_EACH_UP_TO: i32 = 100;

pub(super) async fn advance(
    tx: &impl ConnectionTrait,
    moves: &BTreeMap<(ConversationId, UserId), Move>,
) -> Result<()> {
    if moves.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "UPDATE participant SET delivered_seq = v.column3, read_seq = v.column3, \
         read_ord = v.column4, version = v.column5 FROM {} v \
         WHERE participant.conversation_id = v.column1 AND participant.user_id = v.column2",
        sql::values(tx.get_database_backend(), moves.len(), 5)
    );
    let values = moves.iter().flat_map(|((conversation, user), moved)| {
        [
            Value::from(*conversation),
            Value::from(*user),
            moved.seq.into(),
            moved.ord.into(),
            moved.version.into(),
        ]
    });
    execute(tx, sql, values).await
}

/// Raises the overall watermarks where the lowest mark may have moved: where
/// whoever moved stood at it, or somebody left. With one left alone, the marks
/// of those who went stand. The moves that tell others something are answered,
/// to be kept with their times.
pub(super) async fn raise_lows(
    tx: &impl ConnectionTrait,
    plan: &mut Plan,
    now: Millis,
) -> Result<Vec<receipt::ActiveModel>> {
    let mut asked = plan.left();
    let mut receipts = Vec::new();
    for ((conversation, user), moved) in &plan.moves {
        let Some(row) = plan.conversations.get(conversation) else {
            continue;
        };
        let was_lowest = moved.before.0 <= row.delivered_low || moved.before.1 <= row.read_low;
        if was_lowest && row.participant_count > 1 {
            asked.push(*conversation);
        }
        // Of two, each is all the others of the other: the overall mark says it.
        if let Some(seq) = moved.covers
            && row.participant_count > 2
            && row.participant_count <= TIMES_OF_EACH_UP_TO
        {
            receipts.push(read(*conversation, Some(*user), seq, now));
        }
    }
    let lows = lows(tx, &asked).await?;
    for (conversation, (delivered, read_to)) in lows {
        let Some(row) = plan.conversations.get_mut(&conversation) else {
            continue;
        };
        if delivered > row.delivered_low.max(read_to) {
            receipts.push(moved(
                conversation,
                receipt::Kind::Delivered,
                delivered,
                now,
            ));
        }
        if read_to > row.read_low {
            receipts.push(moved(conversation, receipt::Kind::Read, read_to, now));
        }
        row.delivered_low = row.delivered_low.max(delivered);
        row.read_low = row.read_low.max(read_to);
    }
    Ok(receipts)
}

fn moved(
    conversation: ConversationId,
    kind: receipt::Kind,
    up_to: i64,
    now: Millis,
) -> receipt::ActiveModel {
    receipt::ActiveModel {
        kind: Set(kind),
        ..read(conversation, None, up_to, now)
    }
}

/// Reading implies delivery: where both marks moved to one place, one row
/// says it.
pub(super) fn read(
    conversation: ConversationId,
    user: Option<UserId>,
    up_to: i64,
    now: Millis,
) -> receipt::ActiveModel {
    receipt::ActiveModel {
        id: NotSet,
        conversation_id: Set(conversation),
        user_id: Set(user),
        kind: Set(receipt::Kind::Read),
        up_to_seq: Set(up_to),
        at: Set(now),
    }
}

/// The lowest marks of those who take part, after the moves.
async fn lows(
    tx: &impl ConnectionTrait,
    conversations: &[ConversationId],
) -> Result<HashMap<ConversationId, (i64, i64)>> {
    if conversations.is_empty() {
        return Ok(HashMap::new());
    }
    let statement = Statement::from_sql_and_values(
        tx.get_database_backend(),
        format!(
            "SELECT conversation_id, MIN(delivered_seq), MIN(read_seq) FROM participant \
             WHERE conversation_id IN ({}) AND left_seq IS NULL GROUP BY conversation_id",
            sql::places(conversations.len())
        ),
        conversations.iter().map(|id| Value::from(*id)),
    );
    let rows = tx.query_all_raw(statement).await?;
    let lows = rows.iter().map(|row| {
        let low = (row.try_get_by_index(1)?, row.try_get_by_index(2)?);
        Ok((row.try_get_by_index(0)?, low))
    });
    Ok(lows.collect::<std::result::Result<_, sea_orm::DbErr>>()?)
}

/// Keeps when the marks moved.
pub(super) async fn keep(
    tx: &impl ConnectionTrait,
    receipts: Vec<receipt::ActiveModel>,
) -> Result<()> {
    if !receipts.is_empty() {
        receipt::Entity::insert_many(receipts)
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}
