//! How far everybody has come. What the marks do here is what
//! `store::append::write::marks` does.

use entity::{Millis, ReceiptId, UserId, receipt};

use super::History;
use crate::demo::clock::count;
use crate::demo::{Result, Who, id};

impl History<'_> {
    /// Moves somebody's marks up to a line; one that doesn't move takes no
    /// version, and neither does one of those who aren't in.
    pub(super) fn mark(
        &mut self,
        who: Who,
        (place, is_read): (usize, bool),
        at: Millis,
    ) -> Result<Option<Who>> {
        let (seq, ord) = {
            let message = self.touched(place)?;
            (message.seq, message.ord)
        };
        let version = self.row.version + 1;
        let Some(member) = self.members.get_mut(&who) else {
            return Ok(None);
        };
        let is_in = member.left_seq.is_none() && member.joined_seq < seq;
        let reads = is_in && is_read && member.read_seq < seq;
        let gets = is_in && member.delivered_seq < seq;
        if !reads && !gets {
            return Ok(None);
        }
        member.delivered_seq = member.delivered_seq.max(seq);
        member.version = version;
        let mut kind = receipt::Kind::Delivered;
        if reads {
            member.read_seq = seq;
            member.read_ord = ord;
            kind = receipt::Kind::Read;
        }
        self.row.version = version;
        self.tell(who, (kind, seq), at)?;
        self.raise_lows(at);
        Ok(Some(who))
    }

    /// Counts the deleted messages after each read marker.
    pub(super) fn count_deleted(&mut self) {
        let messages = self.rows.messages.get(self.first..).unwrap_or_default();
        for member in self.members.values_mut() {
            let last = member.left_seq.unwrap_or(i64::MAX);
            let deleted = messages.iter().filter(|message| {
                message.deleted_at.is_some() && message.seq > member.read_seq && message.seq <= last
            });
            member.unread_deleted = count(deleted.count());
        }
    }

    /// Keeps when somebody's mark moved. Of two, each is all the others of
    /// the other: the overall mark says it.
    pub(super) fn tell(
        &mut self,
        who: Who,
        (kind, up_to): (receipt::Kind, i64),
        at: Millis,
    ) -> Result<()> {
        if self.row.participant_count > 2 {
            let user = id(self.cast.users, who)?;
            self.receipt(Some(user), (kind, up_to), at);
        }
        Ok(())
    }

    /// Raises the overall marks to the lowest of those who are in.
    pub(super) fn raise_lows(&mut self, at: Millis) {
        let marks = self.present().map(|one| (one.delivered_seq, one.read_seq));
        let lowest = marks.reduce(|a, b| (a.0.min(b.0), a.1.min(b.1)));
        let Some((delivered, read)) = lowest else {
            return;
        };
        if delivered > self.row.delivered_low.max(read) {
            self.receipt(None, (receipt::Kind::Delivered, delivered), at);
        }
        if read > self.row.read_low {
            self.receipt(None, (receipt::Kind::Read, read), at);
        }
        self.row.delivered_low = self.row.delivered_low.max(delivered);
        self.row.read_low = self.row.read_low.max(read);
    }

    fn receipt(
        &mut self,
        user_id: Option<UserId>,
        (kind, up_to_seq): (receipt::Kind, i64),
        at: Millis,
    ) {
        let id = ReceiptId(count(self.rows.receipts.len()) + 1);
        self.rows.receipts.push(receipt::Model {
            id,
            conversation_id: self.row.id,
            user_id,
            kind,
            up_to_seq,
            at,
        });
    }
}
