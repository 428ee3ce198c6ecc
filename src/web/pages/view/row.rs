//! One conversation of the list.

use std::collections::HashSet;

use entity::conversation::Kind;
use entity::message::Kind as MessageKind;
use entity::{ConversationId, Millis, UserId};

use super::avatar::Avatar;
use super::thread::page_of;
use super::{Ticks, times};
use crate::protocol::message::isolate;
use crate::protocol::user::alike;
use crate::protocol::{Connection, Conversation, Message, Participant, User};

/// How much of a message a row can show at the most; the rest of up to 10,000
/// characters need not travel.
const PREVIEW: usize = 140;

/// A conversation as it stands in the list.
pub(in crate::web) struct Row {
    pub(in crate::web) href: String,
    pub(in crate::web) name: String,
    pub(in crate::web) avatar: Avatar,
    pub(in crate::web) is_group: bool,
    /// It is the one that is looked at.
    pub(in crate::web) is_open: bool,
    /// Who said it, where that has to be said.
    pub(in crate::web) lead: Option<String>,
    pub(in crate::web) preview: String,
    /// The preview is about the conversation, rather than from it.
    pub(in crate::web) is_aside: bool,
    pub(in crate::web) ticks: Option<Ticks>,
    pub(in crate::web) at: Millis,
    pub(in crate::web) time: String,
    pub(in crate::web) unread: i64,
    pub(in crate::web) is_online: bool,
    pub(in crate::web) is_muted: bool,
    pub(in crate::web) is_pinned: bool,
}

impl Row {
    pub(in crate::web) fn new(
        conversation: &Conversation,
        (me, now): (UserId, Millis),
        open: Option<ConversationId>,
        contacts: &HashSet<UserId>,
    ) -> Self {
        let is_group = conversation.kind == Kind::Group;
        let title = name(conversation, me);
        let namesake = other(conversation, me).filter(|it| contacts.contains(&it.user.id));
        let name = namesake.map_or_else(|| title.clone(), |it| called(&it.user));
        let newest = conversation.last_message.as_ref();
        let at = newest.map_or(conversation.created_at, |message| message.created_at);
        let spoken = newest.filter(|message| message.kind == MessageKind::Text);
        Self {
            href: href(conversation),
            avatar: Avatar::of(&title),
            is_group,
            is_open: open == Some(conversation.id),
            lead: spoken.and_then(|message| lead(message, conversation, me)),
            preview: newest.map_or_else(|| format!("Say hello to {}", isolate(&name)), preview),
            is_aside: spoken.is_none_or(|message| message.deleted),
            ticks: spoken
                .filter(|message| message.sender.id == me && !message.deleted)
                .map(|message| Ticks::of(message.status)),
            at,
            time: times::listed(at, now),
            unread: conversation.unread_count,
            is_online: other(conversation, me).and_then(|other| other.is_online) == Some(true),
            is_muted: conversation.muted_until.is_some_and(|until| until > now),
            is_pinned: conversation.pinned,
            name,
        }
    }

    /// Somebody with whom nothing was said yet.
    pub(in crate::web) fn hello(
        connection: &Connection,
        now: Millis,
        contacts: &HashSet<UserId>,
    ) -> Self {
        let user = &connection.user;
        let title = user.display_name.clone();
        let name = match contacts.contains(&user.id) {
            true => called(user),
            false => title.clone(),
        };
        let at = connection.created_at;
        Self {
            href: format!("/messages/chat/{}/", connection.user.username),
            avatar: Avatar::of(&title),
            is_group: false,
            is_open: false,
            lead: None,
            preview: format!("Say hello to {}", isolate(&name)),
            is_aside: true,
            ticks: None,
            at,
            time: times::listed(at, now),
            unread: 0,
            is_online: false,
            is_muted: false,
            is_pinned: false,
            name,
        }
    }
}

/// Where it opens: without a script, at the line before what is new.
fn href(conversation: &Conversation) -> String {
    let page = page_of(conversation.id);
    match conversation.unread_count {
        0 => page,
        _ => format!("{page}#unread"),
    }
}

/// The one whom a direct conversation is with.
pub(in crate::web) fn other(conversation: &Conversation, me: UserId) -> Option<&Participant> {
    let mut people = conversation.participants.iter();
    match conversation.kind {
        Kind::Direct => people.find(|person| person.user.id != me),
        Kind::Group => None,
    }
}

/// A direct conversation is called by who it is with.
pub(in crate::web) fn name(conversation: &Conversation, me: UserId) -> String {
    let other = other(conversation, me).map(|other| &other.user.display_name);
    let name = conversation.title.as_ref().or(other);
    name.cloned().unwrap_or_default()
}

/// Both names of somebody whose name looks like another's.
pub(in crate::web) fn called(user: &User) -> String {
    format!("{} @{}", user.display_name, user.username)
}

/// Those in a conversation whose names look alike.
pub(in crate::web) fn namesakes(conversation: &Conversation) -> HashSet<UserId> {
    let last = conversation.last_message.iter().map(|last| &last.sender);
    let people = conversation.participants.iter().map(|it| &it.user);
    alike(people.chain(last))
}

fn lead(message: &Message, conversation: &Conversation, me: UserId) -> Option<String> {
    let sender = &message.sender;
    if sender.id == me {
        return Some("You: ".to_owned());
    }
    if conversation.kind != Kind::Group {
        return None;
    }
    let first = sender.display_name.split_whitespace().next()?;
    match namesakes(conversation).contains(&sender.id) {
        true => Some(format!("{first} @{}: ", sender.username)),
        false => Some(format!("{first}: ")),
    }
}

fn preview(message: &Message) -> String {
    if message.deleted {
        return "Message withdrawn".to_owned();
    }
    message.text.chars().take(PREVIEW).collect()
}
