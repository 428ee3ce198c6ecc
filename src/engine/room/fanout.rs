//! Fan-out from events to sessions: each frame is encoded once, and a session
//! gets one delivery per commit.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use entity::{ConversationId, UserId};

use super::effects::{AddressedEvent, EventBatch, EventContent};
use crate::engine::directory::Directory;
use crate::engine::ports::{EventFrame, UnreadNotice};
use crate::engine::reply::message_frame;

/// Delivers the batch to all its recipients.
pub(super) fn deliver_batch(
    directory: &Directory,
    conversation: ConversationId,
    batch: &EventBatch,
) {
    let mut unread: BTreeMap<UserId, UnreadNotice> = batch.unread.iter().copied().collect();
    let frames = batch
        .events
        .iter()
        .map(|note| encode_event(conversation, note));
    let frames: Vec<EventFrame> = frames.collect();
    match common_recipients(&batch.events) {
        Some(everybody) => {
            let users = everybody.iter();
            let users = users.map(|user| (*user, unread.remove(user)));
            directory.deliver_with_unread(users, &frames.into());
        }
        None => {
            for (frames, users) in group_by_frames(&batch.events, &frames) {
                let users = users.iter();
                let users = users.map(|user| (*user, unread.remove(user)));
                directory.deliver_with_unread(users, &frames);
            }
        }
    }
    // Users who get only an unread count.
    let rest = unread
        .into_iter()
        .map(|(user, unread)| (user, Some(unread)));
    directory.deliver_with_unread(rest, &Arc::default());
}

fn encode_event(conversation: ConversationId, note: &AddressedEvent) -> EventFrame {
    match &note.content {
        EventContent::Message(message) => message_frame(message),
        EventContent::Event(event) => EventFrame::for_change((conversation, note.version), event),
    }
}

/// Returns the recipients if they are equal for all events.
fn common_recipients(notes: &[AddressedEvent]) -> Option<&Arc<[UserId]>> {
    let first = &notes.first()?.recipients;
    let mut notes = notes.iter();
    notes
        .all(|note| Arc::ptr_eq(&note.recipients, first))
        .then_some(first)
}

/// Groups users who get equal frames.
fn group_by_frames(
    notes: &[AddressedEvent],
    frames: &[EventFrame],
) -> Vec<(Arc<[EventFrame]>, Vec<UserId>)> {
    let mut indexes: BTreeMap<UserId, Vec<usize>> = BTreeMap::new();
    for (at, note) in notes.iter().enumerate() {
        for user in note.recipients.iter() {
            indexes.entry(*user).or_default().push(at);
        }
    }
    let mut alike: HashMap<Vec<usize>, Vec<UserId>> = HashMap::new();
    for (user, indexes) in indexes {
        alike.entry(indexes).or_default().push(user);
    }
    let alike = alike.into_iter().map(|(indexes, users)| {
        let frames = indexes.iter().filter_map(|at| frames.get(*at).cloned());
        (frames.collect(), users)
    });
    alike.collect()
}

#[cfg(test)]
mod tests;
