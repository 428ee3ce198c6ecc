//! One conversation in the list.

use std::collections::HashSet;

use entity::conversation::ConversationKind;
use entity::message::MessageKind;
use entity::{ConversationId, Millis, UserId};
use unicode_segmentation::UnicodeSegmentation as _;

use super::thread::conversation_url;
use super::{PresenceMark, ReceiptTicks};
use crate::protocol::message::isolate_name;
use crate::protocol::user::find_lookalikes;
use crate::protocol::{Connection, Conversation, Message, Participant, User};
use crate::web::display::avatars::Avatar;
use crate::web::display::times;

/// The maximum length of a preview, in characters. A row can show no more of a
/// text, so the rest isn't sent.
const PREVIEW_LENGTH: usize = 140;

/// A conversation as the list shows it.
pub(in crate::web) struct ConversationListItem {
    pub(in crate::web) href: String,
    pub(in crate::web) name: String,
    pub(in crate::web) avatar: Avatar,
    pub(in crate::web) is_group: bool,
    /// Whether this is the open conversation.
    pub(in crate::web) is_open: bool,
    /// The sender's name before the preview, if it has to be shown.
    pub(in crate::web) lead: Option<String>,
    pub(in crate::web) preview: String,
    /// Whether the preview is a hint and not a text of the conversation.
    pub(in crate::web) is_aside: bool,
    pub(in crate::web) ticks: Option<ReceiptTicks>,
    pub(in crate::web) at: Millis,
    pub(in crate::web) time: String,
    pub(in crate::web) unread: i64,
    pub(in crate::web) presence: PresenceMark,
    pub(in crate::web) is_muted: bool,
    pub(in crate::web) is_pinned: bool,
    /// Whether the page's script hides the row.
    pub(in crate::web) is_archived: bool,
}

impl ConversationListItem {
    pub(in crate::web) fn new(
        conversation: &Conversation,
        me: UserId,
        now: Millis,
        open: Option<ConversationId>,
        contacts: &HashSet<UserId>,
    ) -> Self {
        let is_group = conversation.kind == ConversationKind::Group;
        let title = conversation_name(conversation, me);
        let namesake =
            other_participant(conversation, me).filter(|it| contacts.contains(&it.user.id));
        let name = namesake.map_or_else(|| title.clone(), |it| name_with_username(&it.user));
        let newest = conversation.last_message.as_ref();
        let at = newest.map_or(conversation.created_at, |message| message.created_at);
        let spoken = newest.filter(|message| message.kind == MessageKind::Text);
        Self {
            href: page_url(conversation),
            avatar: Avatar::from_name(&title),
            is_group,
            is_open: open == Some(conversation.id),
            lead: spoken.and_then(|message| sender_prefix(message, conversation, me)),
            preview: newest
                .map_or_else(|| format!("Say hello to {}", isolate_name(&name)), preview),
            is_aside: spoken.is_none_or(|message| message.deleted),
            ticks: spoken
                .filter(|message| message.sender.id == me && !message.deleted)
                .map(|message| ReceiptTicks::from_status(message.status)),
            at,
            time: times::format_listed(at, now),
            unread: conversation.unread_count,
            presence: PresenceMark::new(
                other_participant(conversation, me).and_then(|other| other.is_online),
            ),
            is_muted: conversation.muted_until.is_some_and(|until| until > now),
            is_pinned: conversation.pinned,
            is_archived: conversation.archived,
            name,
        }
    }

    /// Builds the row of a contact without messages.
    pub(in crate::web) fn for_contact(
        connection: &Connection,
        now: Millis,
        contacts: &HashSet<UserId>,
    ) -> Self {
        let user = &connection.user;
        let title = user.display_name.clone();
        let name = if contacts.contains(&user.id) {
            name_with_username(user)
        } else {
            title.clone()
        };
        let at = connection.created_at;
        Self {
            href: format!("/messages/chat/{}/", connection.user.username),
            avatar: Avatar::from_name(&title),
            is_group: false,
            is_open: false,
            lead: None,
            preview: format!("Say hello to {}", isolate_name(&name)),
            is_aside: true,
            ticks: None,
            at,
            time: times::format_listed(at, now),
            unread: 0,
            presence: PresenceMark::default(),
            is_muted: false,
            is_pinned: false,
            is_archived: false,
            name,
        }
    }
}

/// Returns the row's URL. If messages are unread, the page opens at the unread
/// divider when there is no script.
fn page_url(conversation: &Conversation) -> String {
    let page = conversation_url(conversation.id);
    match conversation.unread_count {
        0 => page,
        _ => format!("{page}#unread"),
    }
}

/// Returns the other user of a direct conversation.
pub(in crate::web) fn other_participant(
    conversation: &Conversation,
    me: UserId,
) -> Option<&Participant> {
    let mut people = conversation.participants.iter();
    match conversation.kind {
        ConversationKind::Direct => people.find(|person| person.user.id != me),
        ConversationKind::Group => None,
    }
}

/// Returns a conversation's name: a group's title, or the other user's name.
pub(in crate::web) fn conversation_name(conversation: &Conversation, me: UserId) -> String {
    let other = other_participant(conversation, me).map(|other| &other.user.display_name);
    let name = conversation.title.as_ref().or(other);
    name.cloned().unwrap_or_default()
}

/// Returns both names of a user whose name looks like another's.
pub(in crate::web) fn name_with_username(user: &User) -> String {
    format!("{} @{}", user.display_name, user.username)
}

/// Returns the participants whose names look alike.
pub(in crate::web) fn namesakes(conversation: &Conversation) -> HashSet<UserId> {
    let last = conversation.last_message.iter().map(|last| &last.sender);
    let people = conversation.participants.iter().map(|it| &it.user);
    find_lookalikes(people.chain(last))
}

fn sender_prefix(message: &Message, conversation: &Conversation, me: UserId) -> Option<String> {
    let sender = &message.sender;
    // In a direct conversation, the ticks say whose message it is.
    if conversation.kind != ConversationKind::Group {
        return None;
    }
    if sender.id == me {
        return Some("You: ".to_owned());
    }
    let first = sender.display_name.split_whitespace().next()?;
    if namesakes(conversation).contains(&sender.id) {
        Some(format!("{first} @{}: ", sender.username))
    } else {
        Some(format!("{first}: "))
    }
}

fn preview(message: &Message) -> String {
    if message.deleted {
        return "Message deleted".to_owned();
    }
    cut_text(&message.text, PREVIEW_LENGTH)
}

/// Returns at most `longest` characters of a text and cuts no grapheme, except
/// one that is longer.
fn cut_text(text: &str, longest: usize) -> String {
    let mut length = 0;
    let whole = text.graphemes(true).take_while(|grapheme| {
        length += grapheme.chars().count();
        length <= longest
    });
    let cut: String = whole.collect();
    if cut.is_empty() {
        text.chars().take(longest).collect()
    } else {
        cut
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cut_text_ends_between_graphemes() {
        for (text, expected) in [
            ("ab🇩🇪", "ab"),
            ("a🇩🇪b", "a🇩🇪"),
            ("abe\u{301}", "ab"),
            ("abcd", "abc"),
            ("👩‍👩‍👧", "👩\u{200d}👩"),
            ("", ""),
        ] {
            assert_eq!(cut_text(text, 3), expected, "{text}");
        }
    }
}
