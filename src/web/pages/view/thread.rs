//! The open conversation: header, messages and composer.

use std::collections::HashSet;

use entity::conversation::ConversationKind;
use entity::message::MessageKind;
use entity::{ConversationId, MessageId, Millis, UserId};
use icu_properties::CodePointMapData;
use icu_properties::props::BidiClass;

use super::bubble::{MessageBubble, ViewerContext};
use super::closed::ClosedComposer;
use super::info::OpenInfo;
use super::{PresenceMark, row};
use crate::protocol::message::isolate_name;
use crate::protocol::user::find_lookalikes;
use crate::protocol::{Conversation, Message, Problem, User, UserProfile};
use crate::store::HistorySlice;
use crate::web::display::avatars::Avatar;
use crate::web::display::times;

/// The loaded data of the open conversation.
#[derive(Default)]
pub(in crate::web) struct OpenThread {
    /// `None` if there are no messages yet.
    pub(in crate::web) conversation: Option<Conversation>,
    /// The other user of a direct conversation.
    pub(in crate::web) them: Option<UserProfile>,
    pub(in crate::web) page: HistorySlice,
    pub(in crate::web) draft: ComposerDraft,
    /// The users here whose names look alike.
    pub(in crate::web) alike: HashSet<UserId>,
    /// `None` if the page doesn't show the info.
    pub(in crate::web) info: Option<OpenInfo>,
}

impl OpenThread {
    /// Sets `alike` to the users with similar names among all users on the
    /// page.
    pub(in crate::web) fn with_namesakes(mut self, me: &User) -> Self {
        let people = self.conversation.iter().flat_map(|it| &it.participants);
        let senders = self.page.messages.iter().flat_map(|message| {
            let quoted = message.reply_to.iter().map(|quote| &quote.sender);
            quoted.chain([&message.sender])
        });
        let them = self.them.iter().map(|them| &them.user);
        let named = people.map(|it| &it.user).chain(senders).chain(them);
        self.alike = find_lookalikes(named.chain([me]));
        self
    }
}

/// A message that is written but not sent.
#[derive(Default)]
pub(in crate::web) struct ComposerDraft {
    pub(in crate::web) text: String,
    /// The idempotency key: a form that is sent twice makes one message.
    pub(in crate::web) client_id: String,
    /// Why the message was rejected.
    pub(in crate::web) problem: Option<Problem>,
}

/// The open conversation as the page shows it.
pub(in crate::web) struct ThreadView<'a> {
    pub(in crate::web) id: ConversationId,
    pub(in crate::web) name: String,
    pub(in crate::web) avatar: Avatar,
    pub(in crate::web) is_group: bool,
    pub(in crate::web) presence: PresenceMark,
    /// Whether no message exists yet. The page then has no details and no
    /// settings.
    pub(in crate::web) is_first: bool,
    /// The number of members, or the other user's status.
    pub(in crate::web) about: String,
    pub(in crate::web) days: Vec<ThreadDay<'a>>,
    pub(in crate::web) older: Option<String>,
    pub(in crate::web) newer: Option<String>,
    /// The message up to which the user can mark as read.
    pub(in crate::web) unread: Option<ReadUpToView>,
    /// Whether the page shows the info.
    pub(in crate::web) has_info: bool,
    /// Why no message can be written; `None` if messages can be written.
    pub(in crate::web) closed: Option<ClosedComposer>,
    pub(in crate::web) action: String,
    pub(in crate::web) draft: &'a ComposerDraft,
}

/// The message up to which the user can mark a conversation as read.
pub(in crate::web) struct ReadUpToView {
    pub(in crate::web) conversation: ConversationId,
    pub(in crate::web) message: MessageId,
}

/// The messages of one day.
pub(in crate::web) struct ThreadDay<'a> {
    pub(in crate::web) date: String,
    pub(in crate::web) shown: String,
    pub(in crate::web) items: Vec<ThreadItem<'a>>,
}

/// An entry in a day.
pub(in crate::web) enum ThreadItem<'a> {
    /// The divider before the unread messages.
    Unread(String),
    Message(Box<MessageBubble<'a>>),
}

impl<'a> ThreadView<'a> {
    pub(in crate::web) fn new(open: &'a OpenThread, me: UserId, now: Millis) -> Self {
        let conversation = open.conversation.as_ref();
        let is_group = conversation.is_some_and(|found| found.kind == ConversationKind::Group);
        let them = open.them.as_ref();
        let title = conversation.map(|found| row::conversation_name(found, me));
        let title = title.or_else(|| them.map(|them| them.user.display_name.clone()));
        let title = title.unwrap_or_default();
        let namesake = them.filter(|them| open.alike.contains(&them.user.id));
        let name =
            namesake.map_or_else(|| title.clone(), |them| row::name_with_username(&them.user));
        Self {
            id: conversation.map_or(ConversationId(0), |found| found.id),
            has_info: open.info.is_some(),
            avatar: Avatar::from_name(&title),
            is_group,
            presence: PresenceMark::new(them.and_then(|them| them.is_online)),
            is_first: conversation.is_none() && them.is_some(),
            about: thread_subtitle(conversation, them, me, now),
            days: group_by_day(open, me, now),
            older: older_url(open),
            newer: newer_url(open),
            unread: conversation.and_then(|found| unread_on_page(found, &open.page, me)),
            closed: ClosedComposer::new(conversation, them, &name),
            action: form_action(conversation, them),
            draft: &open.draft,
            name,
        }
    }

    /// Returns the name for the title of the page. It is isolated only if it is
    /// written from right to left: not all systems hide the isolating characters.
    pub(in crate::web) fn title(&self) -> String {
        let classes = CodePointMapData::<BidiClass>::new();
        let from_right = [BidiClass::RightToLeft, BidiClass::ArabicLetter];
        let is_from_right = |sign| from_right.contains(&classes.get(sign));
        if self.name.chars().any(is_from_right) {
            isolate_name(&self.name)
        } else {
            self.name.clone()
        }
    }
}

fn thread_subtitle(
    conversation: Option<&Conversation>,
    them: Option<&UserProfile>,
    me: UserId,
    now: Millis,
) -> String {
    match (conversation, them) {
        (_, Some(them)) => times::format_presence(them.is_online, them.last_seen, now),
        // Former members don't see later changes in membership.
        (Some(group), None) if group.left => "no longer a member".to_owned(),
        (Some(group), None) => match group.participant_count {
            1 => "only you".to_owned(),
            count => {
                let online = count_others_online(group, me);
                if online == 0 {
                    format!("{count} members")
                } else {
                    format!("{count} members, {online} online")
                }
            }
        },
        (None, None) => String::new(),
    }
}

fn count_others_online(group: &Conversation, me: UserId) -> usize {
    let others = group.participants.iter().filter(|it| it.user.id != me);
    others.filter(|it| it.is_online == Some(true)).count()
}

/// Returns the URL to which the form posts: that of the page, so that an error
/// shows the page again.
fn form_action(conversation: Option<&Conversation>, them: Option<&UserProfile>) -> String {
    match (conversation, them) {
        (Some(conversation), _) => conversation_url(conversation.id),
        (None, Some(them)) => format!("/messages/chat/{}/", them.user.username),
        (None, None) => String::new(),
    }
}

/// Returns the URL of a conversation.
pub(in crate::web) fn conversation_url(id: ConversationId) -> String {
    format!("/messages?conversation={id}")
}

fn older_url(open: &OpenThread) -> Option<String> {
    let first = open.page.messages.first().filter(|_| open.page.has_older)?;
    let page = conversation_url(first.conversation_id);
    Some(format!("{page}&before={}", first.seq))
}

fn newer_url(open: &OpenThread) -> Option<String> {
    let last = open.page.messages.last().filter(|_| open.page.has_newer)?;
    let page = conversation_url(last.conversation_id);
    Some(format!("{page}&after={}", last.seq))
}

fn group_by_day(open: &OpenThread, me: UserId, now: Millis) -> Vec<ThreadDay<'_>> {
    let mut line = UnreadDivider::at_read_marker(open, me);
    let conversation = open.conversation.as_ref();
    let seen_by = ViewerContext {
        me,
        is_group: conversation.is_some_and(|found| found.kind == ConversationKind::Group),
        people: conversation.map_or(&[], |found| &found.participants),
        alike: Some(&open.alike),
    };
    let messages = &open.page.messages;
    messages
        .chunk_by(|one, two| times::date(one.created_at) == times::date(two.created_at))
        .filter_map(|day| {
            let at = day.first()?.created_at;
            Some(ThreadDay {
                date: times::date(at).to_string(),
                shown: times::format_day(at, now),
                items: build_items(day, seen_by, &mut line),
            })
        })
        .collect()
}

fn build_items<'a>(
    day: &'a [Message],
    seen_by: ViewerContext<'a>,
    line: &mut UnreadDivider,
) -> Vec<ThreadItem<'a>> {
    let mut items = Vec::new();
    let mut before: Option<&Message> = None;
    for message in day {
        if let Some(count) = line.take_before(message) {
            items.push(ThreadItem::Unread(times::pluralize(
                count.unsigned_abs(),
                "unread message",
            )));
            before = None;
        }
        let bubble = MessageBubble::new(message, before, seen_by);
        items.push(ThreadItem::Message(Box::new(bubble)));
        before = Some(message);
    }
    items
}

/// The divider before the unread messages. If the page begins after the read
/// marker, the divider is on an earlier page.
struct UnreadDivider {
    me: UserId,
    read: i64,
    count: i64,
    is_due: bool,
}

impl UnreadDivider {
    fn at_read_marker(open: &OpenThread, me: UserId) -> Self {
        let mark = open
            .conversation
            .as_ref()
            .and_then(|it| unread_state(it, me));
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

    /// Returns the unread count if `message` is the first unread one.
    fn take_before(&mut self, message: &Message) -> Option<i64> {
        let is_new = self.is_due
            && message.seq > self.read
            && message.kind == MessageKind::Text
            && message.sender.id != self.me;
        self.is_due &= !is_new;
        is_new.then_some(self.count)
    }
}

/// Returns the last message of the page, if any message of the page is unread.
fn unread_on_page(
    conversation: &Conversation,
    page: &HistorySlice,
    me: UserId,
) -> Option<ReadUpToView> {
    let (read, _) = unread_state(conversation, me).filter(|_| !conversation.left)?;
    let last = page.messages.last().filter(|last| last.seq > read)?;
    Some(ReadUpToView {
        conversation: conversation.id,
        message: last.id,
    })
}

/// Returns the user's read marker and unread count, if anything is unread.
pub(in crate::web) fn unread_state(conversation: &Conversation, me: UserId) -> Option<(i64, i64)> {
    let mut people = conversation.participants.iter();
    let mine = people.find(|person| person.user.id == me)?;
    (conversation.unread_count > 0).then_some((mine.read_seq, conversation.unread_count))
}
