//! What is done to messages that are there.

use entity::{Millis, message, reaction};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Statement, Value,
};

use super::super::How;
use super::super::plan::touches::NewTouch;
use crate::store::Result;

/// Writes them, in order.
pub(super) async fn all(
    tx: &impl ConnectionTrait,
    touches: &[NewTouch],
    now: Millis,
) -> Result<()> {
    for touch in touches {
        match &touch.how {
            How::Edit(text) => {
                of(touch)
                    .col_expr(message::Column::Text, text.as_str().into())
                    .col_expr(message::Column::EditedAt, now.into())
                    .exec(tx)
                    .await?;
                change_quotes(tx, touch).await?;
            }
            How::Withdraw => withdraw(tx, touch, now).await?,
            How::React { emoji, on } => {
                of(touch).exec(tx).await?;
                let key = (touch.message, emoji.as_str().to_owned(), touch.actor);
                if *on {
                    let row = reaction::ActiveModel {
                        message_id: Set(key.0),
                        emoji: Set(key.1),
                        user_id: Set(key.2),
                        created_at: Set(now),
                    };
                    reaction::Entity::insert(row)
                        .exec_without_returning(tx)
                        .await?;
                } else {
                    reaction::Entity::delete_by_id(key).exec(tx).await?;
                }
            }
        }
        raise_leavers(tx, touch).await?;
    }
    Ok(())
}

/// Members who had not read a message have one unread message less when it is
/// deleted. The marks of its sender are never before it. All moves of the
/// batch are written by now, so that a marker that passes the message and the
/// deletion do not both subtract it.
const COUNT_DELETED: &str = "UPDATE participant SET unread_deleted = unread_deleted + 1 \
     WHERE conversation_id = $1 AND read_seq < $2 AND (left_seq IS NULL OR left_seq >= $2)";

async fn count_deleted(tx: &impl ConnectionTrait, touch: &NewTouch) -> Result<()> {
    let values = [touch.conversation.into(), touch.seq.into()];
    let backend = tx.get_database_backend();
    tx.execute_raw(Statement::from_sql_and_values(
        backend,
        COUNT_DELETED,
        values,
    ))
    .await?;
    Ok(())
}

/// Those who left and still see what was touched, or one of the messages that
/// changed with it. Most have seen nothing so new, and aren't looked at.
const RAISE_LEAVERS: &str = "UPDATE participant SET version = $1 \
     WHERE conversation_id = $2 AND left_seq >= $3 AND version < $1 AND (joined_seq < $3 \
     OR EXISTS (SELECT 1 FROM message q WHERE q.reply_to = $4 AND q.version = $1 \
     AND q.seq > participant.joined_seq AND q.seq <= participant.left_seq))";

/// The conversation has changed for them, too: by their row's version they are
/// replayed it.
async fn raise_leavers(tx: &impl ConnectionTrait, touch: &NewTouch) -> Result<()> {
    let values = [
        Value::from(touch.version),
        touch.conversation.into(),
        touch.seq.into(),
        touch.message.into(),
    ];
    let backend = tx.get_database_backend();
    tx.execute_raw(Statement::from_sql_and_values(
        backend,
        RAISE_LEAVERS,
        values,
    ))
    .await?;
    Ok(())
}

/// The text goes, and with it what people made of it.
async fn withdraw(tx: &impl ConnectionTrait, touch: &NewTouch, now: Millis) -> Result<()> {
    of(touch)
        .col_expr(message::Column::Text, "".into())
        .col_expr(message::Column::DeletedAt, now.into())
        .exec(tx)
        .await?;
    reaction::Entity::delete_many()
        .filter(reaction::Column::MessageId.eq(touch.message))
        .exec(tx)
        .await?;
    count_deleted(tx, touch).await?;
    change_quotes(tx, touch).await
}

/// A quote is read from its original, so what quotes it has changed too; not
/// what was sent later in the same batch, which has its own version.
async fn change_quotes(tx: &impl ConnectionTrait, touch: &NewTouch) -> Result<()> {
    message::Entity::update_many()
        .col_expr(message::Column::Version, touch.version.into())
        .filter(message::Column::ReplyTo.eq(touch.message))
        .filter(message::Column::Version.lt(touch.version))
        .exec(tx)
        .await?;
    Ok(())
}

fn of(touch: &NewTouch) -> sea_orm::UpdateMany<message::Entity> {
    message::Entity::update_many()
        .col_expr(message::Column::Version, touch.version.into())
        .filter(message::Column::Id.eq(touch.message))
}
