//! One message.

use std::collections::HashSet;

use entity::message::Kind;
use entity::{ConversationId, MessageId, Millis, UserId};

use super::avatar::hue;
use super::text::{FoldedText, fold};
use super::{Ticks, row, times};
use crate::protocol::message::Reaction;
use crate::protocol::{Message, Participant, Quote, User};

/// Messages of one sender that are no further apart stand close together.
const CLOSE: std::time::Duration = std::time::Duration::from_secs(5 * 60);

/// A message as it stands in a conversation.
pub(in crate::web) struct Bubble<'a> {
    pub(in crate::web) id: MessageId,
    /// Where it stands.
    pub(in crate::web) href: String,
    pub(in crate::web) reader: Reader<'a>,
    pub(in crate::web) is_system: bool,
    pub(in crate::web) is_mine: bool,
    /// It is the first of several by the same person.
    pub(in crate::web) is_first: bool,
    /// Who wrote it, where that has to be said.
    pub(in crate::web) sender: Option<Called<'a>>,
    pub(in crate::web) hue: u32,
    pub(in crate::web) quote: Option<Quoted<'a>>,
    pub(in crate::web) text: &'a str,
    pub(in crate::web) is_withdrawn: bool,
    pub(in crate::web) is_edited: bool,
    pub(in crate::web) reactions: &'a [Reaction],
    pub(in crate::web) at: Millis,
    pub(in crate::web) clock: String,
    pub(in crate::web) ticks: Option<Ticks>,
}

/// Who looks at it, and where.
#[derive(Clone, Copy)]
pub(in crate::web) struct Reader<'a> {
    pub(in crate::web) me: UserId,
    pub(in crate::web) is_group: bool,
    /// Those who take part, as far as they are known.
    pub(in crate::web) people: &'a [Participant],
    /// Those whose names look alike.
    pub(in crate::web) alike: Option<&'a HashSet<UserId>>,
}

/// What a person is called on the page.
#[derive(Clone, Copy, Default)]
pub(in crate::web) struct Called<'a> {
    pub(in crate::web) name: &'a str,
    /// The username, if somebody else here has a name that looks like it.
    pub(in crate::web) username: Option<&'a str>,
}

/// What a message answers.
pub(in crate::web) struct Quoted<'a> {
    pub(in crate::web) sender: Called<'a>,
    pub(in crate::web) hue: u32,
    /// Empty once it is withdrawn.
    pub(in crate::web) text: &'a str,
    /// Where it stands itself.
    pub(in crate::web) href: String,
}

impl<'a> Bubble<'a> {
    /// A message, seen by `me` after the one before it.
    pub(in crate::web) fn new(
        message: &'a Message,
        before: Option<&Message>,
        reader: Reader<'a>,
    ) -> Self {
        let Reader { me, is_group, .. } = reader;
        let is_mine = message.sender.id == me;
        let is_system = message.kind == Kind::System;
        let is_first = !before.is_some_and(|before| follows(before, message));
        let name = message.sender.display_name.as_str();
        let quote = message.reply_to.as_ref().filter(|_| !message.deleted);
        Self {
            id: message.id,
            href: place_of(message.conversation_id, message.seq, message.id),
            reader,
            is_system,
            is_mine,
            is_first,
            sender: (is_group && is_first && !is_mine).then(|| reader.called(&message.sender)),
            hue: hue(name),
            quote: quote.map(|quote| Quoted::new(quote, message, reader)),
            text: &message.text,
            is_withdrawn: message.deleted,
            is_edited: message.edited_at.is_some() && !message.deleted,
            reactions: &message.reactions,
            at: message.created_at,
            clock: times::clock(message.created_at),
            ticks: (is_mine && !message.deleted && !is_system).then(|| Ticks::of(message.status)),
        }
    }

    pub(in crate::web) fn said(&self) -> FoldedText<'a> {
        fold(self.text)
    }

    /// Who put an emoji there, as far as they are named.
    pub(in crate::web) fn reacted(&self, reaction: &Reaction) -> String {
        let names = reaction.usernames.iter();
        let names: Vec<String> = names.map(|name| self.reader.name_of(name)).collect();
        let named = names.join(", ");
        let count = usize::try_from(reaction.count).unwrap_or(usize::MAX);
        match count.saturating_sub(reaction.usernames.len()) {
            0 => named,
            more => format!("{named} and {more} more"),
        }
    }
}

impl Reader<'_> {
    /// What somebody is called here.
    fn name_of(&self, username: &str) -> String {
        let mut people = self.people.iter();
        match people.find(|person| person.user.username == username) {
            Some(person) if person.user.id == self.me => "You".to_owned(),
            Some(person) if self.is_alike(&person.user) => row::called(&person.user),
            Some(person) => person.user.display_name.clone(),
            None => username.to_owned(),
        }
    }

    fn called<'b>(&self, user: &'b User) -> Called<'b> {
        Called {
            name: &user.display_name,
            username: self.is_alike(user).then_some(user.username.as_str()),
        }
    }

    fn is_alike(&self, user: &User) -> bool {
        self.alike.is_some_and(|alike| alike.contains(&user.id))
    }
}

impl<'a> Quoted<'a> {
    fn new(quote: &'a Quote, message: &Message, reader: Reader<'_>) -> Self {
        Self {
            sender: reader.called(&quote.sender),
            hue: hue(&quote.sender.display_name),
            text: &quote.text,
            href: place_of(message.conversation_id, quote.seq, quote.id),
        }
    }
}

/// The address of a message.
fn place_of(conversation: ConversationId, seq: i64, id: MessageId) -> String {
    format!("/messages?conversation={conversation}&around={seq}#message-{id}")
}

/// Whether the second goes on with what the first said.
fn follows(first: &Message, second: &Message) -> bool {
    let (one, two) = (first.created_at, second.created_at);
    first.sender.id == second.sender.id
        && first.kind == Kind::Text
        && second.kind == Kind::Text
        && two.since(one) <= CLOSE
        && times::date(one) == times::date(two)
}
