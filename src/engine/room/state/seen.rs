//! Who sees which messages: those that were there when they came don't concern
//! them.

use std::collections::BTreeMap;
use std::sync::Arc;

use entity::UserId;

use super::State;
use crate::engine::room::effects::{Note, Telling};
use crate::protocol::Message;

impl<R> State<R> {
    /// Sends each member the messages as that member sees them, if their
    /// version is news.
    pub(super) fn tell_seen(
        &self,
        messages: &[Arc<Message>],
        is_news: impl Fn(i64) -> bool,
    ) -> Vec<Telling> {
        let alike = self.viewers_by_version(messages).into_values();
        let tellings = alike.map(|(joined_seq, users)| {
            let to: Arc<[UserId]> = match users.len() == self.everybody.len() {
                true => Arc::clone(&self.everybody),
                false => users.into(),
            };
            let seen = messages.iter().filter(|it| it.seq > joined_seq);
            let seen = seen.map(|message| message.seen_after(joined_seq));
            let news = seen.filter(|message| is_news(message.version));
            Telling {
                notes: news.map(|message| Note::message(&to, message)).collect(),
                unread: Vec::new(),
            }
        });
        let tellings = tellings.filter(|telling| !telling.notes.is_empty());
        tellings.collect()
    }

    /// Members who see these messages alike, with the `joined_seq` of one of
    /// them: none joined between two messages, or a message and what it quotes.
    fn viewers_by_version(&self, messages: &[Arc<Message>]) -> BTreeMap<usize, (i64, Vec<UserId>)> {
        let places = messages.iter().flat_map(|message| {
            let quoted = message.reply_to.as_ref().map(|quote| quote.seq);
            quoted.into_iter().chain([message.seq])
        });
        let mut places: Vec<i64> = places.collect();
        places.sort_unstable();
        places.dedup();
        let mut alike = BTreeMap::new();
        for member in self.members.values() {
            let joined_seq = member.joined_seq;
            let unseen = places.partition_point(|seq| *seq <= joined_seq);
            let (_, users) = alike
                .entry(unseen)
                .or_insert_with(|| (joined_seq, Vec::new()));
            users.push(member.user.id);
        }
        alike
    }
}
