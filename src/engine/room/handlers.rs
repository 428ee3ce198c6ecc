//! The shell around [`super::state`]: it hands over what comes in, and does
//! what follows.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix::{ActorContext, AsyncContext, Context, Handler};
use entity::UserId;

use super::messages::{Retire, RoomCommand};
use super::state::{Effect, Missing};
use super::{Room, State};
use crate::engine::ports::{Committed, Frame};
use crate::engine::reply::{Reply, echo};
use crate::protocol::{Event, Message, Problem};
use crate::store::{Store, StoreError};

/// Where telling failed for want of the database, it is tried again after
/// this long.
const CATCH_UP_AGAIN: Duration = Duration::from_secs(1);

type Effects = VecDeque<Effect<Reply>>;

impl Handler<RoomCommand> for Room {
    type Result = ();

    fn handle(&mut self, command: RoomCommand, ctx: &mut Context<Self>) {
        let Some(state) = &mut self.state else {
            // The load at the start failed: whoever asks has it tried again.
            return self.load(ctx, |found, room, ctx| {
                match (room.loaded(found), command) {
                    (Ok(version), command @ RoomCommand::Post { .. }) => {
                        // As at the start: a retry alone would have nothing told.
                        room.catch_up(version, ctx);
                        room.handle(command, ctx);
                    }
                    (Ok(version), RoomCommand::CatchUp(_)) => room.catch_up(version, ctx),
                    (Err(problem), RoomCommand::Post { reply, .. }) => reply.send(Err(problem)),
                    (Err(_), RoomCommand::CatchUp(_)) => {}
                }
            });
        };
        match command {
            RoomCommand::Post { post, reply } => {
                let effects = state.post(post, reply);
                self.run(effects.into(), ctx);
            }
            RoomCommand::CatchUp(ticket) => self.load(ctx, |found, room, ctx| {
                if let Ok(record) = found {
                    room.catch_up(record.version, ctx);
                }
                drop(ticket);
            }),
        }
    }
}

impl Handler<Committed> for Room {
    type Result = ();

    fn handle(&mut self, committed: Committed, ctx: &mut Context<Self>) {
        if let Some(state) = &mut self.state {
            let effects = state.committed(committed.outcomes);
            self.run(effects.into(), ctx);
        }
    }
}

impl Handler<Retire> for Room {
    type Result = ();

    fn handle(&mut self, _: Retire, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}

impl Room {
    /// Tells what is on disk up to `version` and hasn't been told.
    pub(super) fn catch_up(&mut self, version: i64, ctx: &mut Context<Self>) {
        if let Some(state) = &mut self.state {
            let effects = state.catch_up(version);
            self.run(effects.into(), ctx);
        }
    }

    /// Does what follows, in order. An effect that has to wait for the
    /// database holds the mailbox and takes the rest along.
    fn run(&mut self, mut effects: Effects, ctx: &mut Context<Self>) {
        while let Some(effect) = effects.pop_front() {
            match effect {
                Effect::Submit(append) => {
                    let port = self.port(ctx.address());
                    self.deps.journal.append(append, port);
                }
                Effect::Tell(messages) => self.tell(&messages),
                Effect::Answer(reply, result) => reply.send(result),
                Effect::Introduce => return self.introduce(effects, ctx),
                Effect::CatchUp(missing) => return self.read_and_tell(missing, effects, ctx),
                Effect::Reload => return self.reload(effects, ctx),
            }
        }
    }

    fn tell(&mut self, messages: &[Arc<Message>]) {
        self.deps
            .faults
            .before_telling(self.origin.key.conversation);
        let frames: Arc<[Frame]> = messages.iter().map(|message| echo(message)).collect();
        self.deliver(&frames);
    }

    fn deliver(&self, frames: &Arc<[Frame]>) {
        if let Some(state) = &self.state {
            self.deps.directory.deliver(state.members(), frames);
            self.origin.told.store(state.told(), Ordering::Release);
        }
    }

    fn reload(&mut self, rest: Effects, ctx: &mut Context<Self>) {
        self.load(ctx, |found, room, ctx| {
            if let Some(state) = &mut room.state {
                let mut effects = rest;
                effects.extend(match found {
                    Ok(record) => state.reloaded(record),
                    Err(error) => state.failed(&Problem::from(error)),
                });
                room.run(effects, ctx);
            }
        });
    }

    fn read_and_tell(&mut self, missing: Missing, rest: Effects, ctx: &mut Context<Self>) {
        let store = self.deps.store.clone();
        let conversation = self.origin.key.conversation;
        let Missing { after, up_to } = missing;
        let read = async move { store.changed_messages(conversation, after, up_to).await };
        self.hold(ctx, read, move |found, room, ctx| {
            match found {
                Ok(messages) => {
                    let messages: Vec<_> = messages.into_iter().map(Arc::new).collect();
                    room.tell(&messages);
                }
                Err(error) => room.catch_up_later(after, &error, ctx),
            }
            room.run(rest, ctx);
        });
    }

    fn catch_up_later(&mut self, after: i64, error: &StoreError, ctx: &mut Context<Self>) {
        tracing::error!(conversation = %self.origin.key.conversation, %error, "can't read what is to be told; trying again");
        let Some(state) = &mut self.state else {
            return;
        };
        let up_to = state.told();
        state.not_told_after(after);
        ctx.run_later(CATCH_UP_AGAIN, move |room, ctx| room.catch_up(up_to, ctx));
    }

    /// Tells each member of the conversation, as they see it.
    fn introduce(&mut self, rest: Effects, ctx: &mut Context<Self>) {
        let store = self.deps.store.clone();
        let conversation = self.origin.key.conversation;
        let members: Vec<UserId> = self.state.iter().flat_map(State::members).collect();
        let read = async move {
            let mut frames = Vec::new();
            for member in members {
                frames.push((member, introduction(&store, member, conversation).await));
            }
            frames
        };
        self.hold(ctx, read, |frames, room, ctx| {
            for (member, frame) in frames {
                match frame {
                    Ok(frame) => room.deps.directory.deliver([member], &[frame].into()),
                    // The message itself is told all the same.
                    Err(error) => tracing::error!(%error, "can't introduce a conversation"),
                }
            }
            room.run(rest, ctx);
        });
    }
}

async fn introduction(
    store: &Store,
    member: UserId,
    conversation: entity::ConversationId,
) -> Result<Frame, StoreError> {
    let view = store.conversation(member, conversation).await?;
    let version = view.version;
    let event = Event::Conversation {
        conversation: Box::new(view),
    };
    Ok(Frame {
        conversation: Some(conversation),
        version,
        text: event.encode(),
    })
}
