//! The effects of a Room's state: committed changes to announce, and actions
//! for the actor. Pure.

use std::sync::Arc;

use entity::{ConversationId, MessageId, UserId};
use tokio::time::Instant;

use crate::engine::ports::UnreadNotice;
use crate::engine::reply::{CommandOutcome, SentMessage};
use crate::protocol::event::RemovalReason;
use crate::protocol::{Message, Problem, ServerEvent};
use crate::store::FormerMemberRecord;
use crate::store::append::{
    AppendEntry, AppendOutcome, ConversationChange, MemberMarkerMove, MemberSettingsPatch,
    WatermarkRise,
};

/// An action for the actor; effects run in order.
#[derive(Debug)]
pub(super) enum RoomEffect<R> {
    /// Send an append to the Journal, which locks the conversation, then checks
    /// and writes the append.
    Submit(AppendEntry),
    /// Deliver events, in one delivery per recipient.
    Deliver(EventBatch),
    /// Send the conversation to users, as each of them sees it.
    Show(ShowConversation),
    /// Wait until the statuses under way are sent: their recipients were read
    /// before the removal was known.
    SettleStatuses,
    /// Notify a user that they are no longer a member.
    NotifyRemoved(UserId, RemovalReason),
    /// All changes up to this version have been announced.
    Announced(i64),
    /// Read the changes in this gap, then call `apply_missed`.
    ReadMissed(VersionGap),
    /// Read the members' unread counts, then call `apply_recount`.
    Recount,
    /// Reply to a caller.
    Reply(R, Result<CommandOutcome, Problem>),
    /// Refuse the report of a user who isn't a member: whether they ever were
    /// takes a read.
    RefuseNonmember(UserId, R),
    /// Reply to a user who changed a message that the Room doesn't show to
    /// them.
    ReplyToFormerMember(R, FormerMemberChange),
    /// Read the conversation again, then call `apply_reload`.
    Reload,
    /// Call `submit_due_marks` after the time for which marker updates are
    /// collected.
    GatherMarks,
    /// Call `expire_typing` at this time.
    WakeAt(Instant),
}

/// A change of a message by a user that left, or that joined again after the
/// message.
#[derive(Debug)]
pub(super) struct FormerMemberChange {
    pub(super) user: UserId,
    /// The message as current members see it.
    pub(super) sent: SentMessage,
}

impl FormerMemberChange {
    /// Returns the change as its actor may see it. `seen` is the message in the
    /// actor's own history; without it, the result has an empty message.
    pub(super) fn into_visible(self, seen: Option<Message>) -> SentMessage {
        let message = seen.unwrap_or_else(|| Message {
            text: String::new(),
            reactions: Vec::new(),
            reply_to: None,
            ..Message::clone(&self.sent.message)
        });
        SentMessage {
            message: Arc::new(Message {
                is_changed: true,
                ..message
            }),
            is_new: self.sent.is_new,
        }
    }
}

/// Events that are delivered together, in this order.
#[derive(Debug, Default)]
pub(super) struct EventBatch {
    pub(super) events: Vec<AddressedEvent>,
    /// The unread counts that changed, by user; they follow the events.
    pub(super) unread: Vec<(UserId, UnreadNotice)>,
}

/// One event and its recipients.
#[derive(Clone, Debug)]
pub(super) struct AddressedEvent {
    pub(super) recipients: Arc<[UserId]>,
    /// The version of the change it announces; 0 if it announces none.
    pub(super) version: i64,
    pub(super) content: EventContent,
}

#[derive(Clone, Debug)]
pub(super) enum EventContent {
    Message(Arc<Message>),
    Event(ServerEvent),
}

impl AddressedEvent {
    pub(super) fn of_message(to: &Arc<[UserId]>, message: Arc<Message>) -> Self {
        Self {
            recipients: Arc::clone(to),
            version: message.version,
            content: EventContent::Message(message),
        }
    }
}

impl From<AddressedEvent> for EventBatch {
    fn from(note: AddressedEvent) -> Self {
        Self {
            events: vec![note],
            unread: Vec::new(),
        }
    }
}

/// Appends events: to the last effect if that is a delivery, or else as a new
/// delivery.
pub(super) fn push_events<R>(effects: &mut Vec<RoomEffect<R>>, more: impl Into<EventBatch>) {
    let more = more.into();
    match effects.last_mut() {
        Some(RoomEffect::Deliver(batch)) => {
            batch.events.extend(more.events);
            batch.unread.extend(more.unread);
        }
        _ => effects.push(RoomEffect::Deliver(more)),
    }
}

/// Sends users a whole conversation. It is a change itself, or it precedes
/// changes that the users can't apply without it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ShowConversation {
    pub(super) recipients: Vec<UserId>,
    /// The `version` in the conversation, from which clients resume.
    pub(super) cursor: i64,
    /// The version of the change that it announces.
    pub(super) version: i64,
}

/// The versions after `after`, up to and including `up_to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct VersionGap {
    pub(super) after: i64,
    pub(super) up_to: i64,
}

/// A committed change that is to be announced.
pub(super) enum CommittedChange {
    Message(Arc<Message>, Vec<UserId>),
    Change(Arc<Message>, Arc<ConversationChange>),
    Settings(UserId, i64, MemberSettingsPatch),
    Edited(EditedMessages),
    /// Markers moved; their events follow as separate changes.
    Marked(i64),
    MarksMoved(MemberMarkerMove),
    WatermarksRaised(WatermarkRise),
}

/// An edited message and the messages that quote it, in their current state.
pub(super) struct EditedMessages {
    pub(super) version: i64,
    pub(super) messages: Vec<Arc<Message>>,
    /// Whether `messages` lacks quoting messages, because there are too many.
    pub(super) has_more: bool,
}

impl CommittedChange {
    pub(super) fn version(&self) -> i64 {
        match self {
            Self::Message(message, _) | Self::Change(message, _) => message.version,
            Self::Settings(_, version, _) | Self::Marked(version) => *version,
            Self::Edited(touched) => touched.version,
            Self::MarksMoved(moved) => moved.version,
            Self::WatermarksRaised(raised) => raised.version,
        }
    }
}

/// The answer to the callers of a command.
pub(super) enum CallerAnswer {
    All(Result<CommandOutcome, Problem>),
    /// The command succeeded, except for these messages, which the user can't
    /// see.
    AllExcept(Vec<MessageId>),
}

/// Splits an outcome into the change to announce and the answer.
pub(super) fn split_outcome(outcome: AppendOutcome) -> (Option<CommittedChange>, CallerAnswer) {
    let (news, result) = match outcome {
        AppendOutcome::Posted { message, returned } => {
            let done = CommandOutcome::new_message(Arc::clone(&message));
            (Some(CommittedChange::Message(message, returned)), Ok(done))
        }
        AppendOutcome::Changed { message, change } => (
            Some(CommittedChange::Change(message, change)),
            Ok(CommandOutcome::Changed),
        ),
        AppendOutcome::SettingsChanged {
            user,
            version,
            settings,
        } => {
            let news = CommittedChange::Settings(user, version, settings);
            (Some(news), Ok(CommandOutcome::Changed))
        }
        AppendOutcome::Marked { version, unknown } => {
            return (
                version.map(CommittedChange::Marked),
                CallerAnswer::AllExcept(unknown),
            );
        }
        AppendOutcome::Edited {
            id,
            version,
            messages,
            has_more,
            ..
        } => {
            let message = messages.iter().find(|message| message.id == id);
            let done = message.map(|message| edited_message(message, version.is_some()));
            // The messages are as of the end of the batch. One that was edited
            // again in the batch is sent with its last version: otherwise a
            // client's cursor would be ahead of the changes in between.
            let news = version.map(|version| {
                let changed = messages.into_iter();
                // Members that don't see the quoted original get the message
                // with its own version.
                let changed = changed
                    .filter(|message| message.version == version || message.own_version == version);
                CommittedChange::Edited(EditedMessages {
                    version,
                    messages: changed.collect(),
                    has_more,
                })
            });
            (news, done.ok_or_else(Problem::internal))
        }
        AppendOutcome::Unchanged => (None, Ok(CommandOutcome::Changed)),
        AppendOutcome::AlreadySent(message) => {
            (None, Ok(CommandOutcome::existing_message(&message)))
        }
        AppendOutcome::Refused(problem) => (None, Err(problem)),
        AppendOutcome::NeedsConsent => (None, Ok(CommandOutcome::NeedsConsent)),
        // This answer is never sent: the Room checks a stale command again.
        AppendOutcome::Stale => (None, Err(Problem::busy())),
    };
    (news, CallerAnswer::All(result))
}

/// Returns the answer to an edit. The caller gets the message, even if nothing
/// changed.
fn edited_message(message: &Message, is_new: bool) -> CommandOutcome {
    let message = Message {
        is_changed: true,
        ..Message::clone(message)
    };
    CommandOutcome::Sent(SentMessage {
        message: Arc::new(message),
        is_new,
    })
}

/// Returns the effects that send a former member the changes up to the leaving,
/// then the removal.
pub(super) fn removal_effects<R>(
    conversation: ConversationId,
    leaver: &FormerMemberRecord,
    messages: &[Arc<Message>],
) -> [RoomEffect<R>; 2] {
    // The messages are in their current state: one that changed again after the
    // leaving isn't sent, unless it was deleted.
    let seen = messages.iter().filter(|message| {
        (message.deleted || message.version < leaver.version)
            && message.seq > leaver.first
            && message.seq <= leaver.last
    });
    let to: Arc<[UserId]> = [leaver.user].into();
    let notes =
        seen.map(|message| AddressedEvent::of_message(&to, message.visible_since(leaver.first)));
    // Their unread messages no longer count.
    let unread = UnreadNotice {
        conversation,
        count: 0,
        muted_until: None,
        is_excluded: true,
    };
    let batch = EventBatch {
        events: notes.collect(),
        unread: vec![(leaver.user, unread)],
    };
    let mut all = messages.iter();
    let leaving = all.find(|message| message.version == leaver.version);
    let reason = leaving.map_or(RemovalReason::Removed, |it| removal_reason(leaver.user, it));
    [
        RoomEffect::Deliver(batch),
        RoomEffect::NotifyRemoved(leaver.user, reason),
    ]
}

/// Returns why a user was removed, from the system message of the removal.
pub(super) fn removal_reason(user: UserId, leaving: &Message) -> RemovalReason {
    if leaving.event_type().as_deref() == Some("closed") {
        RemovalReason::Closed
    } else if leaving.sender.id == user {
        RemovalReason::Left
    } else {
        RemovalReason::Removed
    }
}
