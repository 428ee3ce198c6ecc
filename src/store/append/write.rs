//! The writes of a batch: few statements for any number of entries. Only
//! changes of conversations and members' settings take one statement each,
//! because they are rare.

mod changes;
mod edits;
mod markers;

use entity::{ConversationId, Millis, message};
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait, QueryTrait, Value};

use super::marker_changes::RaisedWatermarks;
use super::plan::BatchPlan;
use crate::store::db::{Result, StatementBatch, StoreError, sql};

/// Writes the plan, except for the last statements, which stay in
/// `statements`. Returns the watermarks that rise with the plan's markers.
pub(super) async fn write_plan(
    tx: &impl ConnectionTrait,
    statements: &mut StatementBatch,
    plan: &BatchPlan,
) -> Result<RaisedWatermarks> {
    // A join or leave makes later entries of the batch stale. So markers,
    // settings and messages are written before changes of membership.
    markers::advance_markers(statements, plan);
    if !plan.settings.is_empty() {
        statements.run(tx).await?;
        changes::write_settings(tx, &plan.settings).await?;
    }
    insert_messages(statements, plan);
    if !plan.changes.is_empty() {
        statements.run(tx).await?;
        changes::write_members(tx, plan).await?;
    }
    let raised = markers::find_raised_watermarks(tx, statements, plan).await?;
    update_conversations(statements, plan, &raised);
    markers::insert_receipts(statements, markers::new_receipts(plan, &raised));
    if !plan.changes.is_empty() || !plan.edits.is_empty() {
        statements.run(tx).await?;
        changes::write_conversations(tx, plan).await?;
        edits::write_edits(tx, &plan.edits).await?;
    }
    Ok(raised)
}

/// The constraints that writes from cached rows use as conditions: the cached
/// version, an unused `seq` and an unused `client_id`.
const CONDITIONS: [&str; 3] = [
    "conversation.last_seq",
    "message.conversation_id, message.seq",
    "message.client_id, message.sender_id",
];

/// Returns `Outdated` if a write from cached rows failed because of its
/// conditions. Any other failure is not a reason to read the rows again.
pub(super) fn outdated_if_conflicting(error: StoreError) -> StoreError {
    error.outdated_if_violated(&CONDITIONS)
}

/// Stores a read receipt of all members up to the `seq` `up_to`.
pub(super) async fn mark_read_by_all(
    tx: &impl ConnectionTrait,
    conversation: ConversationId,
    up_to: i64,
    now: Millis,
) -> Result<()> {
    let mut statements = StatementBatch::new(tx);
    markers::insert_receipts(
        &mut statements,
        vec![markers::read_receipt(conversation, None, up_to, now)],
    );
    statements.run(tx).await.map(drop)
}

/// Updates conversations if they still have their base versions. Otherwise
/// `last_seq` becomes null, which the database refuses, and the whole batch
/// fails. Under a lock the versions always match.
fn update_conversations(
    statements: &mut StatementBatch,
    plan: &BatchPlan,
    raised: &RaisedWatermarks,
) {
    let rows = plan.conversations.values();
    let sql = format!(
        "UPDATE conversation SET last_seq = CASE WHEN conversation.version = v.column9 \
         AND conversation.members_version = v.column10 THEN v.column2 END, last_ord = v.column3, \
         version = v.column4, delivered_low = v.column5, read_low = v.column6, \
         last_message_id = v.column7, last_message_at = v.column8 FROM {} v \
         WHERE conversation.id = v.column1",
        sql::values_list(statements.backend(), rows.len(), 10)
    );
    let values = rows.flat_map(|row| {
        let rise = raised.get(&row.id);
        let watermarks = rise.map_or_else(|| row.watermarks(), |rise| rise.after);
        [
            Value::from(row.id),
            row.last_seq.into(),
            row.last_ord.into(),
            row.version.into(),
            watermarks.delivered.into(),
            watermarks.read.into(),
            row.last_message_id.into(),
            row.last_message_at.into(),
            row.base_versions.version.into(),
            row.base_versions.members_version.into(),
        ]
    });
    statements.execute(sql, values);
}

fn insert_messages(statements: &mut StatementBatch, plan: &BatchPlan) {
    if plan.messages.is_empty() {
        return;
    }
    let rows = plan.messages.iter().map(|new| {
        let message = &new.message;
        message::ActiveModel {
            id: Set(message.id),
            conversation_id: Set(message.conversation_id),
            seq: Set(message.seq),
            ord: Set(new.ord),
            version: Set(message.version),
            posted_version: Set(message.version),
            text_version: Set(0),
            sender_id: Set(message.sender.id),
            client_id: Set(message.client_id.clone()),
            kind: Set(message.kind),
            text: Set(message.text.clone()),
            event: Set(message.event.as_ref().map(|event| event.get().to_owned())),
            reply_to: Set(message.reply_to.as_ref().map(|quote| quote.id)),
            furthest: Set(new.furthest),
            created_at: Set(message.created_at),
            edited_at: Set(None),
            deleted_at: Set(None),
        }
    });
    let insert = message::Entity::insert_many(rows);
    statements.execute_built(insert.build(statements.backend()));
}
