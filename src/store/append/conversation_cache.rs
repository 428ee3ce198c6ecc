//! A cache of what recent batches wrote: the conversations and the markers of
//! their writers. The next batch needs no query for them, which saves a round
//! trip to the database.
//!
//! The cache serves the most frequent operations: messages that aren't replies,
//! and markers up to the newest message. It can be out of date, because not
//! only batches change conversations. Also, a `client_id` may have been used
//! before. So writes based on the cache are conditional, and the batch is
//! rolled back if a condition fails (see `write::update_conversations`). After
//! that, the batch loads its input from the database.

use std::collections::HashMap;
use std::mem;

use entity::{ConversationId, Millis, UserId};
use parking_lot::Mutex;

use super::AppendEntry;
use super::batch_input::{
    BatchInput, DirectPeer, LockedConversation, MemberMarkers, MessagePosition,
};
use super::marker_changes::RaisedWatermarks;
use super::plan::{BatchPlan, MarkerAdvance};
use crate::protocol::ConversationAction;

/// The maximum number of conversations in a generation. A full cache holds at
/// least this number of conversations, and at most twice as many. A direct
/// conversation takes half a kilobyte.
const GENERATION_MAX: usize = 4_096;
/// The maximum number of cached writers of a conversation. With more of them,
/// the conversation is dropped, and cached anew later.
const WRITERS_MAX: usize = 64;

/// The conversations of recent batches.
#[derive(Default)]
pub(in crate::store) struct ConversationCache(Mutex<CacheGenerations>);

/// Two generations: when `young` is full it becomes `old`, and the former `old`
/// is dropped.
#[derive(Default)]
struct CacheGenerations {
    young: HashMap<ConversationId, CachedConversation>,
    old: HashMap<ConversationId, CachedConversation>,
}

/// A cached conversation.
struct CachedConversation {
    row: LockedConversation,
    marks: Vec<(UserId, MemberMarkers)>,
    peers: Vec<(UserId, DirectPeer)>,
}

impl ConversationCache {
    /// Returns the input of a batch if all of it is cached. The batch's
    /// conversations leave the cache until the batch calls [`Self::update`].
    pub(super) fn take_input(&self, batch: &[AppendEntry]) -> Option<BatchInput> {
        let mut found = BatchInput::default();
        let mut generations = self.0.lock();
        for append in batch {
            if let Some(known) = generations.take(append.conversation) {
                known.add_to_input(&mut found);
            }
        }
        drop(generations);
        let is_enough = batch.iter().all(|append| found.is_complete_for(append));
        is_enough.then_some(found)
    }

    /// Caches the result of a batch. Conversations with other changes than
    /// messages and markers are rare; they aren't cached.
    pub(super) fn update(
        &self,
        found: BatchInput,
        plan: &BatchPlan,
        watermarks: &RaisedWatermarks,
    ) {
        let rows = found.conversations.into_iter();
        let mut all: HashMap<_, _> = rows
            .map(|(id, row)| (id, CachedConversation::new(row)))
            .collect();
        for (id, row) in &plan.conversations {
            let mut row = row.clone();
            if let Some(raised) = watermarks.get(id) {
                row.set_watermarks(raised.after);
            }
            all.insert(*id, CachedConversation::new(row));
        }
        for id in plan.conversations_not_cacheable() {
            all.remove(&id);
        }
        for ((id, user), marks) in found.marks {
            if let Some(known) = all.get_mut(&id) {
                let moved = plan.marker_advances.get(&(id, user));
                known
                    .marks
                    .push((user, moved.map_or(marks, |it| it.final_markers())));
            }
        }
        for ((id, user), peer) in found.peers {
            if let Some(known) = all.get_mut(&id) {
                let moved = plan.marker_advances.get(&(id, peer.user));
                let markers = moved.map_or(peer.markers, MarkerAdvance::positions);
                known.peers.push((user, DirectPeer { markers, ..peer }));
            }
        }
        let mut generations = self.0.lock();
        for (id, known) in all {
            generations.insert(id, known);
        }
    }
}

impl CacheGenerations {
    fn take(&mut self, id: ConversationId) -> Option<CachedConversation> {
        self.young.remove(&id).or_else(|| self.old.remove(&id))
    }

    fn insert(&mut self, id: ConversationId, known: CachedConversation) {
        if known.marks.len() > WRITERS_MAX {
            return;
        }
        if self.young.len() >= GENERATION_MAX {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(id, known);
    }
}

impl CachedConversation {
    fn new(row: LockedConversation) -> Self {
        Self {
            row: row.into_base(),
            marks: Vec::new(),
            peers: Vec::new(),
        }
    }

    fn add_to_input(self, found: &mut BatchInput) {
        let id = self.row.id;
        if let Some(last) = self.row.last_message_id {
            let place = MessagePosition {
                conversation: id,
                seq: self.row.last_seq,
                ord: self.row.last_ord,
                created_at: self.row.last_message_at.unwrap_or(Millis(0)),
            };
            found.positions.insert(last, place);
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

impl BatchInput {
    /// Returns whether this is all the input that an entry needs.
    fn is_complete_for(&self, append: &AppendEntry) -> bool {
        let Some(row) = self.conversations.get(&append.conversation) else {
            return false;
        };
        let is_known = match &append.action {
            ConversationAction::Send(message) => {
                message.text.is_ok() && message.reply_to.is_none() && !append.has_archived
            }
            ConversationAction::Mark(marks) => marks
                .keys()
                .all(|message| self.positions.contains_key(message)),
            ConversationAction::Act { .. }
            | ConversationAction::UpdateSettings(_)
            | ConversationAction::ChangeGroup(_) => false,
        };
        let key = (append.conversation, append.actor.id);
        is_known
            && append.verdict.is_ok()
            && append.members_version == row.members_version
            && self.marks.contains_key(&key)
    }
}
