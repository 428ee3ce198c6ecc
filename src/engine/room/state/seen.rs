//! Who sees which messages: those that were there when they came don't concern
//! them.

use std::collections::BTreeMap;
use std::sync::Arc;

use entity::UserId;

use super::State;
use crate::engine::room::effects::{Note, Telling};
use crate::protocol::Message;

impl<R> State<R> {
    /// Tells messages that may be older than some are here to those who see
    /// them.
    pub(super) fn tell_seen(&self, messages: &[Arc<Message>]) -> impl Iterator<Item = Telling> {
        let by_first = self.by_first_seen(messages).into_iter();
        by_first.map(|(first, to)| {
            let seen = messages.get(first..).unwrap_or_default().iter();
            let notes = seen.map(|message| Note::message(&to, Arc::clone(message)));
            Telling {
                notes: notes.collect(),
                unread: Vec::new(),
            }
        })
    }

    /// Who sees these messages from which one on: who came in the midst of
    /// them sees what came after.
    fn by_first_seen(&self, messages: &[Arc<Message>]) -> BTreeMap<usize, Arc<[UserId]>> {
        let mut seen: BTreeMap<usize, Vec<UserId>> = BTreeMap::new();
        for member in self.members.values() {
            let first = messages.partition_point(|message| message.seq <= member.joined_seq);
            if first < messages.len() {
                seen.entry(first).or_default().push(member.user.id);
            }
        }
        let seen = seen.into_iter();
        seen.map(|(first, to)| (first, to.into())).collect()
    }
}
