//! Replays missed changes: reads them and sends the results. The steps are
//! decided in [`catch_up`], which is pure.
//!
//! All reads run in their own tasks, of which only a few run at a time in the
//! process. An actor whose client doesn't read isn't polled, and must not block
//! the reads of other sessions. For that reason, results are sent only when the
//! socket has room again, and one chunk at a time.

mod catch_up;
mod floors;

use actix::{ActorFutureExt, AsyncContext, WrapFuture};
use entity::{ConversationId, Millis, UserId};
use tokio::task::JoinSet;

use super::socket::SocketContext;
use super::{Engine, Session};
use crate::engine::directory::SocketScope;
use crate::engine::ports::EventFrame;
use crate::protocol::command::{FrameReferences, ResumeFrame};
use crate::protocol::{CloseCode, ErrorCode, Problem};
use crate::store::{Store, StoreError, with_payer};
use catch_up::{CatchUp, FullResume, ReplayData, ReplayGate, ReplayRead, TurnOutput};
use floors::ReplayFloors;

/// The versions up to which a session has caught up, and its current replay.
#[derive(Default)]
pub(super) struct ResumeState {
    floors: ReplayFloors,
    /// Boxed because it is rare and large.
    under_way: Option<Box<CatchUp>>,
}

impl ResumeState {
    /// Returns whether a frame is newer than the replay.
    pub(super) fn is_newer(&self, frame: &EventFrame) -> bool {
        self.floors.is_newer(frame)
    }
}

/// The conversations that a client wants to resume.
enum ResumeTarget {
    One(ConversationId, i64),
    All(FullResume),
}

impl Session {
    /// Begins to replay missed changes.
    pub(super) fn resume(
        &mut self,
        resume: ResumeFrame,
        ctx: &mut SocketContext,
    ) -> Result<(), Problem> {
        let epoch = resume.epoch.as_deref();
        let is_other = epoch.is_some_and(|epoch| epoch != self.engine.epoch());
        let target = self.resume_target(resume, is_other)?;
        let (Some(guard), None) = (&self.guard, &self.resume_state.under_way) else {
            return Err(Problem::busy());
        };
        let mut replay_gate = ReplayGate {
            gate: &guard.gate,
            floors: &mut self.resume_state.floors,
        };
        let (catch_up, read) = match target {
            ResumeTarget::One(id, after) => {
                CatchUp::begin_one(id, after, is_other, &mut replay_gate)
            }
            ResumeTarget::All(full) => CatchUp::begin_all(full, &mut replay_gate),
        };
        self.resume_state.under_way = Some(Box::new(catch_up));
        self.start_read(read, ctx);
        Ok(())
    }

    fn resume_target(&self, resume: ResumeFrame, is_other: bool) -> Result<ResumeTarget, Problem> {
        let not_negative = "a version: not less than 0";
        if self.scope == SocketScope::Notifications {
            let why = "This socket doesn't carry these conversations.";
            return Err(Problem::new(ErrorCode::Invalid, why));
        }
        match (resume.cursors, resume.after) {
            (None, None) => Err(Problem::invalid_field(
                "after",
                "required, or use `cursors`",
            )),
            (None, Some(..0)) => Err(Problem::invalid_field("after", not_negative)),
            (None, Some(after)) => Ok(ResumeTarget::One(
                self.resolve_conversation(resume.conversation_id)?,
                after,
            )),
            (Some(_), _) if self.scope.is_bound() => Err(Problem::invalid_field(
                "cursors",
                "only on a socket that is not bound to a conversation",
            )),
            (Some(_), after) if after.is_some() || resume.conversation_id.is_some() => Err(
                Problem::invalid_field("cursors", "without `after` and `conversation_id`"),
            ),
            (Some(cursors), _) if cursors.values().any(|version| *version < 0) => {
                Err(Problem::invalid_field("cursors", not_negative))
            }
            (Some(_), _) if resume.people.is_some_and(|version| version < 0) => {
                Err(Problem::invalid_field("people", not_negative))
            }
            (Some(cursors), _) => Ok(ResumeTarget::All(FullResume {
                cursors,
                since: resume.since,
                is_other_history: is_other,
                people: resume.people,
                // Taken before any read: later changes are sent live.
                people_version: self.engine.people_version(),
            })),
        }
    }

    /// Handles the removal from a conversation that is being replayed:
    /// deliveries kept by the gate are sent before the socket closes.
    pub(super) fn flush_gate_on_removal(&mut self, ctx: &mut SocketContext) {
        let (Some(guard), Some(catch_up)) = (&self.guard, self.resume_state.under_way.take())
        else {
            return;
        };
        let kept = catch_up.conversation().map(|id| guard.gate.open(id));
        for delivery in kept.unwrap_or_default() {
            self.send_delivery(&delivery, ctx);
        }
    }

    fn start_read(&self, read: ReplayRead, ctx: &mut SocketContext) {
        let reading = run_read(self.engine.clone(), self.identity.user.id, read);
        ctx.spawn(
            reading
                .into_actor(self)
                .map(|found, session, ctx| session.handle_read(found, ctx)),
        );
    }

    fn handle_read(
        &mut self,
        found: Option<Result<ReplayData, StoreError>>,
        ctx: &mut SocketContext,
    ) {
        let (Some(guard), Some(catch_up)) = (&self.guard, &mut self.resume_state.under_way) else {
            return;
        };
        if self.is_closing {
            return;
        }
        let mut replay_gate = ReplayGate {
            gate: &guard.gate,
            floors: &mut self.resume_state.floors,
        };
        let turn = match (found, catch_up.conversation()) {
            (Some(Ok(found)), _) => catch_up.apply_data(found, &mut replay_gate),
            (Some(Err(StoreError::Refused(problem))), Some(conversation)) => {
                let passing = CatchUp::abandon(conversation, &mut replay_gate);
                self.resume_state.under_way = None;
                for delivery in passing {
                    self.send_delivery(&delivery, ctx);
                }
                let named = FrameReferences {
                    conversation_id: Some(conversation),
                    ..FrameReferences::default()
                };
                return self.send_error(problem, named, ctx);
            }
            (failed, _) => {
                tracing::error!(session = self.id(), ?failed, "can't replay missed changes");
                return self.close(CloseCode::Internal, ctx);
            }
        };
        if turn.next.is_none() {
            self.resume_state.under_way = None;
        }
        for out in turn.outputs {
            match out {
                TurnOutput::Send(text) => self.send_text(text, ctx),
                TurnOutput::Deliver(delivery) => self.send_delivery(&delivery, ctx),
                TurnOutput::Synced(synced) => {
                    let total_unread = self.tally.total(Millis::now());
                    self.send_text(synced.to_event(total_unread).encode(), ctx);
                }
            }
        }
        if let Some(read) = turn.next {
            self.start_read(read, ctx);
        }
    }
}

/// Runs a read; returns none if its task died.
async fn run_read(
    engine: Engine,
    me: UserId,
    read: ReplayRead,
) -> Option<Result<ReplayData, StoreError>> {
    if matches!(read, ReplayRead::Nothing) {
        // The actor is polled again only when its socket has room.
        tokio::task::yield_now().await;
        return Some(Ok(ReplayData::Nothing));
    }
    // If the session ends, the set is dropped, which aborts the task.
    let mut task = JoinSet::new();
    task.spawn(async move {
        let inner = &engine.inner;
        inner.rates.wait_for_budget(me).await;
        let _permit = inner.resume_reads.acquire().await;
        let payer = inner.rates.payer_of_socket(me);
        with_payer(payer, execute_read(&inner.store, me, read)).await
    });
    task.join_next().await?.ok()
}

async fn execute_read(
    store: &Store,
    me: UserId,
    read: ReplayRead,
) -> Result<ReplayData, StoreError> {
    Ok(match read {
        ReplayRead::Nothing => ReplayData::Nothing,
        ReplayRead::Names(version) => {
            ReplayData::Names(store.name_changes().load_missed(me, version).await?)
        }
        ReplayRead::States { named, since } => {
            let replay = store.replay();
            ReplayData::States(replay.load_conversations(me, &named, since).await?)
        }
        ReplayRead::Views(ids) => {
            ReplayData::Views(store.conversations().list_by_id(me, &ids).await?)
        }
        ReplayRead::Round { id, after } => {
            ReplayData::Round(Box::new(store.replay().load_delta(me, id, after).await?))
        }
        ReplayRead::Chunk { id, seqs, up_to } => {
            ReplayData::Chunk(store.replay().load_messages(me, id, &seqs, up_to).await?)
        }
    })
}
