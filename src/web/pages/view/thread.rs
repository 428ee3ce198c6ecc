//! A conversation that is open: its head, its messages, and the place to
//! write.

use std::collections::HashSet;

use entity::conversation::Kind;
use entity::message::Kind as MessageKind;
use entity::{ConversationId, MessageId, Millis, UserId};

use super::avatar::Avatar;
use super::bubble::{Bubble, Reader};
use super::{row, times};
use crate::protocol::message::isolate;
use crate::protocol::user::{Standing, alike};
use crate::protocol::{Conversation, Message, Problem, Profile, User};
use crate::store::Page;

/// What is known of it.
#[derive(Default)]
pub(in crate::web) struct Open {
    /// None where nobody has written yet.
    pub(in crate::web) conversation: Option<Conversation>,
    /// Whom a direct one is with.
    pub(in crate::web) them: Option<Profile>,
    pub(in crate::web) page: Page,
    pub(in crate::web) draft: Draft,
    /// Those here whose names look alike.
    pub(in crate::web) alike: HashSet<UserId>,
}

impl Open {
    /// Finds out whose names look alike, of all whom the page names.
    pub(in crate::web) fn with_namesakes(mut self, me: &User) -> Self {
        let people = self.conversation.iter().flat_map(|it| &it.participants);
        let senders = self.page.messages.iter().flat_map(|message| {
            let quoted = message.reply_to.iter().map(|quote| &quote.sender);
            quoted.chain([&message.sender])
        });
        let them = self.them.iter().map(|them| &them.user);
        let named = people.map(|it| &it.user).chain(senders).chain(them);
        self.alike = alike(named.chain([me]));
        self
    }
}

/// What is written, but not sent.
#[derive(Default)]
pub(in crate::web) struct Draft {
    pub(in crate::web) text: String,
    /// Makes a form that is sent twice one message.
    pub(in crate::web) client_id: String,
    /// Why it was refused.
    pub(in crate::web) problem: Option<Problem>,
}

/// It, as the page shows it.
pub(in crate::web) struct Thread<'a> {
    pub(in crate::web) name: String,
    pub(in crate::web) avatar: Avatar,
    pub(in crate::web) is_group: bool,
    pub(in crate::web) is_online: bool,
    /// Nobody has written yet: there is nothing to know of it, or to set.
    pub(in crate::web) is_first: bool,
    /// Who is there, in words.
    pub(in crate::web) about: String,
    pub(in crate::web) days: Vec<Day<'a>>,
    pub(in crate::web) older: Option<String>,
    pub(in crate::web) newer: Option<String>,
    /// What one could say to have read.
    pub(in crate::web) unread: Option<UpTo>,
    /// Why nothing can be written.
    pub(in crate::web) closed: Option<String>,
    pub(in crate::web) action: String,
    pub(in crate::web) draft: &'a Draft,
}

/// Everything up to a message.
pub(in crate::web) struct UpTo {
    pub(in crate::web) conversation: ConversationId,
    pub(in crate::web) message: MessageId,
}

/// What was said on one day.
pub(in crate::web) struct Day<'a> {
    pub(in crate::web) date: String,
    pub(in crate::web) shown: String,
    pub(in crate::web) items: Vec<Item<'a>>,
}

/// What stands below one another.
pub(in crate::web) enum Item<'a> {
    /// From here on it is new.
    Unread(String),
    Message(Box<Bubble<'a>>),
}

impl<'a> Thread<'a> {
    pub(in crate::web) fn new(open: &'a Open, me: UserId, now: Millis) -> Self {
        let conversation = open.conversation.as_ref();
        let is_group = conversation.is_some_and(|found| found.kind == Kind::Group);
        let them = open.them.as_ref();
        let title = conversation.map(|found| row::name(found, me));
        let title = title.or_else(|| them.map(|them| them.user.display_name.clone()));
        let title = title.unwrap_or_default();
        let namesake = them.filter(|them| open.alike.contains(&them.user.id));
        let name = namesake.map_or_else(|| title.clone(), |them| row::called(&them.user));
        Self {
            avatar: Avatar::of(&title),
            is_group,
            is_online: them.and_then(|them| them.is_online) == Some(true),
            is_first: conversation.is_none() && them.is_some(),
            about: about(conversation, them, now),
            days: days(open, me, now),
            older: older(open),
            newer: newer(open),
            unread: conversation.and_then(|found| unread_here(found, &open.page, me)),
            closed: closed(conversation, them, &name),
            action: action(conversation, them),
            draft: &open.draft,
            name,
        }
    }
}

fn about(conversation: Option<&Conversation>, them: Option<&Profile>, now: Millis) -> String {
    match (conversation, them) {
        (_, Some(them)) => times::status(them.is_online, them.last_seen, now),
        // How many came or went since is none of theirs.
        (Some(group), None) if group.left => "you have left".to_owned(),
        (Some(group), None) => match group.participant_count {
            1 => "only you".to_owned(),
            count => format!("{count} people"),
        },
        (None, None) => String::new(),
    }
}

fn closed(
    conversation: Option<&Conversation>,
    them: Option<&Profile>,
    name: &str,
) -> Option<String> {
    if conversation.is_some_and(|found| found.left) {
        return Some(
            "You are no longer in this group. What was said while you were stays here.".to_owned(),
        );
    }
    let name = isolate(name);
    match them?.connection {
        Standing::Connected => None,
        Standing::None => Some(format!(
            "You’re not connected with {name} any more. What was said stays here."
        )),
        Standing::Requested => Some(format!(
            "You asked {name} to connect. You can write once they accept."
        )),
        Standing::Incoming => Some(format!(
            "{name} would like to connect. You can write once you accept."
        )),
        Standing::Blocked => Some(format!(
            "You block {name}. You can write once you are connected again."
        )),
    }
}

/// The form goes to where the page is, so that a refusal shows it again.
fn action(conversation: Option<&Conversation>, them: Option<&Profile>) -> String {
    match (conversation, them) {
        (Some(conversation), _) => page_of(conversation.id),
        (None, Some(them)) => format!("/messages/chat/{}/", them.user.username),
        (None, None) => String::new(),
    }
}

/// Where a conversation is.
pub(in crate::web) fn page_of(id: ConversationId) -> String {
    format!("/messages?conversation={id}")
}

fn older(open: &Open) -> Option<String> {
    let first = open.page.messages.first().filter(|_| open.page.has_older)?;
    let page = page_of(first.conversation_id);
    Some(format!("{page}&before={}", first.seq))
}

fn newer(open: &Open) -> Option<String> {
    let last = open.page.messages.last().filter(|_| open.page.has_newer)?;
    let page = page_of(last.conversation_id);
    Some(format!("{page}&after={}", last.seq))
}

fn days(open: &Open, me: UserId, now: Millis) -> Vec<Day<'_>> {
    let mut line = Line::of(open, me);
    let conversation = open.conversation.as_ref();
    let seen_by = Reader {
        me,
        is_group: conversation.is_some_and(|found| found.kind == Kind::Group),
        people: conversation.map_or(&[], |found| &found.participants),
        alike: Some(&open.alike),
    };
    let messages = &open.page.messages;
    messages
        .chunk_by(|one, two| times::date(one.created_at) == times::date(two.created_at))
        .filter_map(|day| {
            let at = day.first()?.created_at;
            Some(Day {
                date: times::date(at).to_string(),
                shown: times::day(at, now),
                items: items(day, seen_by, &mut line),
            })
        })
        .collect()
}

fn items<'a>(day: &'a [Message], seen_by: Reader<'a>, line: &mut Line) -> Vec<Item<'a>> {
    let mut items = Vec::new();
    let mut before: Option<&Message> = None;
    for message in day {
        if let Some(count) = line.is_before(message) {
            items.push(Item::Unread(format!("{count} unread")));
            before = None;
        }
        let bubble = Bubble::new(message, before, seen_by);
        items.push(Item::Message(Box::new(bubble)));
        before = Some(message);
    }
    items
}

/// The line before what is new. Where a page begins after one's read mark,
/// the line stands on an earlier one.
struct Line {
    me: UserId,
    read: i64,
    count: i64,
    is_due: bool,
}

impl Line {
    fn of(open: &Open, me: UserId) -> Self {
        let mark = open.conversation.as_ref().and_then(|it| unread(it, me));
        let (read, count) = mark.unwrap_or_default();
        let first = open.page.messages.first();
        let holds_mark = first.is_some_and(|it| it.seq <= read) || !open.page.has_older;
        Self {
            me,
            read,
            count,
            is_due: mark.is_some() && holds_mark,
        }
    }

    /// How much is new from this message on, where it is the first of it.
    fn is_before(&mut self, message: &Message) -> Option<i64> {
        let is_new = self.is_due
            && message.seq > self.read
            && message.kind == MessageKind::Text
            && message.sender.id != self.me;
        self.is_due &= !is_new;
        is_new.then_some(self.count)
    }
}

/// What stands on this page, where some of it is new.
fn unread_here(conversation: &Conversation, page: &Page, me: UserId) -> Option<UpTo> {
    let (read, _) = unread(conversation, me).filter(|_| !conversation.left)?;
    let last = page.messages.last().filter(|last| last.seq > read)?;
    Some(UpTo {
        conversation: conversation.id,
        message: last.id,
    })
}

/// One's read mark, and how much stands after it.
pub(in crate::web) fn unread(conversation: &Conversation, me: UserId) -> Option<(i64, i64)> {
    let mut people = conversation.participants.iter();
    let mine = people.find(|person| person.user.id == me)?;
    (conversation.unread_count > 0).then_some((mine.read_seq, conversation.unread_count))
}
