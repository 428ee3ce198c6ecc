//! Writes of edits, deletions and reactions.

use entity::{message, reaction};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Statement, Value,
};

use crate::protocol::MessageAction;
use crate::store::append::plan::edits::PlannedEdit;
use crate::store::db::Result;

/// Writes the changes, in order.
pub(super) async fn write_edits(tx: &impl ConnectionTrait, all: &[PlannedEdit]) -> Result<()> {
    for edit in all {
        match &edit.action {
            MessageAction::Edit(text) => {
                update_text(edit)
                    .col_expr(message::Column::Text, text.as_str().into())
                    .col_expr(message::Column::EditedAt, edit.at.into())
                    .exec(tx)
                    .await?;
            }
            MessageAction::Delete => delete_message(tx, edit).await?,
            MessageAction::React { emoji, on } => {
                update_message(edit).exec(tx).await?;
                let key = (edit.message, emoji.as_str().to_owned(), edit.actor);
                if *on {
                    let row = reaction::ActiveModel {
                        message_id: Set(key.0),
                        emoji: Set(key.1),
                        user_id: Set(key.2),
                        created_at: Set(edit.at),
                        version: Set(edit.version),
                    };
                    reaction::Entity::insert(row)
                        .exec_without_returning(tx)
                        .await?;
                } else {
                    reaction::Entity::delete_by_id(key).exec(tx).await?;
                }
            }
        }
    }
    Ok(())
}

/// A deletion lowers the unread count of members who had not read the message.
/// The sender's markers are never before their own message. All marker moves of
/// the batch are written before this, so that a marker that passes the message
/// and the deletion don't both subtract it. A deletion also raises the version
/// of former members' rows, so that a replay sends it to them.
const COUNT_DELETED: &str = "UPDATE participant SET \
     unread_deleted = unread_deleted + CASE WHEN read_seq < $3 THEN 1 ELSE 0 END, \
     version = CASE WHEN left_seq IS NULL OR version > $1 THEN version ELSE $1 END \
     WHERE conversation_id = $2 AND joined_seq < $3 \
     AND ((left_seq IS NULL AND read_seq < $3) OR left_seq >= $3)";

async fn count_deleted(tx: &impl ConnectionTrait, edit: &PlannedEdit) -> Result<()> {
    let values = [
        Value::from(edit.version),
        edit.conversation.into(),
        edit.seq.into(),
    ];
    let backend = tx.get_database_backend();
    tx.execute_raw(Statement::from_sql_and_values(
        backend,
        COUNT_DELETED,
        values,
    ))
    .await?;
    Ok(())
}

/// Deletes the text and the reactions.
async fn delete_message(tx: &impl ConnectionTrait, edit: &PlannedEdit) -> Result<()> {
    update_text(edit)
        .col_expr(message::Column::Text, "".into())
        .col_expr(message::Column::DeletedAt, edit.at.into())
        .exec(tx)
        .await?;
    reaction::Entity::delete_many()
        .filter(reaction::Column::MessageId.eq(edit.message))
        .exec(tx)
        .await?;
    count_deleted(tx, edit).await
}

/// Begins an update of the text. A reply is read with the higher of its own
/// version and the original's `text_version`, so no reply is written.
fn update_text(edit: &PlannedEdit) -> sea_orm::UpdateMany<message::Entity> {
    update_message(edit).col_expr(message::Column::TextVersion, edit.version.into())
}

fn update_message(edit: &PlannedEdit) -> sea_orm::UpdateMany<message::Entity> {
    message::Entity::update_many()
        .col_expr(message::Column::Version, edit.version.into())
        .filter(message::Column::Id.eq(edit.message))
}
