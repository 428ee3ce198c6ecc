//! A client's frame, from its text to whom it concerns.

use actix::AsyncContext;
use entity::{ConversationId, receipt};

use super::Session;
use super::opening::Phase;
use super::socket::SocketContext;
use crate::engine::directory::Door;
use crate::engine::rates::TooMuch;
use crate::engine::reply::Reply;
use crate::engine::room::messages::{Ask, RoomCommand};
use crate::protocol::command::{BadFrame, ClientFrame, Named};
use crate::protocol::{CloseCode, Command, Event, Problem};
use crate::store::append::{How, Mark};

impl Session {
    /// Reads a frame. Before `hello`, what it asks for waits; also what is
    /// refused, since `hello` is the first that a client hears.
    pub(super) fn frame(&mut self, text: &str, ctx: &mut SocketContext) {
        self.counters().frames_in.one();
        let said = Command::parse(text);
        let most = self.engine.inner.settings.limits.opening_commands;
        match &mut self.phase {
            Phase::Live { .. } => self.take(said, ctx),
            Phase::Opening { said: early, .. } if early.len() < most => early.push_back(said),
            Phase::Opening { said: early, .. } if early.len() < 2 * most => {
                early.push_back(said.and_then(|frame| Err(Box::new(BadFrame::too_much(frame)))));
            }
            // Nor does it get a `hello`: who says so much without having heard
            // one has to come again.
            Phase::Opening { .. } => self.close(CloseCode::TooSlow, ctx),
        }
    }

    /// Does what a frame says, or refuses it.
    pub(super) fn take(
        &mut self,
        said: Result<ClientFrame, Box<BadFrame>>,
        ctx: &mut SocketContext,
    ) {
        if self.is_closing {
            return;
        }
        match said {
            Ok(frame) => self.dispatch(frame, ctx),
            Err(bad) => {
                let problem = self.whole_fault(bad.problem, bad.lacks_conversation);
                self.refuse(problem, bad.named, ctx);
            }
        }
    }

    /// A frame's faults, with that of naming no conversation on a socket that
    /// needs it.
    fn whole_fault(&self, problem: Problem, lacks_conversation: bool) -> Problem {
        match self.addressed(None) {
            Err(more) if lacks_conversation && problem.code.status() == 422 => problem.and(more),
            _ => problem,
        }
    }

    fn dispatch(&mut self, frame: ClientFrame, ctx: &mut SocketContext) {
        let ClientFrame { command, named } = frame;
        if let Err(too_much) = self.pays(&command) {
            return self.refuse(too_much.into(), named, ctx);
        }
        let done = match command {
            Command::Ping => {
                self.say(Event::Pong.encode(), ctx);
                Ok(())
            }
            Command::Resume(resume) => self.resume(resume, ctx),
            command => self.ask(command, &named, ctx),
        };
        if let Err(problem) = done {
            self.refuse(problem, named, ctx);
        }
    }

    /// What is asked here counts with what is asked elsewhere. A ping costs
    /// nobody anything, and that somebody types has a limit of its own.
    fn pays(&self, command: &Command) -> Result<(), TooMuch> {
        let (rates, user) = (self.engine.rates(), self.who.user.id);
        match command {
            Command::Ping | Command::Typing(_) => Ok(()),
            Command::Message(_) => rates.send(user).map(drop),
            _ => rates.request(user).map(drop),
        }
    }

    /// Has the Room of the conversation that a frame is about do it.
    fn ask(
        &mut self,
        command: Command,
        named: &Named,
        ctx: &mut SocketContext,
    ) -> Result<(), Problem> {
        let conversation = match (self.addressed(addressee(&command)), &command) {
            (Ok(conversation), _) => conversation,
            (Err(problem), Command::Message(send)) => {
                let fault = send.sending.content.as_ref().err().cloned();
                return Err(fault.map_or(problem.clone(), |fault| fault.and(problem)));
            }
            (Err(problem), _) => return Err(problem),
        };
        let ask = match command {
            Command::Ping | Command::Resume(_) => return Ok(()),
            Command::Typing(typing) => match self.types(conversation, typing.is_typing) {
                Some(ask) => ask,
                None => return Ok(()),
            },
            Command::Delivered(mark) => Ask::Mark(Mark {
                kind: receipt::Kind::Delivered,
                message: mark.message_id,
            }),
            Command::ReadReceipt(mark) => Ask::Mark(Mark {
                kind: receipt::Kind::Read,
                message: mark.message_id,
            }),
            Command::Message(send) => Ask::sending(send.sending)?,
            Command::Edit(edit) => Ask::Touch(edit.message_id, How::Edit(edit.message)),
            Command::Delete(delete) => Ask::Touch(delete.message_id, How::Withdraw),
            Command::Reaction(react) => {
                let (emoji, on) = (react.emoji, react.on);
                Ask::Touch(react.message_id, How::React { emoji, on })
            }
        };
        let named = Named {
            conversation_id: Some(conversation),
            ..named.clone()
        };
        self.engine.send(conversation, |ticket| RoomCommand::Ask {
            actor: self.who.user.id,
            ask,
            reply: Reply::session(ctx.address().recipient(), named, ticket),
        });
        Ok(())
    }

    /// The conversation that a frame is about: the socket's own, or the one
    /// it names.
    pub(super) fn addressed(
        &self,
        named: Option<ConversationId>,
    ) -> Result<ConversationId, Problem> {
        match (self.door, named) {
            (Door::Conversation(bound), None) => Ok(bound),
            (Door::Conversation(bound), Some(named)) if named == bound => Ok(bound),
            (Door::Conversation(_), Some(_)) => Err(Problem::field(
                "conversation_id",
                "the conversation that this socket is bound to, or none",
            )),
            (Door::Everything | Door::Notifications, Some(named)) => Ok(named),
            (Door::Everything | Door::Notifications, None) => Err(Problem::field(
                "conversation_id",
                "needed on a socket that is not bound to a conversation",
            )),
        }
    }
}

/// The conversation that a command names.
fn addressee(command: &Command) -> Option<ConversationId> {
    match command {
        Command::Message(send) => send.conversation_id,
        Command::Edit(edit) => edit.conversation_id,
        Command::Delete(delete) => delete.conversation_id,
        Command::Reaction(react) => react.conversation_id,
        Command::Typing(typing) => typing.conversation_id,
        Command::Delivered(mark) | Command::ReadReceipt(mark) => mark.conversation_id,
        Command::Resume(resume) => resume.conversation_id,
        Command::Ping => None,
    }
}
