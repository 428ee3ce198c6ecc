//! Ids in blocks: a process takes a thousand at a time from a row of
//! `id_block` and hands them out from memory, so that no insert has to ask
//! for the keys it was given. What is left of a block at the end is skipped.

use std::ops::Range;

use parking_lot::Mutex;
use sea_orm::{ConnectionTrait, DbErr, Statement};

use super::database::Database;

const BLOCK: i64 = 1000;

/// What is left of the present block of message ids.
#[derive(Default)]
pub(super) struct Blocks {
    messages: Mutex<Range<i64>>,
}

impl Blocks {
    /// `count` fresh message ids, in any order. It may write, so it is called
    /// outside of transactions.
    pub(super) async fn messages(
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
            let wanted = i64::try_from(count).unwrap_or(BLOCK).max(BLOCK);
            let fresh = next_block(writer, "message", wanted).await?;
            *self.messages.lock() = fresh;
        }
    }
}

/// Moves the row on by `size`, past the ids that are answered.
pub(super) async fn next_block(
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
