//! The markers of a batch: those of members and the overall watermarks.

use std::collections::HashMap;

use entity::conversation::ConversationKind;
use entity::{ConversationId, Millis, UserId, receipt};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ConnectionTrait, EntityTrait, QueryTrait, Statement, Value};

use crate::protocol::Message;
use crate::store::append::batch_input::{LockedConversation, MemberMarkers};
use crate::store::append::marker_changes::Watermarks;
use crate::store::append::plan::{BatchPlan, MarkerAdvance};
use crate::store::db::{Result, StatementBatch, json_rows, sql};
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
    statements.add(sql, values);
}

/// Raises the overall watermarks if the lowest marker may have moved: if a
/// moved marker was the lowest, or a member left. With one member left, their
/// markers are the lowest, and rise with others' messages. Returns the receipts
/// to store. A query for the lowest markers runs together with `statements`,
/// after them.
pub(super) async fn raise_watermarks(
    tx: &impl ConnectionTrait,
    statements: &mut StatementBatch,
    plan: &mut BatchPlan,
    now: Millis,
) -> Result<Vec<receipt::ActiveModel>> {
    let mut asked = plan.conversations_with_member_changes();
    let (mut lows, mut receipts) = (HashMap::new(), Vec::new());
    for ((conversation, user), moved) in &plan.marker_advances {
        let Some(row) = plan.conversations.get(conversation) else {
            continue;
        };
        let MemberMarkers {
            delivered, read, ..
        } = moved.before;
        let may_raise = match row.participant_count {
            ..=1 => moved.delivered.covers.or(moved.read.covers).is_some(),
            _ => delivered <= row.delivered_low || read <= row.read_low,
        };
        if may_raise && let Some(known) = plan.lowest_markers.get(conversation) {
            lows.insert(*conversation, *known);
        } else if may_raise {
            asked.push(*conversation);
        }
        // In a direct conversation the overall watermark has the same
        // information.
        if row.participant_count > 2 && row.participant_count <= MEMBER_EVENTS_MAX {
            receipts.extend(member_receipts((*conversation, *user), moved));
        }
    }
    lows.extend(load_lowest_markers(tx, statements, &asked).await?);
    for (conversation, lowest) in lows {
        let at = plan.watermark_time(conversation, now);
        let Some(row) = plan.conversations.get_mut(&conversation) else {
            continue;
        };
        let (delivered, read_to) = match row.participant_count {
            ..=1 => watermarks_of_last_member(tx, row, lowest).await?,
            _ => lowest,
        };
        if delivered > row.delivered_low.max(read_to) {
            receipts.push(new_receipt(
                conversation,
                receipt::ReceiptKind::Delivered,
                delivered,
                at,
            ));
        }
        if read_to > row.read_low {
            receipts.push(new_receipt(
                conversation,
                receipt::ReceiptKind::Read,
                read_to,
                at,
            ));
        }
        let before = (row.delivered_low, row.read_low);
        row.delivered_low = row.delivered_low.max(delivered);
        row.read_low = row.read_low.max(read_to);
        let after = (row.delivered_low, row.read_low);
        // With one member left, there is no other reader.
        if after != before && row.kind == ConversationKind::Group && row.participant_count > 1 {
            plan.raised
                .insert(conversation, Watermarks { before, after });
        }
    }
    Ok(receipts)
}

/// Returns the receipts of a member's move. Reading implies delivery, so a
/// delivery is stored only if it is beyond the read position.
fn member_receipts(
    (conversation, user): (ConversationId, UserId),
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

fn new_receipt(
    conversation: ConversationId,
    kind: receipt::ReceiptKind,
    up_to: i64,
    now: Millis,
) -> receipt::ActiveModel {
    receipt::ActiveModel {
        kind: Set(kind),
        ..read_receipt(conversation, None, up_to, now)
    }
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

/// Returns the lowest markers of all members, after the moves.
async fn load_lowest_markers(
    tx: &impl ConnectionTrait,
    statements: &mut StatementBatch,
    conversations: &[ConversationId],
) -> Result<HashMap<ConversationId, (i64, i64)>> {
    if conversations.is_empty() {
        return Ok(HashMap::new());
    }
    let rest = format!(
        "FROM {} v CROSS JOIN participant p \
         WHERE p.conversation_id = v.column1 AND p.left_seq IS NULL GROUP BY p.conversation_id",
        sql::values_list(statements.backend(), conversations.len(), 1)
    );
    let columns = "p.conversation_id, MIN(p.delivered_seq), MIN(p.read_seq)";
    let values = conversations.iter().map(|id| Value::from(*id));
    statements.add(json_rows::sql(statements.backend(), columns, &rest), values);
    let found = statements.run(tx).await?;
    let lows: Vec<(_, _, _)> = match found.last() {
        Some(row) => json_rows::parse_row(row)?,
        None => Vec::new(),
    };
    let lows = lows.into_iter();
    Ok(lows
        .map(|(id, delivered, read)| (id, (delivered, read)))
        .collect())
}

/// With one member left, the watermarks stop before the first message without a
/// remaining recipient. Such a message never had one, or the last one left
/// before reading it.
const UNREACHABLE: &str = "SELECT (SELECT m.seq FROM message m WHERE m.conversation_id = $1 \
     AND m.seq > $2 AND m.seq <= $3 AND m.furthest < 1 ORDER BY m.seq LIMIT 1), \
     (SELECT m.seq FROM message m WHERE m.conversation_id = $1 \
     AND m.seq > $4 AND m.seq <= $5 AND m.furthest < 2 ORDER BY m.seq LIMIT 1)";

/// Returns how far the watermarks rise towards the markers of a last remaining
/// member.
async fn watermarks_of_last_member(
    tx: &impl ConnectionTrait,
    row: &LockedConversation,
    (delivered, read): (i64, i64),
) -> Result<(i64, i64)> {
    let values = [
        Value::from(row.id),
        row.delivered_low.into(),
        delivered.into(),
        row.read_low.into(),
        read.into(),
    ];
    let backend = tx.get_database_backend();
    let statement = Statement::from_sql_and_values(backend, UNREACHABLE, values);
    let Some(found) = tx.query_one_raw(statement).await? else {
        return Ok((delivered, read));
    };
    let before = |at: usize, mark: i64| {
        let first: Option<i64> = found.try_get_by_index(at)?;
        Ok::<_, sea_orm::DbErr>(first.map_or(mark, |first| first - 1))
    };
    Ok((before(0, delivered)?, before(1, read)?))
}

/// A message that the leaver has not read keeps its status if no remaining
/// member except its sender was a member when it was sent. Such messages were
/// sent before the second of the remaining members joined. The subquery reads
/// the members once, and the statement reads only that range.
const LOWER_STATUS_CEILINGS: &str = "UPDATE message SET furthest = CASE WHEN seq <= x.delivered_seq THEN 1 ELSE 0 END \
     FROM (SELECT l.delivered_seq, l.read_seq, \
     (SELECT p.joined_seq FROM participant p WHERE p.conversation_id = $1 AND p.left_seq IS NULL \
     ORDER BY p.joined_seq, p.user_id LIMIT 1) AS first_joined_seq, \
     (SELECT p.user_id FROM participant p WHERE p.conversation_id = $1 AND p.left_seq IS NULL \
     ORDER BY p.joined_seq, p.user_id LIMIT 1) AS first_id, \
     COALESCE((SELECT p.joined_seq FROM participant p WHERE p.conversation_id = $1 \
     AND p.left_seq IS NULL ORDER BY p.joined_seq, p.user_id LIMIT 1 OFFSET 1), $3 - 1) AS up_to \
     FROM participant l WHERE l.conversation_id = $1 AND l.user_id = $2) x \
     WHERE conversation_id = $1 AND furthest = 2 AND seq > x.read_seq AND seq <= x.up_to \
     AND (x.first_joined_seq IS NULL OR x.first_joined_seq >= seq OR x.first_id = sender_id)";

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
        LOWER_STATUS_CEILINGS,
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
        statements.add_statement(insert.build(statements.backend()));
    }
}
