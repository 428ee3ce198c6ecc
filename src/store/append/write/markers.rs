//! The markers of a batch: those of members and the overall watermarks.

use std::collections::HashMap;

use entity::message::StatusCeiling;
use entity::{ConversationId, Millis, UserId, receipt};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{
    ActiveEnum, ConnectionTrait, EntityTrait, FromQueryResult, QueryTrait, Statement, Value,
};

use crate::protocol::Message;
use crate::store::append::batch_input::{LockedConversation, MarkerSeqs};
use crate::store::append::marker_changes::{RaisedWatermarks, WatermarkMove};
use crate::store::append::plan::{BatchPlan, MarkerAdvance};
use crate::store::db::json_rows::json_row;
use crate::store::db::{Result, StatementBatch, sql};
use crate::store::limits::MEMBER_EVENTS_MAX;

/// The number of deleted messages after a read marker that moves from
/// `read_ord` to `column5`. At the last message (`column7`) it is zero.
/// Otherwise the deleted messages that the marker passes are subtracted. So
/// each marker reads a deleted message at most once.
const REMAINING_DELETED: &str = "CASE WHEN v.column7 OR participant.unread_deleted = 0 THEN 0 \
     ELSE participant.unread_deleted - (SELECT COUNT(*) FROM message w \
     WHERE w.conversation_id = participant.conversation_id AND w.ord > participant.read_ord \
     AND w.ord <= v.column5 AND w.deleted_at IS NOT NULL) END";

/// Moves members' markers. The batch's deletions are written later, and use the
/// markers that are written here.
pub(super) fn advance_markers(statements: &mut StatementBatch, plan: &BatchPlan) {
    let moves = &plan.marker_advances;
    if moves.is_empty() {
        return;
    }
    let sql = format!(
        "UPDATE participant SET delivered_seq = v.column3, read_seq = v.column4, \
         read_ord = v.column5, version = v.column6, unread_deleted = {REMAINING_DELETED} FROM {} v \
         WHERE participant.conversation_id = v.column1 AND participant.user_id = v.column2",
        sql::values_list(statements.backend(), moves.len(), 7)
    );
    let values = moves.iter().flat_map(|((conversation, user), moved)| {
        [
            Value::from(*conversation),
            Value::from(*user),
            moved.delivered.seq.into(),
            moved.read.seq.into(),
            moved.ord.into(),
            moved.version.into(),
            plan.reads_all(*conversation, moved).into(),
        ]
    });
    statements.execute(sql, values);
}

/// Returns the overall watermarks that rise. They may rise if the lowest marker
/// moved, or if a member left. With one member left, their markers are the
/// lowest, and rise with others' messages. A query for the lowest markers runs
/// together with `statements`, after them.
pub(super) async fn find_raised_watermarks(
    tx: &impl ConnectionTrait,
    statements: &mut StatementBatch,
    plan: &BatchPlan,
) -> Result<RaisedWatermarks> {
    let mut asked = plan.conversations_with_member_changes();
    let mut lows = HashMap::new();
    for ((conversation, _), moved) in &plan.marker_advances {
        let Some(row) = plan.conversations.get(conversation) else {
            continue;
        };
        let before = moved.before;
        let may_raise = match row.participant_count {
            ..=1 => moved.delivered.covers.or(moved.read.covers).is_some(),
            _ => before.delivered <= row.delivered_low || before.read <= row.read_low,
        };
        if may_raise && let Some(known) = plan.lowest_markers.get(conversation) {
            lows.insert(*conversation, *known);
        } else if may_raise {
            asked.push(*conversation);
        }
    }
    lows.extend(load_lowest_markers(tx, statements, &asked).await?);
    let mut raised = RaisedWatermarks::new();
    for (conversation, lowest) in lows {
        let Some(row) = plan.conversations.get(&conversation) else {
            continue;
        };
        let lowest = match row.participant_count {
            ..=1 => watermarks_of_last_member(tx, row, lowest).await?,
            _ => lowest,
        };
        let before = row.watermarks();
        let after = MarkerSeqs {
            delivered: before.delivered.max(lowest.delivered),
            read: before.read.max(lowest.read),
        };
        if after != before {
            raised.insert(conversation, WatermarkMove { before, after });
        }
    }
    Ok(raised)
}

/// Returns the receipts of the moved markers and of the raised watermarks. In a
/// direct conversation the watermarks have the information of both.
pub(super) fn new_receipts(
    plan: &BatchPlan,
    raised: &RaisedWatermarks,
) -> Vec<receipt::ActiveModel> {
    let moves = plan
        .marker_advances
        .iter()
        .filter(|((conversation, _), _)| {
            let row = plan.conversations.get(conversation);
            row.is_some_and(|row| (3..=MEMBER_EVENTS_MAX).contains(&row.participant_count))
        });
    let moves = moves
        .flat_map(|((conversation, user), moved)| member_receipts(*conversation, *user, moved));
    let rises = raised.iter().flat_map(|(conversation, rise)| {
        watermark_receipts(*conversation, rise, plan.watermark_time(*conversation))
    });
    moves.chain(rises).collect()
}

/// Returns the receipts of raised watermarks. Reading implies delivery, so a
/// delivery is stored only if it is beyond the read watermark.
fn watermark_receipts(
    conversation: ConversationId,
    rise: &WatermarkMove,
    at: Millis,
) -> impl Iterator<Item = receipt::ActiveModel> {
    let WatermarkMove { before, after } = *rise;
    let delivered = after.delivered > before.delivered.max(after.read);
    let delivered = delivered.then(|| receipt::ActiveModel {
        kind: Set(receipt::ReceiptKind::Delivered),
        ..read_receipt(conversation, None, after.delivered, at)
    });
    let read = after.read > before.read;
    let read = read.then(|| read_receipt(conversation, None, after.read, at));
    delivered.into_iter().chain(read)
}

/// Returns the receipts of a member's move. Reading implies delivery, so a
/// delivery is stored only if it is beyond the read position.
fn member_receipts(
    conversation: ConversationId,
    user: UserId,
    moved: &MarkerAdvance,
) -> impl Iterator<Item = receipt::ActiveModel> {
    let seen = moved.read.covers;
    let had = moved.delivered.covers.filter(|had| Some(*had) > seen);
    let row = move |kind, up_to| receipt::ActiveModel {
        kind: Set(kind),
        ..read_receipt(conversation, Some(user), up_to, moved.at)
    };
    let had = had.map(|up_to| row(receipt::ReceiptKind::Delivered, up_to));
    had.into_iter()
        .chain(seen.map(|up_to| row(receipt::ReceiptKind::Read, up_to)))
}

/// Returns a read receipt. Reading implies delivery: if both markers moved to
/// one position, one row covers both.
pub(super) fn read_receipt(
    conversation: ConversationId,
    user: Option<UserId>,
    up_to: i64,
    now: Millis,
) -> receipt::ActiveModel {
    receipt::ActiveModel {
        id: NotSet,
        conversation_id: Set(conversation),
        user_id: Set(user),
        kind: Set(receipt::ReceiptKind::Read),
        up_to_seq: Set(up_to),
        at: Set(now),
    }
}

json_row! {
    /// The lowest markers of a conversation's members.
    struct LowestMarkersRow of LowestMarkersColumns {
        conversation_id: ConversationId,
        delivered: i64,
        read: i64,
    }
}

/// Returns the lowest markers of all members, after the moves.
async fn load_lowest_markers(
    tx: &impl ConnectionTrait,
    statements: &mut StatementBatch,
    conversations: &[ConversationId],
) -> Result<HashMap<ConversationId, MarkerSeqs>> {
    if conversations.is_empty() {
        return Ok(HashMap::new());
    }
    let rest = format!(
        "FROM {} v CROSS JOIN participant p \
         WHERE p.conversation_id = v.column1 AND p.left_seq IS NULL GROUP BY p.conversation_id",
        sql::values_list(statements.backend(), conversations.len(), 1)
    );
    let columns = LowestMarkersColumns {
        conversation_id: "p.conversation_id",
        delivered: "MIN(p.delivered_seq)",
        read: "MIN(p.read_seq)",
    };
    let values = conversations.iter().map(|id| Value::from(*id));
    let query = statements.query(&columns, &rest, values);
    statements.run(tx).await?;
    let rows = statements.answers().rows(&query)?.into_iter();
    Ok(rows
        .map(|row| {
            let (delivered, read) = (row.delivered, row.read);
            (row.conversation_id, MarkerSeqs { delivered, read })
        })
        .collect())
}

/// With one member left, the watermarks stop before the first message without a
/// remaining recipient. Such a message never had one, or the last one left
/// before reading it.
#[derive(FromQueryResult)]
struct UnreachableMessages {
    undelivered: Option<i64>,
    unread: Option<i64>,
}

/// Returns SQL for the first message after a watermark and up to a marker, two
/// parameters from `$first`, that can't reach a status.
fn unreachable_sql(first: usize, ceiling: StatusCeiling) -> String {
    format!(
        "(SELECT m.seq FROM message m WHERE m.conversation_id = $1 AND m.seq > ${first} \
         AND m.seq <= ${} AND m.furthest < {} ORDER BY m.seq LIMIT 1)",
        first + 1,
        ceiling.to_value()
    )
}

/// Returns how far the watermarks rise towards the markers of a last remaining
/// member.
async fn watermarks_of_last_member(
    tx: &impl ConnectionTrait,
    row: &LockedConversation,
    markers: MarkerSeqs,
) -> Result<MarkerSeqs> {
    let sql = format!(
        "SELECT {} AS undelivered, {} AS unread",
        unreachable_sql(2, StatusCeiling::Delivered),
        unreachable_sql(4, StatusCeiling::Read)
    );
    let values = [
        Value::from(row.id),
        row.delivered_low.into(),
        markers.delivered.into(),
        row.read_low.into(),
        markers.read.into(),
    ];
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
    let found = UnreachableMessages::find_by_statement(statement)
        .one(tx)
        .await?;
    let first = found.unwrap_or(UnreachableMessages {
        undelivered: None,
        unread: None,
    });
    Ok(MarkerSeqs {
        delivered: first.undelivered.map_or(markers.delivered, |seq| seq - 1),
        read: first.unread.map_or(markers.read, |seq| seq - 1),
    })
}

/// A message that the leaver has not read keeps its status if no remaining
/// member except its sender was a member when it was sent. Such messages were
/// sent before the second of the remaining members joined. The subquery reads
/// the members once, and the statement reads only that range.
fn lower_status_ceilings_sql() -> String {
    format!(
        "UPDATE message SET furthest = CASE WHEN seq <= x.delivered_seq THEN {delivered} \
         ELSE {sent} END \
         FROM (SELECT l.delivered_seq, l.read_seq, \
         (SELECT p.joined_seq FROM participant p WHERE p.conversation_id = $1 AND p.left_seq IS NULL \
         ORDER BY p.joined_seq, p.user_id LIMIT 1) AS first_joined_seq, \
         (SELECT p.user_id FROM participant p WHERE p.conversation_id = $1 AND p.left_seq IS NULL \
         ORDER BY p.joined_seq, p.user_id LIMIT 1) AS first_id, \
         COALESCE((SELECT p.joined_seq FROM participant p WHERE p.conversation_id = $1 \
         AND p.left_seq IS NULL ORDER BY p.joined_seq, p.user_id LIMIT 1 OFFSET 1), $3 - 1) AS up_to \
         FROM participant l WHERE l.conversation_id = $1 AND l.user_id = $2) x \
         WHERE conversation_id = $1 AND furthest = {read} AND seq > x.read_seq AND seq <= x.up_to \
         AND (x.first_joined_seq IS NULL OR x.first_joined_seq >= seq OR x.first_id = sender_id)",
        sent = StatusCeiling::Sent.to_value(),
        delivered = StatusCeiling::Delivered.to_value(),
        read = StatusCeiling::Read.to_value(),
    )
}

/// Lowers the highest possible status of the messages that the user leaves
/// unread.
pub(super) async fn lower_status_ceilings(
    tx: &impl ConnectionTrait,
    leaving: &Message,
    user: UserId,
) -> Result<()> {
    let values = [
        Value::from(leaving.conversation_id),
        user.into(),
        leaving.seq.into(),
    ];
    let backend = tx.get_database_backend();
    tx.execute_raw(Statement::from_sql_and_values(
        backend,
        lower_status_ceilings_sql(),
        values,
    ))
    .await?;
    Ok(())
}

/// Stores receipts.
pub(super) fn insert_receipts(
    statements: &mut StatementBatch,
    receipts: Vec<receipt::ActiveModel>,
) {
    if !receipts.is_empty() {
        let insert = receipt::Entity::insert_many(receipts);
        statements.execute_built(insert.build(statements.backend()));
    }
}
