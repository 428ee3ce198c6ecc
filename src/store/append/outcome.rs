//! What became of an append. The outcome goes from the Journal through the Room
//! to the caller, and a written change becomes events on the way.

use std::sync::Arc;

use entity::{MessageId, UserId};

use super::{ConversationChange, MemberMarkerMove, WatermarkRise};
use crate::protocol::{MemberSettingsPatch, Message, Problem};

/// The outcome of an append.
#[derive(Clone, Debug)]
pub enum AppendOutcome {
    /// The action was written.
    Written(CommittedChange),
    /// Nothing was written. A retry: the message that the first attempt wrote.
    AlreadySent(Arc<Message>),
    /// Nothing was written, because nothing would change. The message is that
    /// of an edit, deletion or reaction.
    Unchanged(Option<Arc<Message>>),
    /// Nothing was written: no marker moves forward. The actor can't see the
    /// messages in `unknown`.
    Unmoved { unknown: Vec<MessageId> },
    /// Nothing was written: the invited user left on their own and has to
    /// consent.
    NeedsConsent,
    /// Nothing was written: the verdict is based on an outdated
    /// `members_version`.
    Stale,
    /// Nothing was written.
    Refused(Problem),
}

/// A change on disk, which the Room announces.
#[derive(Clone, Debug)]
pub enum CommittedChange {
    /// A new message.
    Posted {
        message: Arc<Message>,
        /// Members whose archived conversation the message restored.
        returned: Vec<UserId>,
    },
    /// An edit, deletion or reaction. The messages are as of the end of the
    /// batch.
    Edited {
        version: i64,
        message: Arc<Message>,
        /// The messages that quote it, by `seq`, if its text changed.
        quoting: Vec<Arc<Message>>,
        /// Whether too many messages quote it: then `quoting` is empty.
        has_more: bool,
    },
    /// A change of the conversation, with its system message.
    Changed {
        message: Arc<Message>,
        change: Arc<ConversationChange>,
    },
    /// A user's own settings.
    SettingsChanged {
        user: UserId,
        version: i64,
        settings: MemberSettingsPatch,
    },
    /// A marker command moved markers. The moves of the whole batch are in its
    /// [`super::MarkerChanges`]. The actor can't see the messages in `unknown`.
    Marked {
        version: i64,
        unknown: Vec<MessageId>,
    },
    /// A member's markers moved in the batch.
    MarkerMoved(MemberMarkerMove),
    /// The overall watermarks rose in the batch.
    WatermarksRaised(WatermarkRise),
}

impl AppendOutcome {
    /// Returns the outcome, or the problem of a refusal.
    ///
    /// # Errors
    /// The problem of a refusal.
    pub fn into_result(self) -> Result<Self, Problem> {
        match self {
            Self::Refused(problem) => Err(problem),
            outcome => Ok(outcome),
        }
    }

    /// Returns whether the action was written.
    #[must_use]
    pub fn is_written(&self) -> bool {
        matches!(self, Self::Written(_))
    }

    /// Returns whether a message was written.
    #[must_use]
    pub fn is_posted(&self) -> bool {
        matches!(self, Self::Written(CommittedChange::Posted { .. }))
    }

    /// Returns whether the Room has to check the action again.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        matches!(self, Self::Stale)
    }

    /// Returns whether the invited user has to agree first.
    #[must_use]
    pub fn needs_consent(&self) -> bool {
        matches!(self, Self::NeedsConsent)
    }

    /// Returns the message that was sent, edited, deleted or reacted to.
    #[must_use]
    pub fn message(&self) -> Option<&Arc<Message>> {
        match self {
            Self::Written(
                CommittedChange::Posted { message, .. } | CommittedChange::Edited { message, .. },
            )
            | Self::AlreadySent(message)
            | Self::Unchanged(Some(message)) => Some(message),
            _ => None,
        }
    }

    /// Returns the outcome with another view of its message.
    #[must_use]
    pub fn with_message(&self, view: Arc<Message>) -> Self {
        let mut outcome = self.clone();
        if let Self::Written(
            CommittedChange::Posted { message, .. } | CommittedChange::Edited { message, .. },
        )
        | Self::AlreadySent(message)
        | Self::Unchanged(Some(message)) = &mut outcome
        {
            *message = view;
        }
        outcome
    }

    /// Returns the messages of a marker command that the actor can't see.
    #[must_use]
    pub fn unknown_messages(&self) -> &[MessageId] {
        match self {
            Self::Written(CommittedChange::Marked { unknown, .. }) | Self::Unmoved { unknown } => {
                unknown
            }
            _ => &[],
        }
    }
}

impl CommittedChange {
    /// Returns the version of the change in its conversation.
    #[must_use]
    pub fn version(&self) -> i64 {
        match self {
            Self::Posted { message, .. } | Self::Changed { message, .. } => message.version,
            Self::Edited { version, .. }
            | Self::SettingsChanged { version, .. }
            | Self::Marked { version, .. } => *version,
            Self::MarkerMoved(moved) => moved.version,
            Self::WatermarksRaised(raised) => raised.version,
        }
    }
}
