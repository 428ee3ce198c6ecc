//! Parses a client's frames and passes their commands on.

use actix::AsyncContext;
use entity::{ConversationId, receipt};

use super::Session;
use super::opening::SessionPhase;
use super::socket::SocketContext;
use crate::engine::directory::SocketScope;
use crate::engine::rates::RateExceeded;
use crate::engine::reply::CommandReply;
use crate::engine::room::messages::{ConversationCommand, RoomCommand};
use crate::protocol::command::{ClientFrame, FrameReferences, RejectedFrame};
use crate::protocol::{ClientCommand, CloseCode, Problem, ServerEvent};
use crate::store::append::{MarkerUpdate, MessageEditKind};

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
            command => self.send_to_room(command, &named, ctx),
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
            ClientCommand::Message(_) => rates.check_send(user).map(drop),
            _ => rates.check_request(user).map(drop),
        }
    }

    /// Sends a command to the Room of its conversation.
    fn send_to_room(
        &mut self,
        command: ClientCommand,
        named: &FrameReferences,
        ctx: &mut SocketContext,
    ) -> Result<(), Problem> {
        let conversation = match (
            self.resolve_conversation(named_conversation(&command)),
            &command,
        ) {
            (Ok(conversation), _) => conversation,
            (Err(problem), ClientCommand::Message(send)) => {
                let fault = send.submission.content.as_ref().err().cloned();
                return Err(fault.map_or(problem.clone(), |fault| fault.merge(problem)));
            }
            (Err(problem), _) => return Err(problem),
        };
        let ask = match command {
            ClientCommand::Ping | ClientCommand::Resume(_) | ClientCommand::Typing(_) => {
                return Ok(());
            }
            ClientCommand::Delivered(mark) => ConversationCommand::Mark(MarkerUpdate {
                kind: receipt::ReceiptKind::Delivered,
                message: mark.message_id,
            }),
            ClientCommand::ReadReceipt(mark) => ConversationCommand::Mark(MarkerUpdate {
                kind: receipt::ReceiptKind::Read,
                message: mark.message_id,
            }),
            ClientCommand::Message(send) => {
                ConversationCommand::post_or_find_sent(send.submission)?
            }
            ClientCommand::Edit(edit) => {
                ConversationCommand::Edit(edit.message_id, MessageEditKind::Edit(edit.message))
            }
            ClientCommand::Delete(delete) => {
                ConversationCommand::Edit(delete.message_id, MessageEditKind::Delete)
            }
            ClientCommand::Reaction(react) => {
                let (emoji, on) = (react.emoji, react.on);
                ConversationCommand::Edit(react.message_id, MessageEditKind::React { emoji, on })
            }
        };
        let named = named.within(conversation);
        self.engine
            .send_command(conversation, |ticket| RoomCommand::Execute {
                actor: self.identity.user.id,
                ask,
                reply: CommandReply::for_session(ctx.address().recipient(), named, ticket),
            });
        Ok(())
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
                "the conversation that this socket is bound to, or none",
            )),
            (SocketScope::Everything | SocketScope::Notifications, Some(named)) => Ok(named),
            (SocketScope::Everything | SocketScope::Notifications, None) => {
                Err(Problem::invalid_field(
                    "conversation_id",
                    "needed on a socket that is not bound to a conversation",
                ))
            }
        }
    }
}

/// Returns the conversation that a command names.
fn named_conversation(command: &ClientCommand) -> Option<ConversationId> {
    match command {
        ClientCommand::Message(send) => send.conversation_id,
        ClientCommand::Edit(edit) => edit.conversation_id,
        ClientCommand::Delete(delete) => delete.conversation_id,
        ClientCommand::Reaction(react) => react.conversation_id,
        ClientCommand::Typing(typing) => typing.conversation_id,
        ClientCommand::Delivered(mark) | ClientCommand::ReadReceipt(mark) => mark.conversation_id,
        ClientCommand::Resume(resume) => resume.conversation_id,
        ClientCommand::Ping => None,
    }
}
