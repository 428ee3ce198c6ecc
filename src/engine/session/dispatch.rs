//! Parses a client's frames and passes their commands on.

use actix::AsyncContext;
use entity::ConversationId;

use super::Session;
use super::opening::SessionPhase;
use super::socket::SocketContext;
use crate::engine::directory::SocketScope;
use crate::engine::rates::RateExceeded;
use crate::engine::reply::CommandReply;
use crate::engine::room::messages::RoomCommand;
use crate::protocol::command::{ClientFrame, RejectedFrame};
use crate::protocol::{
    ClientCommand, CloseCode, ConversationAction, GroupCommand, Problem, ServerEvent,
};

impl Session {
    /// Handles a text frame. Before `hello`, commands and errors wait, since
    /// `hello` is the first frame that a client gets.
    pub(super) fn handle_text(&mut self, text: &str, ctx: &mut SocketContext) {
        self.counters().frames_in.increment();
        let parsed = ClientCommand::parse(text);
        let limit = self.engine.inner.settings.limits.opening_commands;
        match &mut self.phase {
            SessionPhase::Open { .. } => self.handle_frame(parsed, ctx),
            SessionPhase::Opening { frames: early, .. } if early.len() < limit => {
                early.push_back(parsed)
            }
            SessionPhase::Opening { frames: early, .. } if early.len() < 2 * limit => {
                early.push_back(parsed.and_then(|frame| Err(Box::new(RejectedFrame::busy(frame)))));
            }
            // A client that sends too many frames before `hello` is closed
            // without one, and has to connect again.
            SessionPhase::Opening { .. } => self.close(CloseCode::TooSlow, ctx),
        }
    }

    /// Handles a parsed frame, or sends its error.
    pub(super) fn handle_frame(
        &mut self,
        parsed: Result<ClientFrame, Box<RejectedFrame>>,
        ctx: &mut SocketContext,
    ) {
        if self.is_closing {
            return;
        }
        match parsed {
            Ok(frame) => self.dispatch(frame, ctx),
            Err(bad) => {
                let problem = self.complete_fault(bad.problem, bad.lacks_conversation);
                self.send_error(problem, bad.references, ctx);
            }
        }
    }

    /// Returns the problem of a frame; adds that the conversation is missing if
    /// the socket requires one.
    fn complete_fault(&self, problem: Problem, lacks_conversation: bool) -> Problem {
        match self.resolve_conversation(None) {
            Err(more) if lacks_conversation && problem.code.status() == 422 => problem.merge(more),
            _ => problem,
        }
    }

    fn dispatch(&mut self, frame: ClientFrame, ctx: &mut SocketContext) {
        let ClientFrame {
            command,
            references: named,
        } = frame;
        if let Err(too_much) = self.check_rate(&command) {
            return self.send_error(too_much.into(), named, ctx);
        }
        let done = match command {
            ClientCommand::Ping => {
                self.send_text(ServerEvent::Pong.encode(), ctx);
                Ok(())
            }
            ClientCommand::Resume(resume) => self.resume(resume, ctx),
            ClientCommand::Typing(typing) => self.report_typing(typing, &named, ctx),
            ClientCommand::Act {
                conversation_id,
                action,
            } => self
                .resolve_conversation(conversation_id)
                .map_err(|problem| merge_content_fault(&action, problem))
                .map(|conversation| {
                    let (actor, named) = (self.identity.user.id, named.within(conversation));
                    self.engine.send_command(conversation, |ticket| {
                        let session = ctx.address().recipient();
                        RoomCommand::Execute {
                            actor,
                            action,
                            reply: CommandReply::for_session(session, named, ticket),
                        }
                    });
                }),
        };
        if let Err(problem) = done {
            self.send_error(problem, named, ctx);
        }
    }

    /// Counts a command against the limits that HTTP shares. A ping is free,
    /// and typing has its own limit.
    fn check_rate(&self, command: &ClientCommand) -> Result<(), RateExceeded> {
        let (rates, user) = (self.engine.rates(), self.identity.user.id);
        match command {
            ClientCommand::Ping | ClientCommand::Typing(_) => Ok(()),
            ClientCommand::Act { action, .. } if action.submitted().is_some() => {
                rates.check_send(user).map(drop)
            }
            _ => rates.check_request(user).map(drop),
        }
    }

    /// Returns the conversation of a frame: the socket's own, or the one it
    /// names.
    pub(super) fn resolve_conversation(
        &self,
        named: Option<ConversationId>,
    ) -> Result<ConversationId, Problem> {
        match (self.scope, named) {
            (SocketScope::Conversation(bound), None) => Ok(bound),
            (SocketScope::Conversation(bound), Some(named)) if named == bound => Ok(bound),
            (SocketScope::Conversation(_), Some(_)) => Err(Problem::invalid_field(
                "conversation_id",
                "the conversation of this socket, or no conversation",
            )),
            (SocketScope::Everything | SocketScope::Notifications, Some(named)) => Ok(named),
            (SocketScope::Everything | SocketScope::Notifications, None) => {
                Err(Problem::invalid_field(
                    "conversation_id",
                    "required on a socket that is not bound to a conversation",
                ))
            }
        }
    }
}

/// Adds the fault of a message's content, so that one answer has all faults.
fn merge_content_fault(action: &ConversationAction<GroupCommand>, problem: Problem) -> Problem {
    match action.submitted().map(|message| &message.text) {
        Some(Err(fault)) => fault.clone().merge(problem),
        _ => problem,
    }
}
