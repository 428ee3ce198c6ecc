//! The marks that a batch moves: people's own, and the overall ones.

use std::collections::HashMap;

use entity::conversation::Kind;
use entity::{ConversationId, Millis, UserId, receipt};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ConnectionTrait, EntityTrait, QueryTrait, Statement, Value};

use crate::protocol::Message;
use crate::store::append::look::{Conversation, Marks};
use crate::store::append::moved::Lows;
use crate::store::append::plan::{Move, Plan};
use crate::store::append::script::Script;
use crate::store::append::sql;
use crate::store::{Result, TELLS_EACH_UP_TO, piece};

/// Deleted messages after a read marker that moves from `read_ord` to `column5`.
/// At the last message (`column7`) there are none. Otherwise the deleted ones
/// that it passes are subtracted: each is read once for each member who had
/// not read it.
const STILL_DELETED: &str = "CASE WHEN v.column7 OR participant.unread_deleted = 0 THEN 0 \
     ELSE participant.unread_deleted - (SELECT COUNT(*) FROM message w \
     WHERE w.conversation_id = participant.conversation_id AND w.ord > participant.read_ord \
     AND w.ord <= v.column5 AND w.deleted_at IS NOT NULL) END";

/// Moves the marks of users. What the batch deletes is not deleted yet, and is
/// counted later by the markers as they are written here.
pub(super) fn advance(script: &mut Script, plan: &Plan) {
    let moves = &plan.moves;
    if moves.is_empty() {
        return;
    }
    let sql = format!(
        "UPDATE participant SET delivered_seq = v.column3, read_seq = v.column4, \
         read_ord = v.column5, version = v.column6, unread_deleted = {STILL_DELETED} FROM {} v \
         WHERE participant.conversation_id = v.column1 AND participant.user_id = v.column2",
        sql::values(script.backend(), moves.len(), 7)
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
    script.add(sql, values);
}

/// Raises the overall watermarks where the lowest mark may have moved: where
/// whoever moved stood at it, or somebody left. With one left alone, theirs are
/// the lowest, and rise with what others said. The moves that tell others
/// something are answered, to be kept with their times. It is asked behind what
/// `script` holds, if it is asked at all.
pub(super) async fn raise_lows(
    tx: &impl ConnectionTrait,
    script: &mut Script,
    plan: &mut Plan,
    now: Millis,
) -> Result<Vec<receipt::ActiveModel>> {
    let mut asked = plan.came_or_left();
    let (mut lows, mut receipts) = (HashMap::new(), Vec::new());
    for ((conversation, user), moved) in &plan.moves {
        let Some(row) = plan.conversations.get(conversation) else {
            continue;
        };
        let Marks {
            delivered, read, ..
        } = moved.before;
        let may_raise = match row.participant_count {
            ..=1 => moved.delivered.covers.or(moved.read.covers).is_some(),
            _ => delivered <= row.delivered_low || read <= row.read_low,
        };
        if may_raise && let Some(known) = plan.lows.get(conversation) {
            lows.insert(*conversation, *known);
        } else if may_raise {
            asked.push(*conversation);
        }
        // Of two, each is all the others of the other: the overall mark says it.
        if row.participant_count > 2 && row.participant_count <= TELLS_EACH_UP_TO {
            receipts.extend(of_person((*conversation, *user), moved));
        }
    }
    lows.extend(lowest(tx, script, &asked).await?);
    for (conversation, lowest) in lows {
        let at = plan.raised_at(conversation, now);
        let Some(row) = plan.conversations.get_mut(&conversation) else {
            continue;
        };
        let (delivered, read_to) = match row.participant_count {
            ..=1 => alone(tx, row, lowest).await?,
            _ => lowest,
        };
        if delivered > row.delivered_low.max(read_to) {
            receipts.push(moved(conversation, receipt::Kind::Delivered, delivered, at));
        }
        if read_to > row.read_low {
            receipts.push(moved(conversation, receipt::Kind::Read, read_to, at));
        }
        let before = (row.delivered_low, row.read_low);
        row.delivered_low = row.delivered_low.max(delivered);
        row.read_low = row.read_low.max(read_to);
        let after = (row.delivered_low, row.read_low);
        // Nobody else is there to have read what one says alone.
        if after != before && row.kind == Kind::Group && row.participant_count > 1 {
            plan.raised.insert(conversation, Lows { before, after });
        }
    }
    Ok(receipts)
}

/// Reading implies delivery: delivery is kept where it is ahead of that.
fn of_person(
    (conversation, user): (ConversationId, UserId),
    moved: &Move,
) -> impl Iterator<Item = receipt::ActiveModel> {
    let seen = moved.read.covers;
    let had = moved.delivered.covers.filter(|had| Some(*had) > seen);
    let row = move |kind, up_to| receipt::ActiveModel {
        kind: Set(kind),
        ..read(conversation, Some(user), up_to, moved.at)
    };
    let had = had.map(|up_to| row(receipt::Kind::Delivered, up_to));
    had.into_iter()
        .chain(seen.map(|up_to| row(receipt::Kind::Read, up_to)))
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
async fn lowest(
    tx: &impl ConnectionTrait,
    script: &mut Script,
    conversations: &[ConversationId],
) -> Result<HashMap<ConversationId, (i64, i64)>> {
    if conversations.is_empty() {
        return Ok(HashMap::new());
    }
    let rest = format!(
        "FROM {} v CROSS JOIN participant p \
         WHERE p.conversation_id = v.column1 AND p.left_seq IS NULL GROUP BY p.conversation_id",
        sql::values(script.backend(), conversations.len(), 1)
    );
    let columns = "p.conversation_id, MIN(p.delivered_seq), MIN(p.read_seq)";
    let values = conversations.iter().map(|id| Value::from(*id));
    script.add(piece::sql(script.backend(), columns, &rest), values);
    let found = script.run(tx).await?;
    let lows: Vec<(_, _, _)> = match found.last() {
        Some(row) => piece::of(row)?,
        None => Vec::new(),
    };
    let lows = lows.into_iter();
    Ok(lows
        .map(|(id, delivered, read)| (id, (delivered, read)))
        .collect())
}

/// What was said to nobody, or left unread by the last one, is nobody's to read
/// any more: with one left alone, the overall marks stop before it.
const NOBODY_S: &str = "SELECT (SELECT m.seq FROM message m WHERE m.conversation_id = $1 \
     AND m.seq > $2 AND m.seq <= $3 AND m.furthest < 1 ORDER BY m.seq LIMIT 1), \
     (SELECT m.seq FROM message m WHERE m.conversation_id = $1 \
     AND m.seq > $4 AND m.seq <= $5 AND m.furthest < 2 ORDER BY m.seq LIMIT 1)";

/// How far the overall marks rise towards those of who is alone.
async fn alone(
    tx: &impl ConnectionTrait,
    row: &Conversation,
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
    let statement = Statement::from_sql_and_values(backend, NOBODY_S, values);
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
/// member but its sender was in when it was sent. Only messages from before the
/// second of the remaining members joined can be such: the subquery reads the
/// members once, and the statement only that range.
const SETTLE: &str = "UPDATE message SET furthest = CASE WHEN seq <= x.delivered_seq THEN 1 ELSE 0 END \
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

/// Settles what somebody leaves behind by leaving with this message.
pub(super) async fn settle(
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
    tx.execute_raw(Statement::from_sql_and_values(backend, SETTLE, values))
        .await?;
    Ok(())
}

/// Keeps when the marks moved.
pub(super) fn keep(script: &mut Script, receipts: Vec<receipt::ActiveModel>) {
    if !receipts.is_empty() {
        let insert = receipt::Entity::insert_many(receipts);
        script.add_built(insert.build(script.backend()));
    }
}
