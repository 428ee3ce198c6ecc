//! The second half of a batch: few statements, however much it is. Changes of
//! conversations themselves, and people's settings, are rare: they take one
//! each.

mod changes;
mod marks;
mod touches;

use entity::{ConversationId, Millis, message};
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait, QueryTrait, Value};

use super::look::Conversation;
use super::plan::Plan;
use super::script::Script;
use super::sql;
use crate::store::Result;

/// Writes it all, but for the last statements: those are left in `script`.
pub(super) async fn all(
    tx: &impl ConnectionTrait,
    script: &mut Script,
    plan: &mut Plan,
    now: Millis,
) -> Result<()> {
    // Who comes or goes makes everything after it in the batch stale: so what
    // people said and set is written first, and then what became of them.
    marks::advance(script, plan);
    if !plan.settings.is_empty() {
        script.run(tx).await?;
        changes::settings(tx, &plan.settings).await?;
    }
    insert_messages(script, plan);
    if !plan.changes.is_empty() {
        script.run(tx).await?;
        changes::members(tx, plan).await?;
    }
    let receipts = marks::raise_lows(tx, script, plan, now).await?;
    update_conversations(script, plan.conversations.values());
    marks::keep(script, receipts);
    if !plan.changes.is_empty() || !plan.touches.is_empty() {
        script.run(tx).await?;
        changes::conversations(tx, plan).await?;
        touches::all(tx, &plan.touches).await?;
    }
    Ok(())
}

/// Notes that all have read a conversation up to there.
pub(super) async fn read_by_all(
    tx: &impl ConnectionTrait,
    conversation: ConversationId,
    up_to: i64,
    now: Millis,
) -> Result<()> {
    let mut script = Script::on(tx);
    marks::keep(
        &mut script,
        vec![marks::read(conversation, None, up_to, now)],
    );
    script.run(tx).await.map(drop)
}

/// Writes how they stand, on the condition that they stand as they were found:
/// where they don't, `last_seq` would be null, which the database refuses, and
/// everything with it. Under a lock they do.
fn update_conversations<'a>(
    script: &mut Script,
    rows: impl ExactSizeIterator<Item = &'a Conversation>,
) {
    let sql = format!(
        "UPDATE conversation SET last_seq = CASE WHEN conversation.version = v.column9 \
         AND conversation.members_version = v.column10 THEN v.column2 END, last_ord = v.column3, \
         version = v.column4, delivered_low = v.column5, read_low = v.column6, \
         last_message_id = v.column7, last_message_at = v.column8 FROM {} v \
         WHERE conversation.id = v.column1",
        sql::values(script.backend(), rows.len(), 10)
    );
    let values = rows.flat_map(|row| {
        [
            Value::from(row.id),
            row.last_seq.into(),
            row.last_ord.into(),
            row.version.into(),
            row.delivered_low.into(),
            row.read_low.into(),
            row.last_message_id.into(),
            row.last_message_at.into(),
            row.found.version.into(),
            row.found.members_version.into(),
        ]
    });
    script.add(sql, values);
}

fn insert_messages(script: &mut Script, plan: &Plan) {
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
    script.add_built(insert.build(script.backend()));
}
