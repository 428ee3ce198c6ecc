//! The actor around [`super::state`]: passes messages in, and runs the effects.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;

use actix::{ActorContext, AsyncContext, Context, Handler};
use entity::UserId;
use tokio::time::Instant;

use super::effects::{RoomEffect, ShowConversation, VersionGap};
use super::messages::{RetireRoom, RoomCommand};
use super::state::RoomState;
use super::{READ_RETRY, Room, fanout};
use crate::engine::ports::EventFrame;
use crate::engine::reply::{CommandReply, CommandTicket};
use crate::protocol::event::RemovalReason;
use crate::protocol::{CloseCode, Conversation, Problem, ServerEvent};
use crate::store::StoreError;
use crate::store::append::{AppendOutcome, BatchCommit};

pub(super) type EffectQueue = VecDeque<RoomEffect<CommandReply>>;

impl Handler<RoomCommand> for Room {
    type Result = ();

    fn handle(&mut self, command: RoomCommand, ctx: &mut Context<Self>) {
        // A rename or refresh doesn't count as use of the conversation.
        if !matches!(command, RoomCommand::Renamed(_) | RoomCommand::Refresh) {
            self.last_command_at = Instant::now();
        }
        let Some(state) = &mut self.state else {
            return self.load_for_command(command, ctx);
        };
        match command {
            RoomCommand::Execute {
                actor,
                action,
                reply,
            } => {
                let effects = state.execute_command(actor, action, reply);
                self.run_effects(effects.into(), ctx);
            }
            RoomCommand::SetTyping(report, reply) => {
                let effects = state.set_typing(report, Instant::now(), reply);
                self.run_effects(effects.into(), ctx);
            }
            // If the caller is gone, the ticket is dropped.
            RoomCommand::AwaitLoad(caller, ticket) => drop(caller.send(ticket)),
            RoomCommand::CatchUp(ticket) => self.load(ctx, |found, room, ctx| match found {
                Ok(record) => room.catch_up_with_ticket(ticket, record.version, ctx),
                Err(_) => room.retry_catch_up(ticket, ctx),
            }),
            // After a failed read, the next commit detects the outdated state.
            RoomCommand::Refresh => self.load(ctx, |found, room, ctx| {
                if let (Ok(record), Some(state)) = (found, &mut room.state) {
                    let effects = state.apply_refresh(record);
                    room.run_effects(effects.into(), ctx);
                }
            }),
            RoomCommand::Renamed(user) => state.rename_user(user),
        }
    }
}

impl Handler<BatchCommit> for Room {
    type Result = ();

    fn handle(&mut self, mut commit: BatchCommit, ctx: &mut Context<Self>) {
        if let Some(state) = &mut self.state {
            let marks = commit.marks.remove(&self.identity.key.conversation);
            let effects = state.apply_commit(commit.outcomes, marks.unwrap_or_default());
            self.run_effects(effects.into(), ctx);
            self.deps.counters.fan_out.record_time(commit.at.elapsed());
        }
    }
}

impl Handler<RetireRoom> for Room {
    type Result = ();

    fn handle(&mut self, _: RetireRoom, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}

impl Room {
    /// Retries the load that failed at the start, for a command.
    fn load_for_command(&self, command: RoomCommand, ctx: &mut Context<Self>) {
        self.load(ctx, |found, room, ctx| {
            let is_there = !matches!(found, Err(StoreError::Refused(_)));
            match room.apply_load(found) {
                Ok(version) => room.run_first_command(command, version, ctx),
                Err(problem) => room.refuse_command(command, problem, ctx),
            }
            // A conversation that doesn't exist needs no Room. Commands in its
            // mailbox keep the Room until they are answered.
            if !is_there && !room.has_announced() {
                room.offer_retirement();
            }
        });
    }

    /// Runs the command for which the Room was loaded, as of `version`. Pending
    /// changes are announced first: a retry alone would announce nothing.
    fn run_first_command(&mut self, command: RoomCommand, version: i64, ctx: &mut Context<Self>) {
        match command {
            RoomCommand::CatchUp(ticket) => self.catch_up_with_ticket(ticket, version, ctx),
            // The load already includes this change.
            RoomCommand::Renamed(_) | RoomCommand::Refresh => self.catch_up(version, ctx),
            command @ (RoomCommand::Execute { .. }
            | RoomCommand::SetTyping(..)
            | RoomCommand::AwaitLoad(..)) => {
                self.catch_up(version, ctx);
                self.handle(command, ctx);
            }
        }
    }

    fn refuse_command(&self, command: RoomCommand, problem: Problem, ctx: &mut Context<Self>) {
        match command {
            // The end of typing is never refused: otherwise the answer to a
            // stranger would show whether the conversation exists.
            RoomCommand::SetTyping(report, reply) if !report.is_typing => {
                reply.send(AppendOutcome::Unchanged(None));
            }
            RoomCommand::Execute { reply, .. } | RoomCommand::SetTyping(_, reply) => {
                reply.send(AppendOutcome::Refused(problem));
            }
            RoomCommand::CatchUp(ticket) => self.retry_catch_up(ticket, ctx),
            // The dropped sender signals to the caller that the Room can't
            // start.
            RoomCommand::AwaitLoad(..) => {}
            RoomCommand::Renamed(_) | RoomCommand::Refresh => {}
        }
    }

    /// Announces changes on disk up to `version` that haven't been announced.
    pub(super) fn catch_up(&mut self, version: i64, ctx: &mut Context<Self>) {
        if let Some(state) = &mut self.state {
            let effects = state.catch_up(version);
            if effects.is_empty() {
                self.release_tickets(version);
            }
            self.run_effects(effects.into(), ctx);
        }
    }

    /// Catches up, and holds the ticket until all changes up to `version` are
    /// announced.
    fn catch_up_with_ticket(
        &mut self,
        ticket: CommandTicket,
        version: i64,
        ctx: &mut Context<Self>,
    ) {
        self.pending_tickets.push((version, ticket));
        self.catch_up(version, ctx);
    }

    /// Releases tickets: all changes up to `version` have been announced.
    fn release_tickets(&mut self, version: i64) {
        self.pending_tickets.retain(|(up_to, _)| *up_to > version);
    }

    /// Retries to catch up after a failed read. The ticket keeps the Room alive
    /// until a retry succeeds.
    fn retry_catch_up(&self, ticket: CommandTicket, ctx: &mut Context<Self>) {
        ctx.notify_later(RoomCommand::CatchUp(ticket), READ_RETRY);
    }

    /// Runs the effects, in order. An effect that has to wait for the database
    /// holds the mailbox, and the remaining effects run after it.
    pub(super) fn run_effects(&mut self, mut effects: EffectQueue, ctx: &mut Context<Self>) {
        while let Some(effect) = effects.pop_front() {
            match effect {
                RoomEffect::Submit(mut append) => {
                    self.deps.storage.judge_append(&mut append);
                    let port = self.port(ctx.address());
                    self.deps.journal.append(append, port);
                }
                RoomEffect::Deliver { events, unread } => {
                    let conversation = self.identity.key.conversation;
                    self.deps.faults.before_fan_out(conversation);
                    fanout::deliver_events(&self.deps.directory, conversation, &events, unread);
                }
                RoomEffect::SettleStatuses => return self.settle_statuses(effects, ctx),
                RoomEffect::NotifyRemoved(user, reason) => self.notify_removed(user, reason),
                RoomEffect::Announced(version) => {
                    self.identity
                        .announced_version
                        .store(version, Ordering::Release);
                    self.release_tickets(version);
                }
                RoomEffect::Reply(reply, outcome) => reply.send(outcome),
                RoomEffect::RefuseNonmember(user, reply) => self.refuse_nonmember(user, reply, ctx),
                RoomEffect::ReplyToFormerMember(reply) => {
                    return self.reply_to_former_member(reply, effects, ctx);
                }
                RoomEffect::Show(mut show) => {
                    show.recipients = self.deps.directory.filter_present(&show.recipients);
                    if !show.recipients.is_empty() {
                        return self.show_conversation(show, effects, ctx);
                    }
                }
                RoomEffect::ReadMissed(missing) => return self.read_missed(missing, effects, ctx),
                RoomEffect::Reload => return self.reload_record(effects, ctx),
                RoomEffect::Recount => return self.recount_unread(effects, ctx),
                RoomEffect::GatherMarks => self.schedule_marks(ctx),
                RoomEffect::WakeAt(then) => self.schedule_typing_check(then, ctx),
            }
        }
    }

    fn schedule_marks(&self, ctx: &mut Context<Self>) {
        ctx.run_later(self.deps.marks_delay, |room, ctx| {
            if let Some(state) = &mut room.state {
                let effects = state.submit_due_marks();
                room.run_effects(effects.into(), ctx);
            }
        });
    }

    fn schedule_typing_check(&self, then: Instant, ctx: &mut Context<Self>) {
        ctx.run_later(then.duration_since(Instant::now()), |room, ctx| {
            if let Some(state) = &mut room.state {
                let effects = state.expire_typing(Instant::now());
                room.run_effects(effects.into(), ctx);
            }
        });
    }

    /// Waits until the statuses under way are sent, since none may follow the
    /// removal. Their recipients were read before the removal was known. The
    /// wait takes no longer than a read.
    fn settle_statuses(&mut self, rest: EffectQueue, ctx: &mut Context<Self>) {
        let presence = self.deps.presence.clone();
        let settled = async move { presence.wait_until_settled().await };
        self.hold(ctx, settled, move |(), room, ctx| {
            room.run_effects(rest, ctx)
        });
    }

    /// Sends the removal. Sockets that are bound to the conversation are closed
    /// after that; the user's other sockets get no more of its events.
    fn notify_removed(&self, user: UserId, reason: RemovalReason) {
        let conversation_id = self.identity.key.conversation;
        let event = ServerEvent::ConversationRemoved {
            conversation_id,
            reason,
        };
        let frame = EventFrame::for_change(conversation_id, 0, &event);
        self.deps.directory.deliver([user], &[frame].into());
        self.deps
            .directory
            .close_bound(user, conversation_id, CloseCode::Removed);
    }

    fn reload_record(&mut self, rest: EffectQueue, ctx: &mut Context<Self>) {
        self.load(ctx, |found, room, ctx| {
            if let Some(state) = &mut room.state {
                let mut effects = rest;
                effects.extend(match found {
                    Ok(record) => state.apply_reload(record),
                    Err(error) => state.fail_pending(&Problem::from(error)),
                });
                room.run_effects(effects, ctx);
            }
        });
    }

    /// Reads the members' unread counts.
    fn recount_unread(&mut self, rest: EffectQueue, ctx: &mut Context<Self>) {
        let store = self.deps.store.clone();
        let conversation = self.identity.key.conversation;
        let read = async move { store.rooms().load(conversation).await };
        self.hold(ctx, read, move |found, room, ctx| {
            let mut effects = EffectQueue::new();
            match (found, &mut room.state) {
                (Ok(record), Some(state)) => effects.extend(state.apply_recount(&record)),
                (Err(error), _) => {
                    tracing::error!(%conversation, %error, "can't read unread counts; retrying");
                    ctx.run_later(READ_RETRY, |room, ctx| {
                        // Another deletion may have led to a recount meanwhile.
                        if room.state.as_ref().is_some_and(RoomState::needs_recount) {
                            room.recount_unread(EffectQueue::new(), ctx);
                        }
                    });
                }
                (Ok(_), None) => {}
            }
            effects.extend(rest);
            room.run_effects(effects, ctx);
        });
    }

    fn read_missed(&mut self, missing: VersionGap, rest: EffectQueue, ctx: &mut Context<Self>) {
        let store = self.deps.store.clone();
        let conversation = self.identity.key.conversation;
        let read = async move {
            store
                .rooms()
                .load_missed_changes(conversation, missing.after)
                .await
        };
        self.hold(ctx, read, move |found, room, ctx| {
            let mut effects = EffectQueue::new();
            match (found, &mut room.state) {
                (Ok(missed), Some(state)) => effects.extend(state.apply_missed(missing, missed)),
                (Err(error), _) => room.schedule_catch_up(missing, &error, ctx),
                (Ok(_), None) => {}
            }
            effects.extend(rest);
            room.run_effects(effects, ctx);
        });
    }

    fn schedule_catch_up(
        &mut self,
        missing: VersionGap,
        error: &StoreError,
        ctx: &mut Context<Self>,
    ) {
        tracing::error!(
            conversation = %self.identity.key.conversation,
            %error,
            "can't read missed changes; trying again",
        );
        if let Some(state) = &mut self.state {
            state.mark_unannounced(missing.after);
            ctx.run_later(READ_RETRY, move |room, ctx| {
                room.catch_up(missing.up_to, ctx);
            });
        }
    }

    /// Sends the conversation to users with sessions who have it in their list,
    /// as each of them sees it.
    fn show_conversation(
        &mut self,
        mut show: ShowConversation,
        rest: EffectQueue,
        ctx: &mut Context<Self>,
    ) {
        let store = self.deps.store.clone();
        let conversation = self.identity.key.conversation;
        let to = std::mem::take(&mut show.recipients);
        let read = async move {
            store
                .conversations()
                .load_listed_views(&to, conversation)
                .await
        };
        self.hold(ctx, read, move |views, room, ctx| {
            match views {
                Ok(views) => room.deliver_views(views, &show),
                // The conversation's changes are announced even without it.
                Err(error) => tracing::error!(%conversation, %error, "can't send a conversation"),
            }
            room.run_effects(rest, ctx);
        });
    }

    fn deliver_views(&self, views: Vec<(UserId, Conversation)>, show: &ShowConversation) {
        for (user, mut conversation) in views {
            let id = conversation.id;
            // The read may include later commits. A client that resumes from
            // this version must still get their changes.
            conversation.version = conversation.version.min(show.cursor);
            let event = ServerEvent::Conversation {
                conversation: Box::new(conversation),
            };
            let frame = EventFrame::for_change(id, show.version, &event);
            self.deps.directory.deliver([user], &[frame].into());
        }
    }
}
