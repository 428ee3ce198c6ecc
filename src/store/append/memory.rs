//! What the last batches left behind: how the conversations stand that they
//! wrote to, and those who wrote. The next one needn't look for it, which
//! spares a trip to the database before each.
//!
//! It is for what is said all day: messages that answer none, and marks up to
//! the newest one. And it may be wrong: not only batches change a conversation,
//! and a `client_id` may have been used. So what is written by it goes with its
//! condition, and is rolled back where that doesn't hold (see
//! `write::update_conversations`): then it is looked after all.

use std::collections::HashMap;
use std::mem;

use entity::{ConversationId, Millis, UserId};
use parking_lot::Mutex;

use super::look::{Conversation, Found, Marks, Peer, Place};
use super::plan::Plan;
use super::{Append, What};

/// As many conversations are remembered at least, and up to twice as many: of
/// two people, half a kilobyte each.
const MOST: usize = 4_096;
/// One in which more people have written is forgotten, and learnt anew.
const WRITERS_MOST: usize = 64;

/// The conversations of the last batches.
#[derive(Default)]
pub(in crate::store) struct Memory(Mutex<Generations>);

/// Those that were written to since the others were moved to `old`, and these.
#[derive(Default)]
struct Generations {
    young: HashMap<ConversationId, Known>,
    old: HashMap<ConversationId, Known>,
}

/// One of them.
struct Known {
    row: Conversation,
    marks: Vec<(UserId, Marks)>,
    peers: Vec<(UserId, Peer)>,
}

impl Memory {
    /// What a batch has to know, where all of that is remembered. Whatever
    /// becomes of the batch, it is forgotten here until it is learnt again.
    pub(super) fn recall(&self, batch: &[Append]) -> Option<Found> {
        let mut found = Found::default();
        let mut generations = self.0.lock();
        for append in batch {
            if let Some(known) = generations.take(append.conversation) {
                known.tell(&mut found);
            }
        }
        drop(generations);
        let is_enough = batch.iter().all(|append| found.is_enough_for(append));
        is_enough.then_some(found)
    }

    /// Remembers what a batch found and wrote. Where it did more than that to
    /// a conversation, which is rare, the next one looks.
    pub(super) fn learn(&self, found: Found, plan: &Plan) {
        let rows = found.conversations.into_iter();
        let mut all: HashMap<_, _> = rows.map(|(id, row)| (id, Known::of(row))).collect();
        for (id, row) in &plan.conversations {
            all.insert(*id, Known::of(row.clone()));
        }
        for id in plan.changed_otherwise() {
            all.remove(&id);
        }
        for ((id, user), marks) in found.marks {
            if let Some(known) = all.get_mut(&id) {
                let moved = plan.moves.get(&(id, user));
                known
                    .marks
                    .push((user, moved.map_or(marks, |it| it.after())));
            }
        }
        for ((id, user), peer) in found.peers {
            if let Some(known) = all.get_mut(&id) {
                let moved = plan.moves.get(&(id, peer.user));
                let stands = moved.map_or((peer.delivered, peer.read), |it| it.stands());
                known.peers.push((user, Peer::at(peer.user, stands)));
            }
        }
        let mut generations = self.0.lock();
        for (id, known) in all {
            generations.keep(id, known);
        }
    }
}

impl Generations {
    fn take(&mut self, id: ConversationId) -> Option<Known> {
        self.young.remove(&id).or_else(|| self.old.remove(&id))
    }

    fn keep(&mut self, id: ConversationId, known: Known) {
        if known.marks.len() > WRITERS_MOST {
            return;
        }
        if self.young.len() >= MOST {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(id, known);
    }
}

impl Known {
    fn of(row: Conversation) -> Self {
        Self {
            row: row.into_found(),
            marks: Vec::new(),
            peers: Vec::new(),
        }
    }

    fn tell(self, found: &mut Found) {
        let id = self.row.id;
        if let Some(last) = self.row.last_message_id {
            let place = Place {
                conversation: id,
                seq: self.row.last_seq,
                ord: self.row.last_ord,
                created_at: self.row.last_message_at.unwrap_or(Millis(0)),
            };
            found.places.insert(last, place);
        }
        let marks = self.marks.into_iter();
        found
            .marks
            .extend(marks.map(|(user, marks)| ((id, user), marks)));
        let peers = self.peers.into_iter();
        found
            .peers
            .extend(peers.map(|(user, peer)| ((id, user), peer)));
        found.conversations.insert(id, self.row);
    }
}

impl Found {
    /// Whether this is all that has to be known to judge it.
    fn is_enough_for(&self, append: &Append) -> bool {
        let Some(row) = self.conversations.get(&append.conversation) else {
            return false;
        };
        let is_known = match &append.what {
            What::Post(post) => post.reply_to.is_none() && !append.has_archived,
            What::Mark(marks) => marks
                .iter()
                .all(|mark| self.places.contains_key(&mark.message)),
            What::FindSent(_) | What::Change(_) | What::Settings(_) | What::Touch(_) => false,
        };
        let key = (append.conversation, append.actor.id);
        is_known
            && append.verdict.is_ok()
            && append.members_version == row.members_version
            && self.marks.contains_key(&key)
    }
}
