//! Markers, watermarks and receipts. They follow the rules of
//! `store::append::write::markers`.

use std::collections::BTreeMap;

use entity::receipt::{self, ReceiptKind};
use entity::{Millis, ReceiptId, UserId, participant};

use super::{DELIVERY_DELAY, DemoHistory, READ_DELAY, next_id};
use crate::demo::schedule::TimedLine;
use crate::demo::script::Result;

impl DemoHistory<'_> {
    /// Moves the markers of this kind to the line: those of all members at the
    /// end of a scene, and a member's at the last text that the member doesn't
    /// lack.
    pub(super) fn move_markers(
        &mut self,
        timed: &TimedLine<'_>,
        kind: ReceiptKind,
        lacking: &BTreeMap<String, usize>,
    ) -> Result<()> {
        let at = timed.after(match kind {
            ReceiptKind::Delivered => DELIVERY_DELAY,
            ReceiptKind::Read => READ_DELAY,
        });
        for user in self.cast.users {
            let lacks = lacking.get(&user.username).copied().unwrap_or_default();
            let has_line = timed.texts_after >= lacks && self.members.contains_key(&user.id);
            if has_line && (timed.ends_scene || timed.texts_after == lacks) {
                self.move_marker(user.id, kind, at)?;
            }
        }
        Ok(())
    }

    /// Moves a member's marker to the last message, in a version of its own.
    pub(super) fn move_marker(
        &mut self,
        user: UserId,
        kind: ReceiptKind,
        at: Millis,
    ) -> Result<()> {
        let (seq, ord) = (self.row.last_seq, self.row.last_ord);
        self.note_activity(user, at);
        let member = self.member(user)?;
        let is_read = kind == ReceiptKind::Read;
        if member.read_seq == seq || (!is_read && member.delivered_seq == seq) {
            return Ok(());
        }
        self.row.version += 1;
        let member = self.changed_member(user)?;
        member.delivered_seq = seq;
        if is_read {
            (member.read_seq, member.read_ord, member.unread_deleted) = (seq, ord, 0);
        }
        // In a conversation of two, the watermark has the same information.
        if self.members.len() > 2 {
            self.add_receipt(Some(user), kind, seq, at);
        }
        self.raise_watermarks(at);
        Ok(())
    }

    /// Raises the watermarks to the lowest markers.
    pub(super) fn raise_watermarks(&mut self, at: Millis) {
        let lowest =
            |marker: fn(&participant::Model) -> i64| self.members.values().map(marker).min();
        let delivered = lowest(|member| member.delivered_seq).unwrap_or_default();
        let read = lowest(|member| member.read_seq).unwrap_or_default();
        if delivered > self.row.delivered_low.max(read) {
            self.add_receipt(None, ReceiptKind::Delivered, delivered, at);
        }
        if read > self.row.read_low {
            self.add_receipt(None, ReceiptKind::Read, read, at);
        }
        (self.row.delivered_low, self.row.read_low) = (delivered, read);
    }

    fn add_receipt(&mut self, user: Option<UserId>, kind: ReceiptKind, up_to_seq: i64, at: Millis) {
        self.rows.receipts.push(receipt::Model {
            id: ReceiptId(next_id(self.rows.receipts.len())),
            conversation_id: self.row.id,
            user_id: user,
            kind,
            up_to_seq,
            at,
        });
    }

    /// A user was last seen at the time of the user's last action, or later.
    fn note_activity(&mut self, user: UserId, at: Millis) {
        let mut statuses = self.rows.statuses.iter_mut();
        if let Some(status) = statuses.find(|status| status.user_id == user) {
            status.last_seen = status.last_seen.max(Some(at));
        }
    }

    /// Counts the deletion of the last message for members who have not read it.
    pub(super) fn count_deletion(&mut self) {
        let last_seq = self.row.last_seq;
        for member in self.members.values_mut() {
            member.unread_deleted += i64::from(member.read_seq < last_seq);
        }
    }
}
