//! How far people's marks move: by asking for it, or by sending.

use std::collections::HashMap;

use entity::{ConversationId, MessageId, Millis, UserId, receipt};

use super::Desk;
use crate::protocol::{Message, Problem, User};
use crate::store::append::look::{Marks, Place};
use crate::store::append::{Append, Mark, Outcome};

/// How far somebody's own marks move, in the whole batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store::append) struct Move {
    pub(in crate::store::append) user: User,
    /// As they stood.
    pub(in crate::store::append) before: Marks,
    pub(in crate::store::append) delivered: Stand,
    pub(in crate::store::append) read: Stand,
    /// The `ord` that the read one stands at.
    pub(in crate::store::append) ord: i64,
    pub(in crate::store::append) version: i64,
    /// When: never before a message that they passed.
    pub(in crate::store::append) at: Millis,
    /// Whether the read one stands at a message of this batch.
    pub(in crate::store::append) has_sent: bool,
}

impl Move {
    /// Where they stand afterwards: delivered and read.
    pub(in crate::store::append) fn stands(&self) -> (i64, i64) {
        (self.delivered.seq, self.read.seq)
    }

    pub(in crate::store::append) fn after(&self) -> Marks {
        Marks {
            joined: self.before.joined,
            delivered: self.delivered.seq,
            read: self.read.seq,
            read_ord: self.ord,
        }
    }
}

/// Where a mark stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::store::append) struct Stand {
    pub(in crate::store::append) seq: i64,
    /// None where it hasn't moved.
    pub(in crate::store::append) message: Option<MessageId>,
    /// Up to where it passed what others wrote, where it did.
    pub(in crate::store::append) covers: Option<i64>,
}

impl Stand {
    fn at(seq: i64) -> Self {
        Self {
            seq,
            ..Self::default()
        }
    }

    /// Moves on to a message; everything after one's mark is by others, up to
    /// `others`.
    fn go(&mut self, seq: i64, message: MessageId, others: i64) {
        if self.seq < others {
            self.covers = Some(others);
        }
        self.seq = seq;
        self.message = Some(message);
    }
}

impl Desk {
    /// Sending marks everything before it as read, in the message's own
    /// version.
    pub(super) fn sent(&mut self, append: &Append, message: &Message) {
        let ord = self
            .plan
            .conversations
            .get(&append.conversation)
            .map_or(0, |row| row.last_ord);
        if let Some(moved) = self.moving(append) {
            let (seq, id) = (message.seq, message.id);
            moved.delivered.go(seq, id, seq - 1);
            moved.read.go(seq, id, seq - 1);
            moved.ord = ord;
            moved.version = message.version;
            moved.at = moved.at.max(message.created_at);
            moved.has_sent = true;
        }
    }

    /// Who changes a conversation knows of that: where nothing is left for them
    /// before its system message, nothing is left with it.
    pub(super) fn acted(&mut self, append: &Append, message: &Message) {
        let key = (append.conversation, append.actor.id);
        // Some act from outside, and may have been in once.
        if self
            .found
            .own
            .get(&key)
            .is_none_or(|own| own.left.is_some())
        {
            return;
        }
        let before = message.seq - 1;
        let (delivered, read) = self.marks_of(key);
        if delivered < before {
            return;
        }
        if let Some(moved) = self.moving(append) {
            moved.delivered.go(message.seq, message.id, before);
            if read == before {
                // It is no text, so the `ord` stays.
                moved.read.go(message.seq, message.id, before);
            }
            moved.version = message.version;
            moved.at = moved.at.max(message.created_at);
        }
    }

    /// Where somebody's marks stand who takes part: delivered and read.
    fn marks_of(&self, key: (ConversationId, UserId)) -> (i64, i64) {
        match (self.plan.moves.get(&key), self.found.marks.get(&key)) {
            (Some(moved), _) => moved.stands(),
            (None, Some(own)) => (own.delivered, own.read),
            (None, None) => (0, 0),
        }
    }

    /// Marks only ever move forward, and reading implies delivery. What moves
    /// nothing takes no version.
    pub(super) fn mark(&mut self, append: &Append, marks: &[Mark]) -> Result<Outcome, Problem> {
        self.verdict(append)?;
        let key = (append.conversation, append.actor.id);
        let Some(own) = self.found.marks.get(&key).copied() else {
            return Err(Problem::not_found());
        };
        let (delivered, read) = self.marks_of(key);
        let (mut to, mut unknown) = (Furthest::default(), Vec::new());
        for mark in marks {
            let place = self.found.places.get(&mark.message);
            match place.filter(|it| it.conversation == append.conversation && it.seq > own.joined) {
                Some(place) => to.take(mark, place),
                None => unknown.push(mark.message),
            }
        }
        let delivered = to.delivered.filter(|(place, _)| place.seq > delivered);
        let read = to.read.filter(|(place, _)| place.seq > read);
        if delivered.is_none() && read.is_none() {
            return Ok(Outcome::Marked {
                version: None,
                unknown,
            });
        }
        let version = self.next_version(append)?;
        if let Some(moved) = self.moving(append) {
            if let Some((place, message)) = delivered {
                moved.delivered.go(place.seq, message, place.seq);
                moved.at = moved.at.max(place.created_at);
            }
            if let Some((place, message)) = read {
                moved.at = moved.at.max(place.created_at);
                moved.read.go(place.seq, message, place.seq);
                moved.ord = place.ord;
                moved.has_sent = false;
            }
            moved.version = version;
        }
        Ok(Outcome::Marked {
            version: Some(version),
            unknown,
        })
    }

    /// Of two people, where whoever is behind stands, if one of them moved.
    pub(super) fn lows_of_two(&self) -> HashMap<ConversationId, (i64, i64)> {
        let moves = self.plan.moves.iter();
        let lows = moves.filter_map(|(key, moved)| {
            let peer = self.found.peers.get(key)?;
            let other = self.plan.moves.get(&(key.0, peer.user));
            let (delivered, read) = other.map_or((peer.delivered, peer.read), Move::stands);
            let low = (moved.delivered.seq.min(delivered), moved.read.seq.min(read));
            Some((key.0, low))
        });
        lows.collect()
    }

    fn next_version(&mut self, append: &Append) -> Result<i64, Problem> {
        let Some(row) = self.found.conversations.get_mut(&append.conversation) else {
            return Err(Problem::internal());
        };
        row.version += 1;
        self.plan
            .conversations
            .insert(append.conversation, row.clone());
        Ok(row.version)
    }

    /// The actor's marks, as far as this batch has moved them.
    fn moving(&mut self, append: &Append) -> Option<&mut Move> {
        let key = (append.conversation, append.actor.id);
        let before = *self.found.marks.get(&key)?;
        let at = self.now;
        Some(self.plan.moves.entry(key).or_insert_with(|| Move {
            user: append.actor.clone(),
            before,
            delivered: Stand::at(before.delivered),
            read: Stand::at(before.read),
            ord: before.read_ord,
            version: 0,
            at,
            has_sent: false,
        }))
    }
}

/// The furthest of what was asked for.
#[derive(Default)]
struct Furthest {
    delivered: Option<(Place, MessageId)>,
    read: Option<(Place, MessageId)>,
}

impl Furthest {
    fn take(&mut self, mark: &Mark, place: &Place) {
        let further = |before: Option<(Place, MessageId)>| match before {
            Some(before) if before.0.seq >= place.seq => Some(before),
            _ => Some((*place, mark.message)),
        };
        self.delivered = further(self.delivered);
        if mark.kind == receipt::Kind::Read {
            self.read = further(self.read);
        }
    }
}
