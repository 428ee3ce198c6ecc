//! How somebody who asked a Room something hears what became of it.
//!
//! A [`Reply`] is answered exactly once, also when nobody gets round to it:
//! dropped, as with the mailbox of a Room that died, it says `busy`. It
//! carries the [`Ticket`] by which the Hub knows that the Room has work.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix::Recipient;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::ports::{Answer, Frame};
use crate::protocol::command::Named;
use crate::protocol::{Event, Message, Problem};

/// A message that is on disk.
#[derive(Clone, Debug)]
pub struct Sent {
    pub message: Arc<Message>,
    /// False where nothing was written: it had been sent, or touched like
    /// that, before. Only who asked hears of it then.
    pub is_new: bool,
}

/// What became of something asked of a Room.
#[derive(Clone, Debug)]
pub enum Done {
    /// A message is on disk, as new or as touched.
    Sent(Sent),
    /// The conversation, or one's own settings for it, have changed.
    Changed,
    /// Nothing has changed: the invited user has to agree first.
    NeedsConsent,
}

impl Done {
    /// It is new.
    #[must_use]
    pub fn posted(message: Arc<Message>) -> Self {
        Self::Sent(Sent {
            message,
            is_new: true,
        })
    }

    /// The message that it is about, where it is about one.
    #[must_use]
    pub fn sent(self) -> Option<Sent> {
        match self {
            Self::Sent(sent) => Some(sent),
            Self::Changed | Self::NeedsConsent => None,
        }
    }

    /// It had been sent before: told as what it was then, also where it was
    /// touched since, since that is what whoever retries waits for.
    #[must_use]
    pub fn known(message: &Message) -> Self {
        Self::Sent(Sent {
            message: Arc::new(Message {
                is_touched: false,
                ..message.clone()
            }),
            is_new: false,
        })
    }
}

/// One thing asked of a Room, until it is answered: the Hub counts them per
/// Room, to know which have work, and over all Rooms, to bound what waits.
#[derive(Debug)]
pub struct Ticket {
    room: Option<Arc<AtomicUsize>>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Ticket {
    pub(super) fn new(room: &Arc<AtomicUsize>, permit: Option<OwnedSemaphorePermit>) -> Self {
        room.fetch_add(1, Ordering::AcqRel);
        Self {
            room: Some(Arc::clone(room)),
            _permit: permit,
        }
    }

    /// Of something that no Room will ever see.
    pub(super) fn void() -> Self {
        Self {
            room: None,
            _permit: None,
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(room) = &self.room {
            room.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

/// Who asked.
#[derive(Debug)]
enum Asker {
    /// A socket: a new message comes to it like to everybody, the rest is
    /// answered to it alone.
    Session(Recipient<Answer>, Named),
    /// A request that waits.
    Caller(oneshot::Sender<Result<Done, Problem>>),
}

/// The way back to who asked.
#[derive(Debug)]
pub struct Reply {
    asker: Option<Asker>,
    _ticket: Ticket,
}

impl Reply {
    /// To a socket, about what its frame named.
    #[must_use]
    pub fn session(answer: Recipient<Answer>, named: Named, ticket: Ticket) -> Self {
        Self {
            asker: Some(Asker::Session(answer, named)),
            _ticket: ticket,
        }
    }

    /// To a request.
    #[must_use]
    pub fn caller(caller: oneshot::Sender<Result<Done, Problem>>, ticket: Ticket) -> Self {
        Self {
            asker: Some(Asker::Caller(caller)),
            _ticket: ticket,
        }
    }

    /// Answers.
    pub fn send(mut self, result: Result<Done, Problem>) {
        self.answer(result);
    }

    fn answer(&mut self, result: Result<Done, Problem>) {
        match (self.asker.take(), result) {
            (None, _) => {}
            (Some(Asker::Session(to, _)), Ok(done)) => {
                if let Done::Sent(sent) = done
                    && !sent.is_new
                {
                    to.do_send(Answer::Echo(echo(&sent.message)));
                }
            }
            (Some(Asker::Session(to, named)), Err(problem)) => {
                to.do_send(Answer::Refused(problem, named));
            }
            (Some(Asker::Caller(caller)), result) => {
                // Whoever asked may have gone; the message is on disk all the same.
                let _ = caller.send(result);
            }
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        self.answer(Err(Problem::busy()));
    }
}

/// The frame that tells a message: `message`, or `message_updated` where it
/// was touched since it was posted.
#[must_use]
pub fn echo(message: &Message) -> Frame {
    let conversation_id = message.conversation_id;
    let boxed = Box::new(message.clone());
    let event = match message.is_touched {
        false => Event::Message {
            conversation_id,
            message: boxed,
        },
        true => Event::MessageUpdated {
            conversation_id,
            message: boxed,
        },
    };
    Frame::telling((conversation_id, message.version), &event)
}
