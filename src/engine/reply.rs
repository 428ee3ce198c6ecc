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
use crate::store::append::AppendOutcome;

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
    Caller(oneshot::Sender<AppendOutcome>),
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
    pub fn for_caller(caller: oneshot::Sender<AppendOutcome>, ticket: CommandTicket) -> Self {
        Self {
            target: Some(ReplyTarget::Caller(caller)),
            _ticket: ticket,
        }
    }

    /// Sends the outcome.
    pub fn send(mut self, outcome: AppendOutcome) {
        self.send_once(outcome);
    }

    fn send_once(&mut self, outcome: AppendOutcome) {
        match (self.target.take(), outcome) {
            (Some(ReplyTarget::Session(to, named)), AppendOutcome::Refused(problem)) => {
                to.do_send(SessionReply::Refused(problem, named));
            }
            // Only the caller gets a message that nothing was written for.
            (
                Some(ReplyTarget::Session(to, _)),
                AppendOutcome::AlreadySent(message) | AppendOutcome::Unchanged(Some(message)),
            ) => to.do_send(SessionReply::Echo(message_frame(message))),
            (None | Some(ReplyTarget::Session(..)), _) => {}
            (Some(ReplyTarget::Caller(caller)), outcome) => {
                // The caller may be gone; the change is on disk anyway.
                let _ = caller.send(outcome);
            }
        }
    }
}

impl Drop for CommandReply {
    fn drop(&mut self) {
        self.send_once(AppendOutcome::Refused(Problem::busy()));
    }
}

/// Returns the frame of a message.
#[must_use]
pub fn message_frame(message: Arc<Message>) -> EventFrame {
    let (conversation, version) = (message.conversation_id, message.version);
    EventFrame::for_change(conversation, version, &ServerEvent::of_message(message))
}
