//! The view of one message.

use std::collections::HashSet;

use entity::message::MessageKind;
use entity::{ConversationId, MessageId, Millis, UserId};

use super::large_emoji::is_large_emoji;
use super::text::{FoldedText, fold_text};
use super::{ReceiptTicks, row};
use crate::protocol::message::ReactionSummary;
use crate::protocol::{Message, MessageQuote, Participant, User};
use crate::web::display::avatars::{Avatar, hue};
use crate::web::display::times;

/// The maximum time between two messages of one sender that are shown as a
/// group.
const GROUPING_WINDOW: std::time::Duration = std::time::Duration::from_secs(5 * 60);

/// A message as a conversation shows it.
pub(in crate::web) struct MessageBubble<'a> {
    pub(in crate::web) id: MessageId,
    /// The URL of the message.
    pub(in crate::web) href: String,
    pub(in crate::web) reader: ViewerContext<'a>,
    pub(in crate::web) is_system: bool,
    pub(in crate::web) is_mine: bool,
    /// Whether this is the first message of a group by one sender.
    pub(in crate::web) is_first: bool,
    /// The sender's name, if it has to be shown.
    pub(in crate::web) sender: Option<DisplayedName<'a>>,
    pub(in crate::web) avatar: Avatar,
    pub(in crate::web) quote: Option<QuoteView<'a>>,
    pub(in crate::web) text: &'a str,
    pub(in crate::web) is_deleted: bool,
    pub(in crate::web) is_edited: bool,
    pub(in crate::web) reactions: &'a [ReactionSummary],
    pub(in crate::web) at: Millis,
    pub(in crate::web) clock: String,
    pub(in crate::web) ticks: Option<ReceiptTicks>,
}

/// The user who views a message, and the conversation's context.
#[derive(Clone, Copy)]
pub(in crate::web) struct ViewerContext<'a> {
    pub(in crate::web) me: UserId,
    pub(in crate::web) is_group: bool,
    /// The participants, as far as they were loaded.
    pub(in crate::web) people: &'a [Participant],
    /// The users whose names look alike.
    pub(in crate::web) alike: Option<&'a HashSet<UserId>>,
}

/// A user's display name, and the username if others could be mistaken for the
/// user.
#[derive(Clone, Copy, Default)]
pub(in crate::web) struct DisplayedName<'a> {
    pub(in crate::web) name: &'a str,
    /// `None` unless another user on this page has a name that looks like this
    /// one.
    pub(in crate::web) username: Option<&'a str>,
}

/// The quote of the original message, shown in a reply.
pub(in crate::web) struct QuoteView<'a> {
    pub(in crate::web) sender: DisplayedName<'a>,
    pub(in crate::web) hue: u32,
    /// Empty if the original is deleted.
    pub(in crate::web) text: &'a str,
    /// The URL of the original.
    pub(in crate::web) href: String,
}

impl<'a> MessageBubble<'a> {
    /// Builds a message's view for its viewer; `before` is the previous
    /// message.
    pub(in crate::web) fn new(
        message: &'a Message,
        before: Option<&Message>,
        reader: ViewerContext<'a>,
    ) -> Self {
        let ViewerContext { me, is_group, .. } = reader;
        let is_mine = message.sender.id == me;
        let is_system = message.kind == MessageKind::System;
        let is_first = !before.is_some_and(|before| follows(before, message));
        let name = message.sender.display_name.as_str();
        let quote = message.reply_to.as_ref().filter(|_| !message.deleted);
        Self {
            id: message.id,
            href: message_url(message.conversation_id, message.seq, message.id),
            reader,
            is_system,
            is_mine,
            is_first,
            sender: (is_group && is_first && !is_mine)
                .then(|| reader.displayed_name(&message.sender)),
            avatar: Avatar::from_name(name),
            quote: quote.map(|quote| QuoteView::new(quote, message, reader)),
            text: &message.text,
            is_deleted: message.deleted,
            is_edited: message.edited_at.is_some() && !message.deleted,
            reactions: &message.reactions,
            at: message.created_at,
            clock: times::format_clock(message.created_at),
            ticks: (is_mine && !message.deleted && !is_system)
                .then(|| ReceiptTicks::from_status(message.status)),
        }
    }

    pub(in crate::web) fn said(&self) -> FoldedText<'a> {
        fold_text(self.text)
    }

    /// Returns whether the text is one to three emoji, which are shown large.
    pub(in crate::web) fn is_large(&self) -> bool {
        is_large_emoji(self.text)
    }

    /// Returns the names of the users who reacted with an emoji, as far as the
    /// names are known.
    pub(in crate::web) fn reacted(&self, reaction: &ReactionSummary) -> String {
        let names = reaction.usernames.iter();
        let names: Vec<String> = names
            .map(|name| self.reader.display_name_of(name))
            .collect();
        let named = names.join(", ");
        let count = usize::try_from(reaction.count).unwrap_or(usize::MAX);
        match count.saturating_sub(reaction.usernames.len()) {
            0 => named,
            more => format!("{named} and {more} more"),
        }
    }
}

impl ViewerContext<'_> {
    /// Returns a user's name as it is shown here.
    fn display_name_of(&self, username: &str) -> String {
        let mut people = self.people.iter();
        match people.find(|person| person.user.username == username) {
            Some(person) if person.user.id == self.me => "You".to_owned(),
            Some(person) if self.has_namesake(&person.user) => {
                row::name_with_username(&person.user)
            }
            Some(person) => person.user.display_name.clone(),
            None => username.to_owned(),
        }
    }

    /// Returns the name of the author of a quote.
    fn quoted_name<'b>(&self, user: &'b User) -> DisplayedName<'b> {
        if user.id == self.me {
            DisplayedName {
                name: "You",
                username: None,
            }
        } else {
            self.displayed_name(user)
        }
    }

    fn displayed_name<'b>(&self, user: &'b User) -> DisplayedName<'b> {
        DisplayedName {
            name: &user.display_name,
            username: self.has_namesake(user).then_some(user.username.as_str()),
        }
    }

    fn has_namesake(&self, user: &User) -> bool {
        self.alike.is_some_and(|alike| alike.contains(&user.id))
    }
}

impl<'a> QuoteView<'a> {
    fn new(quote: &'a MessageQuote, message: &Message, reader: ViewerContext<'_>) -> Self {
        Self {
            sender: reader.quoted_name(&quote.sender),
            hue: hue(&quote.sender.display_name),
            text: &quote.text,
            href: message_url(message.conversation_id, quote.seq, quote.id),
        }
    }
}

/// Returns the URL of a message.
fn message_url(conversation: ConversationId, seq: i64, id: MessageId) -> String {
    format!("/messages?conversation={conversation}&around={seq}#message-{id}")
}

/// Returns whether the second message is grouped with the first.
fn follows(first: &Message, second: &Message) -> bool {
    let (one, two) = (first.created_at, second.created_at);
    first.sender.id == second.sender.id
        && first.kind == MessageKind::Text
        && second.kind == MessageKind::Text
        && two.since(one) <= GROUPING_WINDOW
        && times::date(one) == times::date(two)
}
