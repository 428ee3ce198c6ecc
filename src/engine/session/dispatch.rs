//! A client's frame, from its text to whom it concerns.

use std::sync::Arc;

use actix::AsyncContext;
use entity::ConversationId;

use super::Session;
use super::opening::Phase;
use super::socket::{self, SocketContext};
use crate::engine::directory::Door;
use crate::engine::reply::Reply;
use crate::engine::room::messages::{Ask, RoomCommand};
use crate::protocol::command::Named;
use crate::protocol::{ClientId, Command, Emoji, Event, MessageText, Problem};
use crate::store::append::{How, Post};

impl Session {
    /// Reads a frame. Before `hello`, what it asks for waits.
    pub(super) fn frame(&mut self, text: &str, ctx: &mut SocketContext) {
        let command = match Command::parse(text) {
            Ok(command) => command,
            Err(bad) => return self.refuse(bad.problem, bad.named, ctx),
        };
        let limit = self.engine.inner.settings.limits.opening_commands;
        match &mut self.phase {
            Phase::Live { .. } => self.dispatch(command, ctx),
            Phase::Opening { commands, .. } if commands.len() < limit => {
                commands.push_back(command);
            }
            Phase::Opening { .. } => self.refuse(Problem::busy(), command.names(), ctx),
        }
    }

    pub(super) fn dispatch(&mut self, command: Command, ctx: &mut SocketContext) {
        if self.is_closing {
            return;
        }
        let named = command.names();
        let done = match command {
            Command::Ping => {
                socket::write(ctx, Event::Pong.encode());
                Ok(())
            }
            command => self.ask(command, &named, ctx),
        };
        if let Err(problem) = done {
            self.refuse(problem, named, ctx);
        }
    }

    /// Has the Room of the conversation that a frame is about do it.
    fn ask(
        &mut self,
        command: Command,
        named: &Named,
        ctx: &mut SocketContext,
    ) -> Result<(), Problem> {
        let conversation = self.addressed(named.conversation_id)?;
        let ask = match command {
            Command::Ping => return Ok(()),
            Command::Message(send) => Ask::Post(Arc::new(Post {
                text: MessageText::parse(&send.message)?,
                client_id: send.client_id.as_deref().map(ClientId::parse).transpose()?,
                reply_to: send.reply_to,
            })),
            Command::Edit(edit) => {
                let text = MessageText::parse(&edit.message)?;
                Ask::Touch(edit.message_id, How::Edit(text))
            }
            Command::Delete(delete) => Ask::Touch(delete.message_id, How::Withdraw),
            Command::Reaction(react) => {
                let emoji = Emoji::parse(&react.emoji)?;
                Ask::Touch(
                    react.message_id,
                    How::React {
                        emoji,
                        on: react.on,
                    },
                )
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
    fn addressed(&self, named: Option<ConversationId>) -> Result<ConversationId, Problem> {
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
