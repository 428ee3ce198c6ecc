//! Marker moves, by a marker command or a sent message.

use std::collections::HashMap;

use entity::receipt::ReceiptKind;
use entity::{ConversationId, MessageId, Millis, UserId};

use super::{PlannedOutcome, Planner};
use crate::protocol::{MarkedMessages, Message, Problem, User};
use crate::store::append::batch_input::{MarkerSeqs, MemberMarkers, MessagePosition};
use crate::store::append::{AppendEntry, AppendOutcome, CommittedChange};

/// The move of a member's markers in the whole batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store::append) struct MarkerAdvance {
    pub(in crate::store::append) user: User,
    /// The markers before the batch.
    pub(in crate::store::append) before: MemberMarkers,
    pub(in crate::store::append) delivered: MarkerPosition,
    pub(in crate::store::append) read: MarkerPosition,
    /// The `ord` at the read marker.
    pub(in crate::store::append) ord: i64,
    pub(in crate::store::append) version: i64,
    /// The time of the move, never before the time of a message that the
    /// markers passed.
    pub(in crate::store::append) at: Millis,
    /// Whether the read marker is at a message of this batch.
    pub(in crate::store::append) has_sent: bool,
}

impl MarkerAdvance {
    /// Returns the new positions.
    pub(in crate::store::append) fn positions(&self) -> MarkerSeqs {
        MarkerSeqs {
            delivered: self.delivered.seq,
            read: self.read.seq,
        }
    }

    pub(in crate::store::append) fn final_markers(&self) -> MemberMarkers {
        MemberMarkers {
            joined: self.before.joined,
            delivered: self.delivered.seq,
            read: self.read.seq,
            read_ord: self.ord,
        }
    }
}

/// The position of a marker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::store::append) struct MarkerPosition {
    pub(in crate::store::append) seq: i64,
    /// None if the marker hasn't moved.
    pub(in crate::store::append) message: Option<MessageId>,
    /// The last `seq` of others' messages that the marker passed, if any.
    pub(in crate::store::append) covers: Option<i64>,
}

impl MarkerPosition {
    fn new(seq: i64) -> Self {
        Self {
            seq,
            ..Self::default()
        }
    }

    /// Moves the marker to a message. The messages after the old position and
    /// up to `others`, if any, are by other members.
    fn advance(&mut self, seq: i64, message: MessageId, others: i64) {
        if self.seq < others {
            self.covers = Some(others);
        }
        self.seq = seq;
        self.message = Some(message);
    }
}

impl Planner {
    /// Moves the sender's markers to the posted message, in the version of that
    /// message.
    pub(super) fn advance_sender(&mut self, append: &AppendEntry, message: &Message) {
        let ord = self
            .plan
            .conversations
            .get(&append.conversation)
            .map_or(0, |row| row.last_ord);
        if let Some(moved) = self.marker_advance(append) {
            let (seq, id) = (message.seq, message.id);
            moved.delivered.advance(seq, id, seq - 1);
            moved.read.advance(seq, id, seq - 1);
            moved.ord = ord;
            moved.version = message.version;
            moved.at = moved.at.max(message.created_at);
            moved.has_sent = true;
        }
    }

    /// Moves the actor's markers over their own system message, if they had
    /// received or read everything before it.
    pub(super) fn advance_actor(&mut self, append: &AppendEntry, message: &Message) {
        let key = (append.conversation, append.actor.id);
        // A server admin need not be a member, and may be a former one.
        if self
            .input
            .settings
            .get(&key)
            .is_none_or(|own| own.left_seq.is_some())
        {
            return;
        }
        let before = message.seq - 1;
        let MarkerSeqs { delivered, read } =
            self.marker_positions(append.conversation, append.actor.id);
        if delivered < before {
            return;
        }
        if let Some(moved) = self.marker_advance(append) {
            moved.delivered.advance(message.seq, message.id, before);
            if read == before {
                // A system message doesn't raise `ord`.
                moved.read.advance(message.seq, message.id, before);
            }
            moved.version = message.version;
            moved.at = moved.at.max(message.created_at);
        }
    }

    /// Returns a member's markers at this point of the batch.
    fn marker_positions(&self, conversation: ConversationId, user: UserId) -> MarkerSeqs {
        let key = (conversation, user);
        match (
            self.plan.marker_advances.get(&key),
            self.input.marks.get(&key),
        ) {
            (Some(moved), _) => moved.positions(),
            (None, Some(own)) => own.seqs(),
            (None, None) => MarkerSeqs::default(),
        }
    }

    /// Plans a marker command. Markers only move forward, and reading implies
    /// delivery. If no marker moves, the version stays.
    pub(super) fn plan_markers(
        &mut self,
        append: &AppendEntry,
        marks: &MarkedMessages,
    ) -> Result<PlannedOutcome, Problem> {
        self.check_verdict(append)?;
        let key = (append.conversation, append.actor.id);
        let Some(own) = self.input.marks.get(&key).copied() else {
            return Err(Problem::not_found());
        };
        let before = self.marker_positions(append.conversation, append.actor.id);
        let (mut to, mut unknown) = (FurthestMarkers::default(), Vec::new());
        for (message, kind) in marks {
            let place = self.input.positions.get(message);
            match place.filter(|it| it.conversation == append.conversation && it.seq > own.joined) {
                Some(place) => to.include(*message, *kind, place),
                None => unknown.push(*message),
            }
        }
        let delivered = to
            .delivered
            .filter(|(place, _)| place.seq > before.delivered);
        let read = to.read.filter(|(place, _)| place.seq > before.read);
        if delivered.is_none() && read.is_none() {
            return Ok(AppendOutcome::Unmoved { unknown }.into());
        }
        let version = self.take_version(append)?;
        if let Some(moved) = self.marker_advance(append) {
            if let Some((place, message)) = delivered {
                moved.delivered.advance(place.seq, message, place.seq);
                moved.at = moved.at.max(place.created_at);
            }
            if let Some((place, message)) = read {
                moved.at = moved.at.max(place.created_at);
                moved.read.advance(place.seq, message, place.seq);
                moved.ord = place.ord;
                moved.has_sent = false;
            }
            moved.version = version;
        }
        Ok(AppendOutcome::Written(CommittedChange::Marked { version, unknown }).into())
    }

    /// Returns the lower markers of the two users of each direct conversation
    /// in which a marker moved.
    pub(super) fn direct_watermarks(&self) -> HashMap<ConversationId, MarkerSeqs> {
        let moves = self.plan.marker_advances.iter();
        let lows = moves.filter_map(|(key, moved)| {
            let peer = self.input.peers.get(key)?;
            let other = self.plan.marker_advances.get(&(key.0, peer.user));
            let theirs = other.map_or(peer.markers, MarkerAdvance::positions);
            Some((key.0, moved.positions().lowest(theirs)))
        });
        lows.collect()
    }

    fn take_version(&mut self, append: &AppendEntry) -> Result<i64, Problem> {
        let Some(row) = self.input.conversations.get_mut(&append.conversation) else {
            return Err(Problem::internal());
        };
        row.version += 1;
        self.plan
            .conversations
            .insert(append.conversation, row.clone());
        Ok(row.version)
    }

    /// Returns the actor's move in this batch, beginning one if needed; none if
    /// the actor never was a member.
    fn marker_advance(&mut self, append: &AppendEntry) -> Option<&mut MarkerAdvance> {
        let key = (append.conversation, append.actor.id);
        let before = *self.input.marks.get(&key)?;
        let at = self.now;
        Some(
            self.plan
                .marker_advances
                .entry(key)
                .or_insert_with(|| MarkerAdvance {
                    user: append.actor.clone(),
                    before,
                    delivered: MarkerPosition::new(before.delivered),
                    read: MarkerPosition::new(before.read),
                    ord: before.read_ord,
                    version: 0,
                    at,
                    has_sent: false,
                }),
        )
    }
}

/// The furthest positions that the markers of a command name.
#[derive(Default)]
struct FurthestMarkers {
    delivered: Option<(MessagePosition, MessageId)>,
    read: Option<(MessagePosition, MessageId)>,
}

impl FurthestMarkers {
    fn include(&mut self, message: MessageId, kind: ReceiptKind, place: &MessagePosition) {
        let further = |before: Option<(MessagePosition, MessageId)>| match before {
            Some(before) if before.0.seq >= place.seq => Some(before),
            _ => Some((*place, message)),
        };
        self.delivered = further(self.delivered);
        if kind == ReceiptKind::Read {
            self.read = further(self.read);
        }
    }
}
