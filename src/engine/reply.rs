//! The reply to a command of a Room.
//!
//! A [`CommandReply`] is sent exactly once. If it is dropped unsent, for
//! example with the mailbox of a Room that died, it sends `busy`. It carries
//! the [`CommandTicket`] by which the Hub knows that the Room has work.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix::Recipient;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::ports::{EventFrame, SessionReply};
use crate::protocol::command::FrameReferences;
use crate::protocol::{Message, Problem, ServerEvent};

/// A message that is on disk.
#[derive(Clone, Debug)]
pub struct SentMessage {
    pub message: Arc<Message>,
    /// False if nothing was written, because the message or the edit existed
    /// before. In that case only the caller gets the message.
    pub is_new: bool,
}

/// The outcome of a command.
#[derive(Clone, Debug)]
pub enum CommandOutcome {
    /// A message is on disk, new or edited.
    Sent(SentMessage),
    /// The conversation, or the caller's own settings for it, have changed.
    Changed,
    /// Nothing has changed: the invited user has to agree first.
    NeedsConsent,
}

impl CommandOutcome {
    /// Returns the outcome for a new message.
    #[must_use]
    pub fn new_message(message: Arc<Message>) -> Self {
        Self::Sent(SentMessage {
            message,
            is_new: true,
        })
    }

    /// Returns the message of the outcome, if it has one.
    #[must_use]
    pub fn into_message(self) -> Option<SentMessage> {
        match self {
            Self::Sent(sent) => Some(sent),
            Self::Changed | Self::NeedsConsent => None,
        }
    }

    /// Returns the outcome of a retry. The message is sent as `message`, even
    /// if it was edited since, because the retry waits for that frame.
    #[must_use]
    pub fn existing_message(message: &Message) -> Self {
        Self::Sent(SentMessage {
            message: Arc::new(Message {
                is_changed: false,
                ..message.clone()
            }),
            is_new: false,
        })
    }
}

/// One command of a Room, until it is answered. The Hub counts tickets per
/// Room, to find Rooms that are idle, and over all Rooms, to bound the queue.
#[derive(Debug)]
pub struct CommandTicket {
    room: Option<Arc<AtomicUsize>>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl CommandTicket {
    pub(super) fn new(room: &Arc<AtomicUsize>, permit: Option<OwnedSemaphorePermit>) -> Self {
        room.fetch_add(1, Ordering::AcqRel);
        Self {
            room: Some(Arc::clone(room)),
            _permit: permit,
        }
    }

    /// Returns a ticket for a command that no Room will receive.
    pub(super) fn untracked() -> Self {
        Self {
            room: None,
            _permit: None,
        }
    }
}

impl Drop for CommandTicket {
    fn drop(&mut self) {
        if let Some(room) = &self.room {
            room.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

/// The recipient of a reply.
#[derive(Debug)]
enum ReplyTarget {
    /// A socket: it gets a new message by fan-out, like all sessions. All other
    /// replies go to this socket alone.
    Session(Recipient<SessionReply>, FrameReferences),
    /// A caller that waits for the reply, such as an HTTP request.
    Caller(oneshot::Sender<Result<CommandOutcome, Problem>>),
}

/// Sends the outcome of a command to its caller.
#[derive(Debug)]
pub struct CommandReply {
    target: Option<ReplyTarget>,
    _ticket: CommandTicket,
}

impl CommandReply {
    /// Returns a reply to a socket, about the items that its frame named.
    #[must_use]
    pub fn for_session(
        answer: Recipient<SessionReply>,
        named: FrameReferences,
        ticket: CommandTicket,
    ) -> Self {
        Self {
            target: Some(ReplyTarget::Session(answer, named)),
            _ticket: ticket,
        }
    }

    /// Returns a reply to a request.
    #[must_use]
    pub fn for_caller(
        caller: oneshot::Sender<Result<CommandOutcome, Problem>>,
        ticket: CommandTicket,
    ) -> Self {
        Self {
            target: Some(ReplyTarget::Caller(caller)),
            _ticket: ticket,
        }
    }

    /// Sends the outcome.
    pub fn send(mut self, result: Result<CommandOutcome, Problem>) {
        self.send_once(result);
    }

    fn send_once(&mut self, result: Result<CommandOutcome, Problem>) {
        match (self.target.take(), result) {
            (None, _) => {}
            (Some(ReplyTarget::Session(to, _)), Ok(done)) => {
                if let CommandOutcome::Sent(sent) = done
                    && !sent.is_new
                {
                    to.do_send(SessionReply::Echo(message_frame(&sent.message)));
                }
            }
            (Some(ReplyTarget::Session(to, named)), Err(problem)) => {
                to.do_send(SessionReply::Refused(problem, named));
            }
            (Some(ReplyTarget::Caller(caller)), result) => {
                // The caller may be gone; the change is on disk anyway.
                let _ = caller.send(result);
            }
        }
    }
}

impl Drop for CommandReply {
    fn drop(&mut self) {
        self.send_once(Err(Problem::busy()));
    }
}

/// Returns the frame of a message: `message`, or `message_updated` if it was
/// edited since it was posted.
#[must_use]
pub fn message_frame(message: &Message) -> EventFrame {
    let conversation_id = message.conversation_id;
    let boxed = Box::new(message.clone());
    let event = if !message.is_changed {
        ServerEvent::Message {
            conversation_id,
            message: boxed,
        }
    } else {
        ServerEvent::MessageUpdated {
            conversation_id,
            message: boxed,
        }
    };
    EventFrame::for_change((conversation_id, message.version), &event)
}
