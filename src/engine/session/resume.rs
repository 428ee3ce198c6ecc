//! Catching up: what is read, and what becomes of it. How it goes on is in
//! [`catch_up`], which is pure.
//!
//! Everything is read in tasks of their own, a few at a time in the process:
//! an actor whose client doesn't read isn't polled, and must keep nobody else
//! waiting. For the same reason what was read is written only when the socket
//! had room again, and then a chunk at most.

mod catch_up;
mod floors;

use actix::{ActorFutureExt, AsyncContext, WrapFuture};
use entity::{ConversationId, Millis, UserId};
use tokio::task::JoinSet;

use super::socket::SocketContext;
use super::{Engine, Session};
use crate::engine::directory::Door;
use crate::engine::ports::Frame;
use crate::protocol::command::{Named, Resume};
use crate::protocol::{CloseCode, Code, Problem};
use crate::store::{Store, StoreError, paid_by};
use catch_up::{AllAsked, CatchUp, Desk, Found, Out, Read};
use floors::Floors;

/// What a session has caught up with, and how far it is with the rest.
#[derive(Default)]
pub(super) struct Resuming {
    floors: Floors,
    /// Seldom there, and large.
    under_way: Option<Box<CatchUp>>,
}

impl Resuming {
    /// Whether a frame tells more than was replayed.
    pub(super) fn is_news(&self, frame: &Frame) -> bool {
        self.floors.is_news(frame)
    }
}

/// What a client asks for.
enum Wish {
    One(ConversationId, i64),
    All(AllAsked),
}

impl Session {
    /// Begins to replay what changed.
    pub(super) fn resume(
        &mut self,
        resume: Resume,
        ctx: &mut SocketContext,
    ) -> Result<(), Problem> {
        let epoch = resume.epoch.as_deref();
        let is_other = epoch.is_some_and(|epoch| epoch != self.engine.epoch());
        let wish = self.wish(resume, is_other)?;
        let (Some(guard), None) = (&self.guard, &self.resuming.under_way) else {
            return Err(Problem::busy());
        };
        let mut desk = Desk {
            gate: &guard.gate,
            floors: &mut self.resuming.floors,
        };
        let (catch_up, read) = match wish {
            Wish::One(id, after) => CatchUp::one((id, after), is_other, &mut desk),
            Wish::All(asked) => CatchUp::all(asked, &mut desk),
        };
        self.resuming.under_way = Some(Box::new(catch_up));
        self.read_on(read, ctx);
        Ok(())
    }

    fn wish(&self, resume: Resume, is_other: bool) -> Result<Wish, Problem> {
        let not_negative = "a version: not less than 0";
        if self.door == Door::Notifications {
            let why = "This socket doesn't carry what would be replayed.";
            return Err(Problem::new(Code::Invalid, why));
        }
        match (resume.cursors, resume.after) {
            (None, None) => Err(Problem::field("after", "needed, or `cursors`")),
            (None, Some(..0)) => Err(Problem::field("after", not_negative)),
            (None, Some(after)) => Ok(Wish::One(self.addressed(resume.conversation_id)?, after)),
            (Some(_), _) if self.door.is_bound() => Err(Problem::field(
                "cursors",
                "only on a socket that is not bound to a conversation",
            )),
            (Some(_), after) if after.is_some() || resume.conversation_id.is_some() => Err(
                Problem::field("cursors", "without `after` and `conversation_id`"),
            ),
            (Some(cursors), _) if cursors.values().any(|version| *version < 0) => {
                Err(Problem::field("cursors", not_negative))
            }
            (Some(_), _) if resume.people.is_some_and(|version| version < 0) => {
                Err(Problem::field("people", not_negative))
            }
            (Some(cursors), _) => Ok(Wish::All(AllAsked {
                cursors,
                is_other,
                people: resume.people,
                // Before anything is read: what changes later is sent.
                people_version: self.engine.people_version(),
            })),
        }
    }

    /// A conversation is over for them: what the gate kept of that is told
    /// before the socket goes.
    pub(super) fn hear_of_the_end(&mut self, ctx: &mut SocketContext) {
        let (Some(guard), Some(catch_up)) = (&self.guard, self.resuming.under_way.take()) else {
            return;
        };
        let kept = catch_up.only().map(|id| guard.gate.open(id));
        for delivery in kept.unwrap_or_default() {
            self.tell(&delivery, ctx);
        }
    }

    fn read_on(&self, read: Read, ctx: &mut SocketContext) {
        let reading = fetch(self.engine.clone(), self.who.user.id, read);
        ctx.spawn(
            reading
                .into_actor(self)
                .map(|found, session, ctx| session.found(found, ctx)),
        );
    }

    fn found(&mut self, found: Option<Result<Found, StoreError>>, ctx: &mut SocketContext) {
        let (Some(guard), Some(catch_up)) = (&self.guard, &mut self.resuming.under_way) else {
            return;
        };
        if self.is_closing {
            return;
        }
        let mut desk = Desk {
            gate: &guard.gate,
            floors: &mut self.resuming.floors,
        };
        let turn = match (found, catch_up.only()) {
            (Some(Ok(found)), _) => catch_up.found(found, &mut desk),
            (Some(Err(StoreError::Refused(problem))), Some(conversation)) => {
                let passing = CatchUp::give_up(conversation, &mut desk);
                self.resuming.under_way = None;
                for delivery in passing {
                    self.tell(&delivery, ctx);
                }
                let named = Named {
                    conversation_id: Some(conversation),
                    ..Named::default()
                };
                return self.refuse(problem, named, ctx);
            }
            (failed, _) => {
                tracing::error!(session = self.id(), ?failed, "can't replay what was missed");
                return self.close(CloseCode::Internal, ctx);
            }
        };
        if turn.next.is_none() {
            self.resuming.under_way = None;
        }
        for out in turn.out {
            match out {
                Out::Say(text) => self.say(text, ctx),
                Out::Pass(delivery) => self.tell(&delivery, ctx),
                Out::Synced(synced) => {
                    let total_unread = self.tally.total(Millis::now());
                    self.say(synced.event(total_unread).encode(), ctx);
                }
            }
        }
        if let Some(read) = turn.next {
            self.read_on(read, ctx);
        }
    }
}

/// What was asked for; none where the task that read it died.
async fn fetch(engine: Engine, me: UserId, read: Read) -> Option<Result<Found, StoreError>> {
    if matches!(read, Read::Drained) {
        // The actor is polled again only when its socket has room.
        tokio::task::yield_now().await;
        return Some(Ok(Found::Drained));
    }
    // With the session, who waits for it goes, and so does the task.
    let mut task = JoinSet::new();
    task.spawn(async move {
        let inner = &engine.inner;
        inner.rates.afford(me).await;
        let _permit = inner.resume_reads.acquire().await;
        let payer = inner.rates.payer_of_socket(me);
        paid_by(payer, ask(&inner.store, me, read)).await
    });
    task.join_next().await?.ok()
}

async fn ask(store: &Store, me: UserId, read: Read) -> Result<Found, StoreError> {
    Ok(match read {
        Read::Drained => Found::Drained,
        Read::Names(version) => Found::Names(store.missed_names(me, version).await?),
        Read::Standings(named) => Found::Standings(store.standings(me, &named).await?),
        Read::Views(ids) => Found::Views(store.conversations_of(me, &ids).await?),
        Read::Round { id, after } => Found::Round(Box::new(store.round(me, id, after).await?)),
        Read::Chunk { id, seqs, up_to } => {
            Found::Chunk(store.messages_at((me, id), &seqs, up_to).await?)
        }
    })
}
