//! What is told, from events to each person's sessions: every frame encoded
//! once, and one delivery for everything that a session hears of a commit.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use entity::{ConversationId, UserId};

use super::effects::{Note, Said, Telling};
use crate::engine::directory::Directory;
use crate::engine::ports::{Frame, Unread};
use crate::engine::reply::echo;

/// Delivers to everybody who hears something of it.
pub(super) fn deliver(directory: &Directory, conversation: ConversationId, telling: &Telling) {
    let mut unread: BTreeMap<UserId, Unread> = telling.unread.iter().copied().collect();
    let frames = telling.notes.iter().map(|note| frame(conversation, note));
    let frames: Vec<Frame> = frames.collect();
    match together(&telling.notes) {
        Some(everybody) => {
            let users = everybody.iter();
            let users = users.map(|user| (*user, unread.remove(user)));
            directory.deliver_each(users, &frames.into());
        }
        None => {
            for (frames, users) in by_what_they_hear(&telling.notes, &frames) {
                let users = users.iter();
                let users = users.map(|user| (*user, unread.remove(user)));
                directory.deliver_each(users, &frames);
            }
        }
    }
    // Those who hear nothing but that.
    let rest = unread
        .into_iter()
        .map(|(user, unread)| (user, Some(unread)));
    directory.deliver_each(rest, &Arc::default());
}

fn frame(conversation: ConversationId, note: &Note) -> Frame {
    match &note.said {
        Said::Message(message) => echo(message),
        Said::Event(event) => Frame::telling((conversation, note.version), event),
    }
}

/// Who hears it, where all of it is for the same people.
fn together(notes: &[Note]) -> Option<&Arc<[UserId]>> {
    let first = &notes.first()?.to;
    let mut notes = notes.iter();
    notes
        .all(|note| Arc::ptr_eq(&note.to, first))
        .then_some(first)
}

/// Who hears the same gets the same frames.
fn by_what_they_hear(notes: &[Note], frames: &[Frame]) -> Vec<(Arc<[Frame]>, Vec<UserId>)> {
    let mut heard: BTreeMap<UserId, Vec<usize>> = BTreeMap::new();
    for (at, note) in notes.iter().enumerate() {
        for user in note.to.iter() {
            heard.entry(*user).or_default().push(at);
        }
    }
    let mut alike: HashMap<Vec<usize>, Vec<UserId>> = HashMap::new();
    for (user, heard) in heard {
        alike.entry(heard).or_default().push(user);
    }
    let alike = alike.into_iter().map(|(heard, users)| {
        let frames = heard.iter().filter_map(|at| frames.get(*at).cloned());
        (frames.collect(), users)
    });
    alike.collect()
}

#[cfg(test)]
mod tests;
