//! What is done to messages that are there.

use entity::{message, reaction};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Statement, Value,
};

use crate::store::Result;
use crate::store::append::How;
use crate::store::append::plan::touches::NewTouch;

/// Writes them, in order.
pub(super) async fn all(tx: &impl ConnectionTrait, touches: &[NewTouch]) -> Result<()> {
    for touch in touches {
        match &touch.how {
            How::Edit(text) => {
                text_of(touch)
                    .col_expr(message::Column::Text, text.as_str().into())
                    .col_expr(message::Column::EditedAt, touch.at.into())
                    .exec(tx)
                    .await?;
            }
            How::Withdraw => withdraw(tx, touch).await?,
            How::React { emoji, on } => {
                of(touch).exec(tx).await?;
                let key = (touch.message, emoji.as_str().to_owned(), touch.actor);
                if *on {
                    let row = reaction::ActiveModel {
                        message_id: Set(key.0),
                        emoji: Set(key.1),
                        user_id: Set(key.2),
                        created_at: Set(touch.at),
                        version: Set(touch.version),
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

/// Members who had not read a message have one unread message less when it is
/// deleted. The marks of its sender are never before it. All moves of the
/// batch are written by now, so that a marker that passes the message and the
/// deletion do not both subtract it. Nothing else that happens to a message
/// reaches former members: by the version of their row they are replayed it.
const COUNT_DELETED: &str = "UPDATE participant SET \
     unread_deleted = unread_deleted + CASE WHEN read_seq < $3 THEN 1 ELSE 0 END, \
     version = CASE WHEN left_seq IS NULL OR version > $1 THEN version ELSE $1 END \
     WHERE conversation_id = $2 AND joined_seq < $3 \
     AND ((left_seq IS NULL AND read_seq < $3) OR left_seq >= $3)";

async fn count_deleted(tx: &impl ConnectionTrait, touch: &NewTouch) -> Result<()> {
    let values = [
        Value::from(touch.version),
        touch.conversation.into(),
        touch.seq.into(),
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

/// The text goes, and with it what people made of it.
async fn withdraw(tx: &impl ConnectionTrait, touch: &NewTouch) -> Result<()> {
    text_of(touch)
        .col_expr(message::Column::Text, "".into())
        .col_expr(message::Column::DeletedAt, touch.at.into())
        .exec(tx)
        .await?;
    reaction::Entity::delete_many()
        .filter(reaction::Column::MessageId.eq(touch.message))
        .exec(tx)
        .await?;
    count_deleted(tx, touch).await
}

/// A change of the text. Answers quote it: readers take the higher version of
/// an answer's own and of the original's text, so that no answer is written.
fn text_of(touch: &NewTouch) -> sea_orm::UpdateMany<message::Entity> {
    of(touch).col_expr(message::Column::TextVersion, touch.version.into())
}

fn of(touch: &NewTouch) -> sea_orm::UpdateMany<message::Entity> {
    message::Entity::update_many()
        .col_expr(message::Column::Version, touch.version.into())
        .filter(message::Column::Id.eq(touch.message))
}
