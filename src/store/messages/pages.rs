//! Parts of a history, as wide as one's window on it.

use sea_orm::ConnectionTrait;

use super::{Row, complete, rows};
use crate::protocol::Message;
use crate::store::conversations::Window;
use crate::store::{Result, Store, count};

/// Which part of a history is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageRequest {
    /// The newest.
    Latest,
    /// What stands before this `seq`.
    Before(i64),
    /// What stands after this `seq`.
    After(i64),
    /// What stands around this `seq`.
    Around(i64),
}

/// A part of a history, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Page {
    pub messages: Vec<Message>,
    /// Whether there is more before it.
    pub has_older: bool,
    /// Whether there is more after it.
    pub has_newer: bool,
}

impl Store {
    /// A page of at most `limit` messages of what `window` lets one see.
    pub async fn history(&self, window: &Window, request: PageRequest, limit: u64) -> Result<Page> {
        // Most pages take one statement, which is a snapshot by itself.
        if !matches!(request, PageRequest::Around(_)) {
            let part = part(&self.reader, window, request, limit).await?;
            if part.rows.iter().all(Row::stands_alone) {
                return part.completed(&self.reader).await;
            }
        }
        let tx = self.snapshot().await?;
        let page = match request {
            PageRequest::Around(seq) => {
                let older = PageRequest::Before(seq);
                let newer = PageRequest::After(seq.saturating_sub(1));
                let before = part(&tx, window, older, limit / 2).await?;
                let mut page = part(&tx, window, newer, limit - limit / 2).await?;
                page.has_older = before.has_older;
                page.rows.splice(0..0, before.rows);
                page
            }
            one_way => part(&tx, window, one_way, limit).await?,
        };
        let page = page.completed(&tx).await?;
        tx.commit().await?;
        Ok(page)
    }
}

/// A page whose quotes and reactions aren't read yet.
struct Part {
    rows: Vec<Row>,
    has_older: bool,
    has_newer: bool,
}

impl Part {
    async fn completed(self, db: &impl ConnectionTrait) -> Result<Page> {
        Ok(Page {
            messages: complete(db, self.rows).await?,
            has_older: self.has_older,
            has_newer: self.has_newer,
        })
    }
}

async fn part(
    db: &impl ConnectionTrait,
    window: &Window,
    request: PageRequest,
    limit: u64,
) -> Result<Part> {
    match request {
        PageRequest::Latest => older(db, window, i64::MAX, limit).await,
        PageRequest::Before(seq) => older(db, window, seq, limit).await,
        PageRequest::After(seq) | PageRequest::Around(seq) => newer(db, window, seq, limit).await,
    }
}

async fn older(
    db: &impl ConnectionTrait,
    window: &Window,
    before: i64,
    limit: u64,
) -> Result<Part> {
    let before = before.min(window.last.saturating_add(1));
    let mut rows = rows(
        db,
        "WHERE m.conversation_id = $1 AND m.seq > $2 AND m.seq < $3 ORDER BY m.seq DESC LIMIT $4",
        [
            window.conversation.into(),
            window.first.into(),
            before.into(),
            count(limit + 1),
        ],
    )
    .await?;
    let has_older = cut(&mut rows, limit);
    rows.reverse();
    Ok(Part {
        rows,
        has_older,
        has_newer: before <= window.last,
    })
}

async fn newer(db: &impl ConnectionTrait, window: &Window, after: i64, limit: u64) -> Result<Part> {
    let after = after.max(window.first);
    let mut rows = rows(
        db,
        "WHERE m.conversation_id = $1 AND m.seq > $2 AND m.seq <= $3 ORDER BY m.seq LIMIT $4",
        [
            window.conversation.into(),
            after.into(),
            window.last.into(),
            count(limit + 1),
        ],
    )
    .await?;
    let has_newer = cut(&mut rows, limit);
    Ok(Part {
        rows,
        has_older: after > window.first,
        has_newer,
    })
}

/// One more than asked for was read, to learn whether there is more.
fn cut(rows: &mut Vec<Row>, limit: u64) -> bool {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    has_more
}
