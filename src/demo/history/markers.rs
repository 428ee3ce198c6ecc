//! Markers, watermarks and receipts. They follow the rules of
//! `store::append::write::markers`.

use entity::{Millis, ReceiptId, UserId, receipt};

use super::DemoHistory;
use crate::demo::clock::to_i64;
use crate::demo::{PersonIndex, Result, find_user_id};

impl DemoHistory<'_> {
    /// Moves a user's markers up to a line. Returns the user and raises the
    /// version only if a marker moved. Markers of a former member never move.
    pub(super) fn move_marker(
        &mut self,
        who: PersonIndex,
        (place, is_read): (usize, bool),
        at: Millis,
    ) -> Result<Option<PersonIndex>> {
        let (seq, ord) = {
            let message = self.message_at(place)?;
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
        let mut kind = receipt::ReceiptKind::Delivered;
        if reads {
            member.read_seq = seq;
            member.read_ord = ord;
            kind = receipt::ReceiptKind::Read;
        }
        self.row.version = version;
        self.record_marker(who, (kind, seq), at)?;
        self.raise_watermarks(at);
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
            member.unread_deleted = to_i64(deleted.count());
        }
    }

    /// Stores the time at which a user's marker moved. In a conversation of
    /// two, the watermark has the same information, so the marker gets no
    /// receipt.
    pub(super) fn record_marker(
        &mut self,
        who: PersonIndex,
        (kind, up_to): (receipt::ReceiptKind, i64),
        at: Millis,
    ) -> Result<()> {
        if self.row.participant_count > 2 {
            let user = find_user_id(self.cast.users, who)?;
            self.add_receipt(Some(user), (kind, up_to), at);
        }
        Ok(())
    }

    /// Raises the watermarks to the lowest markers of the present members.
    pub(super) fn raise_watermarks(&mut self, at: Millis) {
        let marks = self
            .current_members()
            .map(|one| (one.delivered_seq, one.read_seq));
        let lowest = marks.reduce(|a, b| (a.0.min(b.0), a.1.min(b.1)));
        let Some((delivered, read)) = lowest else {
            return;
        };
        if delivered > self.row.delivered_low.max(read) {
            self.add_receipt(None, (receipt::ReceiptKind::Delivered, delivered), at);
        }
        if read > self.row.read_low {
            self.add_receipt(None, (receipt::ReceiptKind::Read, read), at);
        }
        self.row.delivered_low = self.row.delivered_low.max(delivered);
        self.row.read_low = self.row.read_low.max(read);
    }

    fn add_receipt(
        &mut self,
        user_id: Option<UserId>,
        (kind, up_to_seq): (receipt::ReceiptKind, i64),
        at: Millis,
    ) {
        let id = ReceiptId(to_i64(self.rows.receipts.len()) + 1);
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
