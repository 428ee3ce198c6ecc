//! The visibility of messages: a member doesn't see messages from before they
//! joined.

use std::collections::BTreeMap;
use std::sync::Arc;

use entity::UserId;

use super::RoomState;
use crate::engine::room::effects::AddressedEvent;
use crate::protocol::Message;

impl<R> RoomState<R> {
    /// Returns the messages as each member sees them, if `is_news` accepts
    /// their version.
    pub(super) fn visible_events(
        &self,
        messages: &[Arc<Message>],
        is_news: impl Fn(i64) -> bool,
    ) -> Vec<AddressedEvent> {
        let alike = self.viewers_by_version(messages).into_values();
        let events = alike.flat_map(|(joined_seq, users)| {
            let to: Arc<[UserId]> = if users.len() == self.member_ids.len() {
                Arc::clone(&self.member_ids)
            } else {
                users.into()
            };
            let seen = messages.iter().filter(|it| it.seq > joined_seq);
            let seen = seen.map(|message| message.visible_since(joined_seq));
            let news = seen.filter(|message| is_news(message.version));
            let events = news.map(|message| AddressedEvent::of_message(&to, message));
            events.collect::<Vec<_>>()
        });
        events.collect()
    }

    /// Groups members who see these messages alike, each group with the
    /// `joined_seq` of one of its members. Two members are alike if no message
    /// or quoted original lies between their joins.
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
