//! The shell around [`super::state`]: it hands over what comes in, and does
//! what follows.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix::{ActorContext, AsyncContext, Context, Handler};
use entity::UserId;

use super::Room;
use super::effects::{Effect, Missing, Show};
use super::messages::{Retire, RoomCommand};
use crate::engine::ports::{Committed, Frame};
use crate::engine::reply::{Reply, Ticket, echo};
use crate::protocol::event::RemovedReason;
use crate::protocol::{CloseCode, Conversation, Event, Message, Problem};
use crate::store::StoreError;

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
                    // What it knows now is as of this load.
                    (Ok(version), RoomCommand::CatchUp(_) | RoomCommand::Renamed(_)) => {
                        room.catch_up(version, ctx);
                    }
                    (Ok(version), command @ RoomCommand::Ask { .. }) => {
                        // As at the start: a retry alone would have nothing told.
                        room.catch_up(version, ctx);
                        room.handle(command, ctx);
                    }
                    (Err(problem), RoomCommand::Ask { reply, .. }) => reply.send(Err(problem)),
                    (Err(_), RoomCommand::CatchUp(ticket)) => room.catch_up_again(ticket, ctx),
                    (Err(_), RoomCommand::Renamed(_)) => {}
                }
            });
        };
        match command {
            RoomCommand::Ask { actor, ask, reply } => {
                let effects = state.ask(actor, ask, reply);
                self.run(effects.into(), ctx);
            }
            RoomCommand::CatchUp(ticket) => self.load(ctx, |found, room, ctx| match found {
                Ok(record) => room.catch_up(record.version, ctx),
                Err(_) => room.catch_up_again(ticket, ctx),
            }),
            RoomCommand::Renamed(user) => state.renamed(user),
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

    /// What is to be told couldn't be read: the ticket keeps the Room until it
    /// could.
    fn catch_up_again(&self, ticket: Ticket, ctx: &mut Context<Self>) {
        ctx.notify_later(RoomCommand::CatchUp(ticket), CATCH_UP_AGAIN);
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
                Effect::Tell(to, messages) => self.tell(&to, &messages),
                Effect::Removed(user, reason) => self.tell_removed(user, reason),
                Effect::Told(version) => self.origin.told.store(version, Ordering::Release),
                Effect::Answer(reply, result) => reply.send(result),
                Effect::Show(show) => return self.show(show, effects, ctx),
                Effect::CatchUp(missing) => return self.read_missing(missing, effects, ctx),
                Effect::Reload => return self.reload(effects, ctx),
            }
        }
    }

    fn tell(&self, to: &[UserId], messages: &[Arc<Message>]) {
        self.deps
            .faults
            .before_telling(self.origin.key.conversation);
        let frames: Arc<[Frame]> = messages.iter().map(|message| echo(message)).collect();
        self.deps.directory.deliver(to.iter().copied(), &frames);
    }

    /// What is bound to the conversation is closed after that; what isn't
    /// hears nothing of it any more.
    fn tell_removed(&self, user: UserId, reason: RemovedReason) {
        let conversation_id = self.origin.key.conversation;
        let event = Event::ConversationRemoved {
            conversation_id,
            reason,
        };
        let frame = Frame {
            conversation: Some(conversation_id),
            version: 0,
            text: event.encode(),
        };
        self.deps.directory.deliver([user], &[frame].into());
        self.deps
            .directory
            .close_bound(user, conversation_id, CloseCode::Removed);
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

    fn read_missing(&mut self, missing: Missing, rest: Effects, ctx: &mut Context<Self>) {
        let store = self.deps.store.clone();
        let conversation = self.origin.key.conversation;
        let read = async move { store.missed(conversation, missing.after).await };
        self.hold(ctx, read, move |found, room, ctx| {
            let mut effects = Effects::new();
            match (found, &mut room.state) {
                (Ok(missed), Some(state)) => effects.extend(state.caught_up(missing, missed)),
                (Err(error), _) => room.catch_up_later(missing, &error, ctx),
                (Ok(_), None) => {}
            }
            effects.extend(rest);
            room.run(effects, ctx);
        });
    }

    fn catch_up_later(&mut self, missing: Missing, error: &StoreError, ctx: &mut Context<Self>) {
        tracing::error!(
            conversation = %self.origin.key.conversation,
            %error,
            "can't read what is to be told; trying again",
        );
        if let Some(state) = &mut self.state {
            state.not_told_after(missing.after);
            ctx.run_later(CATCH_UP_AGAIN, move |room, ctx| {
                room.catch_up(missing.up_to, ctx);
            });
        }
    }

    /// Shows the conversation to those of these people who are here, as each
    /// of them sees it.
    fn show(&mut self, show: Show, rest: Effects, ctx: &mut Context<Self>) {
        let store = self.deps.store.clone();
        let conversation = self.origin.key.conversation;
        let to = self.deps.directory.present(&show.to);
        if to.is_empty() {
            return self.run(rest, ctx);
        }
        let read = async move { store.conversation_for(&to, conversation).await };
        self.hold(ctx, read, move |views, room, ctx| {
            match views {
                Ok(views) => room.tell_views(views, &show),
                // What it has become is told all the same.
                Err(error) => tracing::error!(%conversation, %error, "can't show a conversation"),
            }
            room.run(rest, ctx);
        });
    }

    fn tell_views(&self, views: Vec<(UserId, Conversation)>, show: &Show) {
        for (user, mut conversation) in views {
            let id = conversation.id;
            // It may have been read after more was committed. Whoever resumes
            // from it must be told of that.
            conversation.version = conversation.version.min(show.cursor);
            let event = Event::Conversation {
                conversation: Box::new(conversation),
            };
            let frame = Frame {
                conversation: Some(id),
                version: show.version,
                text: event.encode(),
            };
            self.deps.directory.deliver([user], &[frame].into());
        }
    }
}
