//! The shell around [`super::state`]: it hands over what comes in, and does
//! what follows.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;

use actix::{ActorContext, AsyncContext, Context, Handler};
use entity::UserId;
use tokio::time::Instant;

use super::effects::{Effect, Missing, OutsiderChange, Show, Telling};
use super::fanout;
use super::messages::{Retire, RoomCommand};
use super::state::State;
use super::{READ_AGAIN, Room};
use crate::engine::ports::{Committed, Frame};
use crate::engine::reply::{Done, Reply, Ticket, echo};
use crate::protocol::event::RemovedReason;
use crate::protocol::{CloseCode, Conversation, Event, Problem};
use crate::store::StoreError;

type Effects = VecDeque<Effect<Reply>>;

impl Handler<RoomCommand> for Room {
    type Result = ();

    fn handle(&mut self, command: RoomCommand, ctx: &mut Context<Self>) {
        // What every Room is told is no use of this one.
        if !matches!(command, RoomCommand::Renamed(_) | RoomCommand::Refresh) {
            self.asked_at = Instant::now();
        }
        let Some(state) = &mut self.state else {
            return self.load_for(command, ctx);
        };
        match command {
            RoomCommand::Ask { actor, ask, reply } => {
                let effects = state.ask((actor, Instant::now()), ask, reply);
                self.run(effects.into(), ctx);
            }
            // Who waited may have gone: so does the ticket, then.
            RoomCommand::Await(caller, ticket) => drop(caller.send(ticket)),
            RoomCommand::CatchUp(ticket) => self.load(ctx, |found, room, ctx| match found {
                Ok(record) => room.catch_up_for(ticket, record.version, ctx),
                Err(_) => room.catch_up_again(ticket, ctx),
            }),
            // Where it can't be read, the next judgement finds it out.
            RoomCommand::Refresh => self.load(ctx, |found, room, ctx| {
                if let (Ok(record), Some(state)) = (found, &mut room.state) {
                    let effects = state.refreshed(record);
                    room.run(effects.into(), ctx);
                }
            }),
            RoomCommand::Renamed(user) => state.renamed(user),
        }
    }
}

impl Handler<Committed> for Room {
    type Result = ();

    fn handle(&mut self, committed: Committed, ctx: &mut Context<Self>) {
        if let Some(state) = &mut self.state {
            let effects = state.committed(committed.outcomes, committed.marks);
            self.run(effects.into(), ctx);
            self.deps.counters.fan_out.time(committed.at.elapsed());
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
    /// The load at the start failed: whoever asks has it tried again.
    fn load_for(&self, command: RoomCommand, ctx: &mut Context<Self>) {
        self.load(ctx, |found, room, ctx| {
            let is_there = !matches!(found, Err(StoreError::Refused(_)));
            match room.loaded(found) {
                Ok(version) => room.begin_with(command, version, ctx),
                Err(problem) => room.can_not(command, problem, ctx),
            }
            // One that somebody made up isn't worth a Room. What waits in its
            // mailbox keeps it until that is answered too.
            if !is_there && !room.has_told() {
                room.offer_to_go();
            }
        });
    }

    /// It has just been loaded, as of `version`. As at the start, what is
    /// untold is told: a retry alone would have nothing told.
    fn begin_with(&mut self, command: RoomCommand, version: i64, ctx: &mut Context<Self>) {
        match command {
            RoomCommand::CatchUp(ticket) => self.catch_up_for(ticket, version, ctx),
            // What it knows now is as of this load.
            RoomCommand::Renamed(_) | RoomCommand::Refresh => self.catch_up(version, ctx),
            command @ (RoomCommand::Ask { .. } | RoomCommand::Await(..)) => {
                self.catch_up(version, ctx);
                self.handle(command, ctx);
            }
        }
    }

    fn can_not(&self, command: RoomCommand, problem: Problem, ctx: &mut Context<Self>) {
        match command {
            RoomCommand::Ask { reply, .. } => reply.send(Err(problem)),
            RoomCommand::CatchUp(ticket) => self.catch_up_again(ticket, ctx),
            // Dropped, it says that there is no Room to be had.
            RoomCommand::Await(..) => {}
            RoomCommand::Renamed(_) | RoomCommand::Refresh => {}
        }
    }

    /// Tells what is on disk up to `version` and hasn't been told.
    pub(super) fn catch_up(&mut self, version: i64, ctx: &mut Context<Self>) {
        if let Some(state) = &mut self.state {
            let effects = state.catch_up(version);
            if effects.is_empty() {
                self.give_back(version);
            }
            self.run(effects.into(), ctx);
        }
    }

    /// The same for whoever waits until it is told.
    fn catch_up_for(&mut self, ticket: Ticket, version: i64, ctx: &mut Context<Self>) {
        self.untold.push((version, ticket));
        self.catch_up(version, ctx);
    }

    /// Everything up to `version` has been told.
    fn give_back(&mut self, version: i64) {
        self.untold.retain(|(up_to, _)| *up_to > version);
    }

    /// What is to be told couldn't be read: the ticket keeps the Room until it
    /// could.
    fn catch_up_again(&self, ticket: Ticket, ctx: &mut Context<Self>) {
        ctx.notify_later(RoomCommand::CatchUp(ticket), READ_AGAIN);
    }

    /// Does what follows, in order. An effect that has to wait for the
    /// database holds the mailbox and takes the rest along.
    fn run(&mut self, mut effects: Effects, ctx: &mut Context<Self>) {
        while let Some(effect) = effects.pop_front() {
            match effect {
                Effect::Submit(mut append) => {
                    self.deps.storage.judge(&mut append);
                    let port = self.port(ctx.address());
                    self.deps.journal.append(append, port);
                }
                Effect::Tell(telling) => self.tell(&telling),
                Effect::SettleStatuses => return self.settle_statuses(effects, ctx),
                Effect::Removed(user, reason) => self.tell_removed(user, reason),
                Effect::Told(version) => {
                    self.origin.told.store(version, Ordering::Release);
                    self.give_back(version);
                }
                Effect::Answer(reply, result) => reply.send(result),
                Effect::AnswerOutsider(reply, change) => {
                    return self.answer_outsider((reply, change), effects, ctx);
                }
                Effect::Show(show) => {
                    let to = self.deps.directory.present(&show.to);
                    if !to.is_empty() {
                        return self.show((to, show), effects, ctx);
                    }
                }
                Effect::CatchUp(missing) => return self.read_missing(missing, effects, ctx),
                Effect::Reload => return self.reload(effects, ctx),
                Effect::Recount => return self.recount(effects, ctx),
                Effect::GatherMarks => self.gather_marks(ctx),
                Effect::WakeAt(then) => self.wake_at(then, ctx),
            }
        }
    }

    fn tell(&self, telling: &Telling) {
        let conversation = self.origin.key.conversation;
        self.deps.faults.before_telling(conversation);
        fanout::deliver(&self.deps.directory, conversation, telling);
    }

    fn gather_marks(&self, ctx: &mut Context<Self>) {
        ctx.run_later(self.deps.gather_marks, |room, ctx| {
            if let Some(state) = &mut room.state {
                let effects = state.marks_due();
                room.run(effects.into(), ctx);
            }
        });
    }

    fn wake_at(&self, then: Instant, ctx: &mut Context<Self>) {
        ctx.run_later(then.duration_since(Instant::now()), |room, ctx| {
            if let Some(state) = &mut room.state {
                let effects = state.typing_due(Instant::now());
                room.run(effects.into(), ctx);
            }
        });
    }

    /// Waits for what is being told of who is here, so that nothing comes after
    /// a leaving that was read before it. It takes no longer than a reading.
    fn settle_statuses(&mut self, rest: Effects, ctx: &mut Context<Self>) {
        let presence = self.deps.presence.clone();
        let settled = async move { presence.settled().await };
        self.hold(ctx, settled, move |(), room, ctx| room.run(rest, ctx));
    }

    /// What is bound to the conversation is closed after that; what isn't
    /// hears nothing of it any more.
    fn tell_removed(&self, user: UserId, reason: RemovedReason) {
        let conversation_id = self.origin.key.conversation;
        let event = Event::ConversationRemoved {
            conversation_id,
            reason,
        };
        let frame = Frame::telling((conversation_id, 0), &event);
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

    /// Reads how many messages wait for whom.
    fn recount(&mut self, rest: Effects, ctx: &mut Context<Self>) {
        let store = self.deps.store.clone();
        let conversation = self.origin.key.conversation;
        let read = async move { store.room(conversation).await };
        self.hold(ctx, read, move |found, room, ctx| {
            let mut effects = Effects::new();
            match (found, &mut room.state) {
                (Ok(record), Some(state)) => effects.extend(state.recounted(&record)),
                (Err(error), _) => {
                    tracing::error!(%conversation, %error, "can't count again; trying later");
                    ctx.run_later(READ_AGAIN, |room, ctx| {
                        // Another withdrawal may have had it done meanwhile.
                        if room.state.as_ref().is_some_and(State::is_miscounted) {
                            room.recount(Effects::new(), ctx);
                        }
                    });
                }
                (Ok(_), None) => {}
            }
            effects.extend(rest);
            room.run(effects, ctx);
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
            ctx.run_later(READ_AGAIN, move |room, ctx| {
                room.catch_up(missing.up_to, ctx);
            });
        }
    }

    /// Shows the conversation to those who are here and have it in their list, as
    /// each of them sees it.
    fn show(&mut self, (to, show): (Vec<UserId>, Show), rest: Effects, ctx: &mut Context<Self>) {
        let store = self.deps.store.clone();
        let conversation = self.origin.key.conversation;
        let read = async move { store.conversation_listed_for(&to, conversation).await };
        self.hold(ctx, read, move |views, room, ctx| {
            match views {
                Ok(views) => room.tell_views(views, &show),
                // What it has become is told all the same.
                Err(error) => tracing::error!(%conversation, %error, "can't show a conversation"),
            }
            room.run(rest, ctx);
        });
    }

    /// Sends a change to the sessions of a user who is outside, as that user
    /// sees the message, and answers them. The change is on disk: if the reading
    /// fails, they get the message without content.
    fn answer_outsider(
        &mut self,
        (reply, change): (Reply, OutsiderChange),
        rest: Effects,
        ctx: &mut Context<Self>,
    ) {
        let store = self.deps.store.clone();
        let (conversation, user) = (self.origin.key.conversation, change.user);
        let seq = change.sent.message.seq;
        let read = async move { store.message_seen_by(user, conversation, seq).await };
        self.hold(ctx, read, move |found, room, ctx| {
            let seen = found.unwrap_or_else(|error| {
                tracing::error!(%conversation, %error, "cannot read a message for a former member");
                None
            });
            let sent = change.seen_as(seen);
            if sent.is_new {
                let frames = [echo(&sent.message)].into();
                room.deps.directory.deliver([user], &frames);
            }
            reply.send(Ok(Done::Sent(sent)));
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
            let frame = Frame::telling((id, show.version), &event);
            self.deps.directory.deliver([user], &[frame].into());
        }
    }
}
