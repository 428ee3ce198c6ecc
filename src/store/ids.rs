//! Ids in blocks: a process reserves a thousand at a time in `id_block` and
//! assigns them from memory, so that no insert has to return its key. Unused
//! ids of a block are skipped.

use std::ops::Range;

use parking_lot::Mutex;
use sea_orm::{ConnectionTrait, DbErr, Statement};

use crate::store::db::Database;

const BLOCK_SIZE: i64 = 1000;

/// The unused rest of the present block of message ids.
#[derive(Default)]
pub(super) struct MessageIdBlock {
    messages: Mutex<Range<i64>>,
}

impl MessageIdBlock {
    /// Returns `count` new message ids, in any order. It may write, so call it
    /// outside of transactions.
    pub(super) async fn take_message_ids(
        &self,
        writer: &Database,
        count: usize,
    ) -> Result<Vec<i64>, DbErr> {
        let mut taken = Vec::with_capacity(count);
        loop {
            taken.extend(self.messages.lock().by_ref().take(count - taken.len()));
            if taken.len() == count {
                return Ok(taken);
            }
            let wanted = i64::try_from(count).unwrap_or(BLOCK_SIZE).max(BLOCK_SIZE);
            let fresh = reserve_block(writer, "message", wanted).await?;
            *self.messages.lock() = fresh;
        }
    }
}

/// Reserves `size` ids and returns them.
pub(super) async fn reserve_block(
    writer: &impl ConnectionTrait,
    name: &str,
    size: i64,
) -> Result<Range<i64>, DbErr> {
    let row = writer
        .query_one_raw(Statement::from_sql_and_values(
            writer.get_database_backend(),
            "INSERT INTO id_block (name, next) VALUES ($1, 1 + $2) \
             ON CONFLICT (name) DO UPDATE SET next = id_block.next + $2 RETURNING next",
            [name.into(), size.into()],
        ))
        .await?
        .ok_or_else(|| DbErr::RecordNotFound("id_block".to_owned()))?;
    let end: i64 = row.try_get_by_index(0)?;
    Ok(end - size..end)
}
