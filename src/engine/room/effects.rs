//! The effects of a Room's state: actions for the actor. Pure.

use std::sync::Arc;

use entity::{ConversationId, UserId};
use tokio::time::Instant;

use crate::engine::ports::UnreadNotice;
use crate::protocol::event::RemovalReason;
use crate::protocol::{Message, ServerEvent};
use crate::store::FormerMemberRecord;
use crate::store::append::{AppendEntry, AppendOutcome};

/// An action for the actor; effects run in order.
#[derive(Debug)]
pub(super) enum RoomEffect<R> {
    /// Send an append to the Journal, which locks the conversation, then checks
    /// and writes the append.
    Submit(AppendEntry),
    /// Deliver events in this order, in one delivery per recipient. The unread
    /// counts that changed, by user, follow the events.
    Deliver {
        events: Vec<AddressedEvent>,
        unread: Vec<(UserId, UnreadNotice)>,
    },
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
    Reply(R, AppendOutcome),
    /// Refuse the report of a user who isn't a member: whether they ever were
    /// takes a read.
    RefuseNonmember(UserId, R),
    /// Reply to a user who changed a message that the Room doesn't show to
    /// them.
    ReplyToFormerMember(FormerMemberReply<R>),
    /// Read the conversation again, then call `apply_reload`.
    Reload,
    /// Call `submit_due_marks` after the time for which marker updates are
    /// collected.
    GatherMarks,
    /// Call `expire_typing` at this time.
    WakeAt(Instant),
}

/// The reply to a user who changed a message that the Room doesn't show to
/// them: they left, or joined again after the message.
#[derive(Debug)]
pub(super) struct FormerMemberReply<R> {
    pub(super) reply: R,
    pub(super) user: UserId,
    /// The message as current members see it.
    pub(super) message: Arc<Message>,
    pub(super) outcome: AppendOutcome,
}

impl<R> FormerMemberReply<R> {
    /// Returns the outcome as its actor may see it. `seen` is the message in
    /// the actor's own history; without it, the result has an empty message.
    pub(super) fn visible_outcome(&self, seen: Option<Message>) -> AppendOutcome {
        let message = seen.unwrap_or_else(|| Message {
            text: String::new(),
            reactions: Vec::new(),
            reply_to: None,
            ..Message::clone(&self.message)
        });
        let message = Message {
            is_changed: true,
            ..message
        };
        self.outcome.with_message(Arc::new(message))
    }
}

/// One event and its recipients.
#[derive(Clone, Debug)]
pub(super) struct AddressedEvent {
    pub(super) recipients: Arc<[UserId]>,
    /// The version of the change it announces; 0 if it announces none.
    pub(super) version: i64,
    pub(super) event: ServerEvent,
}

impl AddressedEvent {
    pub(super) fn of_message(to: &Arc<[UserId]>, message: Arc<Message>) -> Self {
        Self {
            recipients: Arc::clone(to),
            version: message.version,
            event: ServerEvent::of_message(message),
        }
    }
}

/// Appends events: to the last effect if that is a delivery, or else as a new
/// delivery.
pub(super) fn push_events<R>(
    effects: &mut Vec<RoomEffect<R>>,
    more: impl IntoIterator<Item = AddressedEvent>,
) {
    let more: Vec<AddressedEvent> = more.into_iter().collect();
    match effects.last_mut() {
        Some(RoomEffect::Deliver { events, .. }) => events.extend(more),
        _ if more.is_empty() => {}
        _ => effects.push(RoomEffect::Deliver {
            events: more,
            unread: Vec::new(),
        }),
    }
}

/// Appends unread counts to the last delivery, or as a new delivery.
pub(super) fn push_unread<R>(
    effects: &mut Vec<RoomEffect<R>>,
    more: impl IntoIterator<Item = (UserId, UnreadNotice)>,
) {
    let more: Vec<(UserId, UnreadNotice)> = more.into_iter().collect();
    match effects.last_mut() {
        Some(RoomEffect::Deliver { unread, .. }) => unread.extend(more),
        _ if more.is_empty() => {}
        _ => effects.push(RoomEffect::Deliver {
            events: Vec::new(),
            unread: more,
        }),
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
    let mut all = messages.iter();
    let leaving = all.find(|message| message.version == leaver.version);
    let reason = leaving.map_or(RemovalReason::Removed, |it| removal_reason(leaver.user, it));
    [
        RoomEffect::Deliver {
            events: notes.collect(),
            unread: vec![(leaver.user, unread)],
        },
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
