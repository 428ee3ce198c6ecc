//! Fan-out from events to sessions: each frame is encoded once, and a session
//! gets one delivery per commit.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use entity::{ConversationId, UserId};

use super::effects::AddressedEvent;
use crate::engine::directory::Directory;
use crate::engine::ports::{EventFrame, UnreadNotice};

/// Delivers events to their recipients, followed by the unread counts.
pub(super) fn deliver_events(
    directory: &Directory,
    conversation: ConversationId,
    events: &[AddressedEvent],
    unread: Vec<(UserId, UnreadNotice)>,
) {
    let mut unread: BTreeMap<UserId, UnreadNotice> = unread.into_iter().collect();
    let encode = |it: &AddressedEvent| EventFrame::for_change(conversation, it.version, &it.event);
    let frames: Vec<EventFrame> = events.iter().map(encode).collect();
    match common_recipients(events) {
        Some(everybody) => {
            let users = everybody.iter();
            let users = users.map(|user| (*user, unread.remove(user)));
            directory.deliver_with_unread(users, &frames.into());
        }
        None => {
            for (frames, users) in group_by_frames(events, &frames) {
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
